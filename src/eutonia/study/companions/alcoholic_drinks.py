"""Alcohol: no effect on tone, and what baclofen does to alertness counts for more while it is drunk.

Equation, assumptions: see `study.depressants`.
Source: Label_ITB and Label_oral warn of it and give no size.

Not for
    Alcohol use disorder, withdrawal from alcohol, accidents.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from eutonia.study.depressants import Depressant
from eutonia.study.fields import described


class AlcoholicDrinksTreatment(Depressant):
    """Alcohol, so much of it that a label's warning is meant."""

    route: Literal["alcoholic drinks"] = described("Alcohol beside baclofen.")

    sources: ClassVar[tuple[str, ...]] = ("Label_ITB", "Label_oral")
    example: ClassVar[Mapping[str, Any]] = {"start": "0 hour"}
    caveat: ClassVar[str] = (
        "No effect of alcohol on tone is modelled. It multiplies what baclofen does to alertness by a factor that is "
        "assumed: labels warn of it, and nobody has measured it. Breathing, falls and its own harms are left out."
    )
