"""Gabapentin capsules: no effect on tone is modelled, for no size is on record; what the label counts of harms is.

Source: label for dose and harms (people with epilepsy).

Not for
    Kidneys that fail, in which it gathers; pain of nerves.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from eutonia.study.fields import described
from eutonia.study.other_tablets import OtherTablets


class GabapentinCapsulesTreatment(OtherTablets):
    """Gabapentin capsules in equal doses at equal intervals."""

    route: Literal["gabapentin capsules"] = described("Gabapentin capsules.")

    harms: ClassVar[str | None] = "gabapentin"
    sources: ClassVar[tuple[str, ...]] = ("Label_gabapentin",)
    example: ClassVar[Mapping[str, Any]] = {"dose": "300 mg", "every": "8 hour", "start": "0 hour"}
    caveat: ClassVar[str] = (
        "No effect of gabapentin on tone is modelled: no trial with a size is on record here. "
        "It brings drowsiness, dizziness and fatigue, which add to those of baclofen; nerve pain is left out."
    )
