"""Selective neurotomy: given and told, with no effect on tone, for no size is on record.

Source: none with a number.

Not for
    Weakness, wounds, what comes back when nerves grow again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from eutonia.study.fields import described
from eutonia.study.no_size import NerveBlock


class NeurotomyTreatment(NerveBlock):
    """A part of a motor nerve of one limb, cut for good."""

    route: Literal["neurotomy"] = described("Selective neurotomy.")

    sources: ClassVar[tuple[str, ...]] = ("assumption",)
    example: ClassVar[Mapping[str, Any]] = {"limb": "leg", "at": "0 hour"}
    caveat: ClassVar[str] = (
        "No effect of a neurotomy on tone or strength is modelled, and no harm: no size of any is on record here."
    )
