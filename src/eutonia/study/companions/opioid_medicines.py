"""Opioids: no effect on tone, and what baclofen does to alertness counts for more while they are taken.

Equation, assumptions: see `study.depressants`.
Source: Label_ITB warns of sedation that adds up, and of low pressure and short breath with morphine beside the cord.

Not for
    Pain, breathing, dependence, the dose.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from eutonia.study.depressants import Depressant
from eutonia.study.fields import described


class OpioidMedicinesTreatment(Depressant):
    """An opioid, at a dose of which a label's warning is meant."""

    route: Literal["opioid medicines"] = described("An opioid beside baclofen.")

    sources: ClassVar[tuple[str, ...]] = ("Label_ITB",)
    example: ClassVar[Mapping[str, Any]] = {"start": "0 hour"}
    caveat: ClassVar[str] = (
        "No effect of opioids on tone or pain is modelled. They multiply what baclofen does to alertness by a factor "
        "that is assumed. Breathing, which both slow, is left out."
    )
