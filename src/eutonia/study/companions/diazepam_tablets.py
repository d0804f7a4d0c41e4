"""Diazepam tablets: no effect on tone, for no size is on record; drowsiness adds to that of baclofen, and deepens it.

Source: label for the dose; how often people are drowsy is that of baclofen tablets, as the least.

Not for
    Dependence, withdrawal, falls, breathing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from eutonia.study.fields import described
from eutonia.study.other_tablets import OtherTablets


class DiazepamTabletsTreatment(OtherTablets):
    """Diazepam tablets in equal doses at equal intervals."""

    route: Literal["diazepam tablets"] = described("Diazepam tablets.")

    harms: ClassVar[str | None] = "diazepam"
    deepens: ClassVar[bool] = True
    sources: ClassVar[tuple[str, ...]] = ("Label_diazepam",)
    example: ClassVar[Mapping[str, Any]] = {"dose": "5 mg", "every": "8 hour", "start": "0 hour"}
    caveat: ClassVar[str] = (
        "No effect of diazepam on tone is modelled: no trial with a size is on record here. "
        "It brings drowsiness, which adds to that of baclofen, and multiplies what baclofen does to alertness by a "
        "factor that is assumed; breathing and dependence are left out."
    )
