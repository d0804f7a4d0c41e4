"""What a dosing policy is: from what a clinic has seen so far to the next dose. Data in, data out, nothing hidden.

A policy is a table of the study file that says how it decides. It is asked at its own moments and sees a `History`:
charted scores, reported signs, and the doses so far, never a number of the model. From outside a policy is registered
by `POLICIES.register`, or offered under the group of entry points `eutonia.policies`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from jaxtyping import Bool, Float, Int

from eutonia.registry import Registry
from eutonia.study.fields import Given, described
from eutonia.study.registered import Registered
from eutonia.study.rules import StopRule
from eutonia.study.studyfile import Key, Problem

if TYPE_CHECKING:
    from eutonia.assessment.scoring import Chart
    from eutonia.study.parts import Arm
    from eutonia.study.treatments import Treatment

Patients = Float[np.ndarray, " patient"]
Flags = Bool[np.ndarray, " patient"]
Notes = Mapping[str, np.ndarray]
Looked = tuple[Key, str, str | None]


@dataclass(frozen=True)
class Screening:
    """What the test bolus taught about each person: effective dose in ug, best score after it, whether it lasted
    over 8 h.
    """

    effective_ug: Patients
    best_score: Patients
    lasted: Flags

    def taken(self, who: slice | Int[np.ndarray, " some"]) -> Screening:
        """Return a copy that holds some of the people."""
        return Screening(self.effective_ug[who].copy(), self.best_score[who].copy(), self.lasted[who].copy())


@dataclass(frozen=True)
class Moment:
    """One time at which a policy is asked.

    `number` counts them; `looks` says whether people are examined, `nonspecific` whether attention and hope move the
    scores, `gives` whether what is proposed is a dose of its own, given there and then.
    """

    time_h: float
    number: int = 0
    looks: bool = True
    nonspecific: bool = True
    gives: bool = False


@dataclass(frozen=True)
class History:
    """What a clinic has at one moment, for each person; times in hours of the phase, doses in ug/h, ug or mg a dose.

    `amount` is the dose now and `first` the dose at the start; `chart` the scores of today (None where nobody was
    examined) and `before` those before any dose; `signs` who has had each sign by now, `earlier` by the moment before;
    `screening` what an earlier test dose taught, `notes` what the policy itself wrote down at earlier moments.
    """

    moment: Moment
    start_h: float
    amount: Patients
    first: Patients
    chart: Chart | None = None
    before: Chart | None = None
    signs: Mapping[str, Flags] = field(default_factory=dict)
    earlier: Mapping[str, Flags] = field(default_factory=dict)
    screening: Screening | None = None
    notes: Notes = field(default_factory=dict)

    @property
    def seen(self) -> Chart:
        """The scores of today."""
        assert self.chart is not None
        return self.chart

    def new(self, sign: str) -> Flags:
        """Return who has had a sign since the moment before."""
        return self.signs[sign] & ~self.earlier.get(sign, np.zeros_like(self.signs[sign]))


@dataclass(frozen=True)
class Proposal:
    """The next dose of each person (None: as it is), what the policy notes, and whether the change is abrupt.

    Notes that a report knows: "relieved", the rate at which each person was relieved (ug/h), and "effective", the test
    dose that worked (ug); NaN for who had none.
    """

    amount: Patients | None
    notes: Notes = field(default_factory=dict)
    abrupt: bool = False


class Policy(Registered):
    """How the dose of one treatment changes. A final of it is one table of the study file, told by its `policy`."""

    tag: ClassVar[str] = "policy"
    #: Route of the treatment that it steers; None for any that lasts.
    steers: ClassVar[str | None] = None
    #: Where the rule was published.
    sources: ClassVar[tuple[str, ...]] = ()
    #: Signs that the policy itself heeds.
    heeds: ClassVar[tuple[str, ...]] = ()
    #: Whether it learns from the test dose of an earlier phase.
    learns_from_screening: ClassVar[bool] = False
    #: Whether it gives several test doses and says which one worked.
    tests_doses: ClassVar[bool] = False

    if TYPE_CHECKING:
        policy: str

    stop_rules: tuple[StopRule, ...] = described(
        "What makes the clinic hold or lower the dose, whatever the policy says.", alias="stop_rule", default=()
    )

    @property
    def begins_with(self) -> Given | Literal["twice screening"] | None:
        """First dose, where the policy and not the treatment says it."""
        return None

    @property
    def signs(self) -> tuple[str, ...]:
        """Every sign that it asks for."""
        return tuple(dict.fromkeys((*self.heeds, *(rule.sign for rule in self.stop_rules if rule.sign != "enough"))))

    def looks_at(self) -> Iterator[Looked]:
        """Yield each score that it looks at: key in its table, scale, limb."""
        yield from ((("stop_rule", k), *rule.looks_at) for k, rule in enumerate(self.stop_rules) if rule.looks_at)

    def looks_back(self) -> Iterator[tuple[Key, object]]:
        """Yield each key that needs the test dose of an earlier phase, and what it says."""
        return iter(())

    def aimed_at(self, chart: Chart) -> Patients:
        """Return the score that it aims at, of a policy that learns from an earlier test dose."""
        raise NotImplementedError

    def faults(self, arm: Arm, last: Given, *, beyond_label: bool) -> Iterator[Problem]:
        """Yield what does not fit in an arm whose phase ends at `last`, with keys from the arm's table on."""
        return iter(())

    def first(self, amount: Patients, screening: Screening | None) -> Patients:
        """Return the first dose of each person; `amount` is what the treatment says."""
        return amount

    def moments(self, given: Treatment, last_h: float, end_h: float) -> list[Moment]:
        """Return when it is asked: about a treatment that is given until `last_h`, in a phase that ends at `end_h`."""
        raise NotImplementedError

    def next(self, history: History) -> Proposal:
        """Return the next dose."""
        raise NotImplementedError

    def decide(self, history: History) -> Proposal:
        """Return the next dose after the clinic's own stop rules, of which none ever raises a dose."""
        proposal = self.next(history)
        amount = proposal.amount
        for rule in self.stop_rules if history.chart is not None else ():
            amount = rule.heeded(history, history.amount if amount is None else amount)
        return Proposal(amount, proposal.notes, proposal.abrupt)


_OURS = ("Label", "Relief", "Ladder", "Oral", "Stop")
POLICIES: Registry[type[Policy]] = Registry(
    "policy",
    "eutonia.policies",
    [f"eutonia.study.titration:{name}Titration" for name in _OURS],
    lambda one: one.named(),
)
Policy.registry = POLICIES


def decisions(start_h: float, every_h: float, last_h: float, **more: Any) -> list[Moment]:
    """Return moments at equal intervals after the start of a treatment, up to its last hour."""
    found: list[Moment] = []
    at = start_h + every_h
    while at <= last_h:
        found.append(Moment(at, len(found), **more))
        at += every_h
    return found
