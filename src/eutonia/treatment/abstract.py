"""What the clock asks of a treatment that is under way: to move on, and what it does now."""

from __future__ import annotations

from abc import ABC, abstractmethod

from eutonia.treatment.effects import Effects


class AbstractTherapy(ABC):
    """A treatment under way in a block of people. The clock knows it by this and by nothing else."""

    @property
    def is_idle(self) -> bool:
        """Whether it has never done anything to anybody, so that nothing need be asked."""
        return False

    @abstractmethod
    def stop(self, time_h: float) -> None:
        """Give no more of it from a time on, h; of what was given once there is nothing to stop."""

    @abstractmethod
    def effects(self, time_h: float) -> Effects:
        """Return what it does at a time, h; a look, which moves nothing."""
