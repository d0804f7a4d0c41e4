"""What is given and told without an effect, for no size of one is on record: the report says so by its `caveat`."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from eutonia.study.fields import Hours, described
from eutonia.study.treatments import Treatment
from eutonia.study.vocabulary import LimbName

if TYPE_CHECKING:
    from eutonia.treatment import Effects


class NoEffect(Treatment):
    """Something that is told, and does nothing to tone."""

    dose_unit: ClassVar[str] = ""

    def effects(self, state: int, is_given: bool) -> Effects:
        """Return no effect on tone; `state` is the number of people."""
        from eutonia.treatment import Effects

        return Effects.none(state)


class NoSize(NoEffect):
    """Something that one limb is given, of whose effect no size is on record."""

    limb: LimbName = described("Limb that is treated.")


class NerveBlock(NoSize):
    """What is done once to a motor nerve of one limb."""

    at_h: Hours = described("When, time in the phase, or since the onset.", alias="at")

    begins_key: ClassVar[str] = "at"
    lasts: ClassVar[bool] = False
