"""What is known of everybody between two phases of a trial, and all that a block needs of it: a few bytes a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from itertools import chain
from typing import Any

import numpy as np
from jaxtyping import Bool, Int

from eutonia.study.parts import Phase
from eutonia.study.policies import Screening

Flags = Bool[np.ndarray, " patient"]
Whole = Int[np.ndarray, " patient"]

#: Of each phase: who entered, passed its gate, left it, when, why, to which arm they went, who could not be computed.
OF_PHASES = ("entered", "passed", "left", "left_h", "left_why", "assigned", "failed")


@dataclass(frozen=True)
class Before:
    """What the people of a block bring to a phase: whether they enter, to which arm, and what a test dose taught."""

    entered: Flags
    assigned: Whole
    screening: Screening | None


@dataclass
class Roll:
    """Everybody's way through the phases so far; `reasons` says by person why they could not be computed, `lots` by
    phase the number under which each block is kept, and who is in it. Whether somebody is `eligible` is that of the
    pool of their own draw of numbers.
    """

    person: Whole
    member: Whole
    eligible: Flags
    entered: dict[str, Flags] = field(default_factory=dict)
    passed: dict[str, Flags] = field(default_factory=dict)
    left: dict[str, Flags] = field(default_factory=dict)
    left_h: dict[str, np.ndarray] = field(default_factory=dict)
    left_why: dict[str, Whole] = field(default_factory=dict)
    assigned: dict[str, Whole] = field(default_factory=dict)
    failed: dict[str, Flags] = field(default_factory=dict)
    screening: Screening | None = None
    reasons: dict[int, str] = field(default_factory=dict)
    lots: list[list[tuple[int, Whole]]] = field(default_factory=list)

    @classmethod
    def joined(cls, groups: Sequence[Roll]) -> Roll:
        """Return the way of groups of people who do not know of each other, in the order of people."""
        order = np.argsort(np.concatenate([group.person for group in groups]), kind="stable")

        def together(parts: Sequence[np.ndarray]) -> np.ndarray:
            return np.concatenate(parts)[order]

        person, member, eligible = (
            together([getattr(group, name) for group in groups]) for name in ("person", "member", "eligible")
        )
        found = cls(person, member, eligible)
        for name in OF_PHASES:
            for phase in getattr(groups[0], name):
                getattr(found, name)[phase] = together([getattr(group, name)[phase] for group in groups])
        for group in groups:
            found.reasons |= group.reasons
        found.lots = [list(chain(*of_phase)) for of_phase in zip(*(group.lots for group in groups), strict=True)]
        return found

    def enter(self, phase: Phase) -> Flags:
        """Return who enters a phase: whoever left no earlier one, and passed the gate of the one that it follows."""
        entered = np.ones(len(self.person), dtype=bool)
        for earlier in self.left:
            entered &= ~(self.entered[earlier] & self.left[earlier]) & ~self.failed[earlier]
        if phase.follows is not None:
            entered &= self.entered[phase.follows] & self.passed[phase.follows]
        return entered

    def before(self, phase: Phase, places: Whole) -> Before:
        """Return what the people at some places bring to a phase."""
        known = None if self.screening is None else self.screening.taken(places)
        return Before(self.entered[phase.name][places], self.assigned[phase.name][places], known)

    def note(self, phase: Phase, places: Whole, found: Any) -> None:
        """Take down what a block of people at some places found: a BlockOutcome, or as much of one as was kept."""
        for name in OF_PHASES:
            mine, theirs = getattr(self, name), getattr(found, name)[phase.name]
            mine.setdefault(phase.name, np.zeros(len(self.person), dtype=theirs.dtype))[places] = theirs
        self.reasons |= {int(self.person[places[place]]): why for place, why in found.reasons.items()}
        if found.screening is not None:
            if self.screening is None:
                n = len(self.person)
                self.screening = Screening(np.full(n, np.nan), np.full(n, np.nan), np.zeros(n, dtype=bool))
            for one in fields(Screening):
                getattr(self.screening, one.name)[places] = getattr(found.screening, one.name)
