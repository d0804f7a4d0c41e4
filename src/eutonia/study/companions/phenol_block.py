"""Phenol at a motor nerve: given and told, with no effect on tone and no harm, for no size is on record.

Source: none with a number.

Not for
    Disturbed sensation, weakness, swelling, repeated blocks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from eutonia.study.fields import described
from eutonia.study.no_size import NerveBlock


class PhenolBlockTreatment(NerveBlock):
    """Phenol at a motor nerve of one limb, once."""

    route: Literal["phenol block"] = described("Phenol at a motor nerve.")

    sources: ClassVar[tuple[str, ...]] = ("assumption",)
    example: ClassVar[Mapping[str, Any]] = {"limb": "leg", "at": "0 hour"}
    caveat: ClassVar[str] = (
        "No effect of a phenol block on tone or strength is modelled, and no disturbed sensation: no size of any is on "
        "record here."
    )
