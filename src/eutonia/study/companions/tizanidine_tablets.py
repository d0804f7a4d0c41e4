"""Tizanidine tablets: one number of tone, from people with multiple sclerosis, and what the label counts of harms.

Equation, assumptions: see `study.other_tablets`.
Source: UK Tizanidine Trial Group 1994 (tone 20 % lower at 24 to 36 mg a day, 9 % under placebo); label for the harms.

Not for
    The fall of blood pressure, the liver, stopping at once; people after a stroke, in whom no number is known here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from eutonia.study.fields import described
from eutonia.study.other_tablets import OtherTablets


class TizanidineTabletsTreatment(OtherTablets):
    """Tizanidine tablets in equal doses at equal intervals."""

    route: Literal["tizanidine tablets"] = described("Tizanidine tablets.")

    harms: ClassVar[str | None] = "tizanidine"
    sources: ClassVar[tuple[str, ...]] = (
        "UK_tizanidine_1994",
        "Label_tizanidine",
    )
    example: ClassVar[Mapping[str, Any]] = {"dose": "4 mg", "every": "8 hour", "start": "0 hour"}
    caveat: ClassVar[str] = (
        "Tizanidine's effect on tone is that of one trial in multiple sclerosis less what placebo did in it, at once "
        "and the same in everybody; that it goes in proportion to the dose is assumed."
    )
