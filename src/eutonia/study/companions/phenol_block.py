"""Phenol at a motor nerve: given and told, with no effect on tone and no harm, for no size is on record.

Source: none with a number.

Not for
    Disturbed sensation, weakness, swelling, repeated blocks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from eutonia.study.fields import Hours, described
from eutonia.study.treatments import Treatment
from eutonia.study.vocabulary import LimbName

if TYPE_CHECKING:
    from eutonia.treatment import Effects


class PhenolBlockTreatment(Treatment):
    """Phenol at a motor nerve of one limb, once."""

    route: Literal["phenol block"] = described("Phenol at a motor nerve.")
    limb: LimbName = described("Limb whose nerve is treated.")
    at_h: Hours = described("When, time in the phase, or since the onset.", alias="at")

    begins_key: ClassVar[str] = "at"
    lasts: ClassVar[bool] = False

    dose_unit: ClassVar[str] = ""
    sources: ClassVar[tuple[str, ...]] = ("assumption",)
    example: ClassVar[Mapping[str, Any]] = {"limb": "leg", "at": "0 hour"}
    caveat: ClassVar[str] = (
        "No effect of a phenol block on tone or strength is modelled, and no disturbed sensation: no size of any is on "
        "record here."
    )

    def effects(self, state: int, is_given: bool) -> Effects:
        """Return no effect: no size of one is on record; `state` is the number of people."""
        from eutonia.treatment import Effects

        return Effects.none(state)
