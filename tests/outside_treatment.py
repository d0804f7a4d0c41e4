"""A treatment that another package brings: a cold pack takes 0.2 mV from one limb for two hours."""

from __future__ import annotations

from typing import ClassVar, Literal

from eutonia.study.fields import Given, Hours, described
from eutonia.study.treatments import Treatment
from eutonia.study.vocabulary import LimbName
from eutonia.treatment import Effects

TAKEN_MV, LASTS_H = 0.2, 2.0


class ColdPack(Treatment):
    """Cold on one limb."""

    route: Literal["cold pack"] = described("Cold on one limb, for two hours.")
    limb: LimbName = described("Limb that is cooled.")
    at_h: Hours = described("When, time in the phase.", alias="at")

    lasts: ClassVar[bool] = False
    dose_unit: ClassVar[str] = ""
    sources: ClassVar[tuple[str, ...]] = ("Someone D. A journal of cold 2022;3:3-30",)

    @property
    def begins_h(self) -> Given:
        """When it is put on."""
        return self.at_h

    @property
    def ends_h(self) -> float:
        """When it is taken off."""
        return self.at_h + LASTS_H

    def effects(self, state: int, is_given: bool) -> Effects:
        """Return the bias that it takes while it is on; `state` is the number of people."""
        return Effects.on(state, self.limb, bias_taken=TAKEN_MV) if is_given else Effects.none(state)
