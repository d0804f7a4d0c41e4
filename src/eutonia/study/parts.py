"""The parts of a trial's study file: how people are examined, phases, arms, treatments, gates, published results.

Times within a phase are in hours from its start. Names of attributes carry the unit; the keys of the file do not.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field, PrivateAttr, model_validator

from eutonia.study import factorial, vocabulary
from eutonia.study.adherence import TabletsTaken
from eutonia.study.delayed_start import own_problems
from eutonia.study.factorial import NEITHER, TreatmentFactor
from eutonia.study.fields import (
    Checking,
    FileName,
    Flag,
    Given,
    Hours,
    Inside,
    Interval,
    Method,
    Name,
    Number,
    OralModel,
    Part,
    ScaleName,
    Seed,
    SessionsPerWeek,
    Source,
    Text,
    described,
    not_in_order,
    refuse,
    show,
)
from eutonia.study.leaving import LeavingRule, RateOfLeaving
from eutonia.study.own_gate import OwnGate
from eutonia.study.policies import Policy
from eutonia.study.randomisation import Randomisation
from eutonia.study.reassessment import Reassessment
from eutonia.study.rescue import Rescue
from eutonia.study.scales import fall_fits
from eutonia.study.studyfile import Problem
from eutonia.study.treatments import BolusTreatment as BolusTreatment
from eutonia.study.treatments import InfusionTreatment as InfusionTreatment
from eutonia.study.treatments import OralTreatment as OralTreatment
from eutonia.study.treatments import Treatment as Treatment
from eutonia.study.treatments import rate_problems
from eutonia.study.unblinding import Unblinding
from eutonia.study.vocabulary import LimbName

#: Pairs of periods of one person, and visits of one period of them: the luck of each has a place of its own.
MOST_PAIRS, MOST_VISITS_OF_A_PERIOD = 20, 100


class Head(Part):
    """The table [study]: what the file is."""

    name: FileName = described("Short name of the study; results are filed under it.")
    title: Text = described("What the study asks, in one line.")
    kind: Literal["trial", "case"] = described(
        '"trial" for a group of people in phases and arms, "case" for one person.'
    )
    source: Source | None = described("Key in sources.bib of the paper that the study follows.", default=None)
    seed: Seed = described("Start of all random draws: same seed, same bits.")
    note: Text | None = described("What a reader of the result has to know.", default=None)
    oral_model: OralModel | None = described(
        "Parameter set by which tablets are taken up and cleared; left out, that of adults.", default=None
    )
    parameters: Literal["posterior", "frozen"] | None = described(
        'Numbers of the science in a trial: "posterior" draws those that the calibration leaves unknown, and every '
        'interval holds that; "frozen" holds them at their records. Left out, "posterior" from 40 replicate trials on.',
        default=None,
    )
    allow_beyond_label: Flag = described(
        "Doses larger than the label's are allowed, to teach an overdose; the report says so.", default=False
    )


class Assessment(Part):
    """How people are examined at each visit."""

    side: Literal["affected", "both", "less affected"] = described(
        'Which side of the body is scored; "both" only where a lesion weakens both alike, "less affected" only where '
        "it weakens one."
    )
    limbs: Annotated[tuple[LimbName, ...], Field(min_length=1)] = described("Limbs that are scored.")
    scales: Annotated[tuple[ScaleName, ...], Field(min_length=1)] = described("Scales and signs that are charted.")
    rater: Literal["human", "noiseless"] = described('"human" scores with the scatter of a rater, "noiseless" without.')

    def _problems(self) -> Iterable[Problem]:
        return [
            Problem((key, position), "It stands there twice.", value, do="Remove one of the two.")
            for key, values in (("limbs", self.limbs), ("scales", self.scales))
            for position, value in enumerate(values)
            if value in values[:position]
        ]


def reservoir_fits(model: str, reservoir_ml: Given, alarm_volume_ml: Given | None) -> list[Problem]:
    """Return the faults of a reservoir that the pump model does not come with, or whose alarm would always sound."""
    sizes = vocabulary.reservoirs(model)
    if reservoir_ml not in sizes:
        why, allowed = f"The {model} has no such reservoir.", " or ".join(f'"{size:g} mL"' for size in sizes)
        return [Problem(("reservoir",), why, reservoir_ml.text, allowed, do="Choose one of them.")]
    if alarm_volume_ml is not None and alarm_volume_ml >= reservoir_ml:
        why, allowed = "The alarm would sound on a full reservoir.", f"less than {reservoir_ml.text}"
        return [Problem(("alarm_volume",), why, alarm_volume_ml.text, allowed, do="Lower it.")]
    return []


class PracticePlan(Part):
    """Practice by which people learn to lower the signal of a limb, from the start of the phase. It is never a sham."""

    method: Method = described("Kind of practice.")
    limb: LimbName = described("Limb that is practised.")
    sessions_per_week: SessionsPerWeek = described("Sessions a week.")
    stop_h: Interval | None = described(
        "No practice from here on; left out, to the end of the phase.", alias="stop", default=None
    )


class Arm(Part):
    """What one group of people is given."""

    name: Name = described("Name of the arm.")
    allocation: Annotated[int, Field(strict=True, ge=1, le=100)] = described(
        "Weight in the allocation ratio.", default=1
    )
    placebo: Flag = described("The treatments are given as a sham, without the drug.", default=False)
    placebo_until_h: Interval | None = described(
        "Delayed start: a sham until this visit, and from it on the treatments, which begin no earlier; left out, no "
        "sham comes before them.",
        alias="placebo_until",
        default=None,
    )
    treatments: tuple[Treatment, ...] = described("What is given.", alias="treatment", default=())
    titration: Policy | None = described("How the dose changes at visits; left out, it does not.", default=None)
    gate: OwnGate | None = described(
        "A test dose that decides what people of this arm are given; left out, all are given the same.", default=None
    )
    practice: PracticePlan | None = described("What people practise; left out, nothing.", default=None)
    dropout: RateOfLeaving | None = described(
        "How fast people leave this arm where the phase says that they do; left out, as fast as the record has it for "
        "what the arms of the phase give, placebo or not.",
        default=None,
    )

    _shams: tuple[Treatment, ...] = PrivateAttr(default=())
    _rescues: tuple[Treatment, ...] = PrivateAttr(default=())

    @property
    def shams(self) -> tuple[Treatment, ...]:
        """Treatments of which people have a sham beside what they are given: the other factor of a masked factorial."""
        return self._shams

    @property
    def rescues(self) -> tuple[Treatment, ...]:
        """What people may be given besides, at each visit of a rescue, where somebody follows what comes of it."""
        return self._rescues

    def rescued(self, rescue: Rescue | None) -> Arm:
        """Return the arm with what a rescue may give besides."""
        if rescue is None:
            return self
        found = self.model_copy()
        found._rescues = tuple(one for given in rescue.at_visits for one in given)
        return found

    @model_validator(mode="after")
    def _complete(self, info: Checking) -> Arm:
        found: list[Problem] = []
        if not self.treatments and not self.placebo and self.practice is None and self.placebo_until_h is None:
            do = "Add [[phase.arm.treatment]] or [phase.arm.practice], or write placebo = true."
            found.append(Problem(("treatment",), "This arm gives nothing.", "no treatment", "one or more", do=do))
        found += own_problems(self)
        if self.titration is not None:
            found += self._steered_once(self.titration)
        if self.titration is None or self.titration.begins_with is None:
            found += rate_problems(self.treatments)
        if found:
            refuse(*found)
        return self

    @property
    def parts(self) -> tuple[Treatment | Policy, ...]:
        """What is given, and the policy that moves it."""
        return (*self.treatments, *(() if self.titration is None else (self.titration,)))

    @property
    def test_doses(self) -> tuple[Treatment, ...]:
        """What is given to see whether it works."""
        return tuple(one for one in self.treatments if one.tests)

    @property
    def steered(self) -> tuple[Treatment, ...]:
        """The treatments whose dose the policy changes."""
        if self.titration is None:
            return ()
        route = self.titration.steers
        return tuple(one for one in self.treatments if (route in (one.route, one.like) if route else one.lasts))

    def _steered_once(self, titration: Policy) -> list[Problem]:
        """Check that there is the one treatment that a policy steers."""
        route = titration.steers
        count = sum(route is None or route in (given.route, given.like) for given in self.treatments)
        if count == 0 or (count > 1 and route is not None):
            why = f'The policy "{titration.policy}" steers one treatment' + (f' of route "{route}".' if route else ".")
            do = "Give the arm one such treatment, or choose another policy."
            return [Problem(("titration", "policy"), why, f"{count} such treatments", "one", do=do)]
        return []


class GateRule(Part):
    """One sign of response on which a gate opens."""

    arm: Name = described("The arm in which the response is looked for.")
    scale: ScaleName = described("Scale on which the rule looks.")
    limb: LimbName | None = described("Limb; left out for a score of the whole person.", default=None)
    fall: Number = described("Least fall from the score before the dose.")
    over: Literal["limb mean", "spastic muscles"] = described(
        "Mean over all muscle groups of the limb, or over those that were spastic before the dose.", default="limb mean"
    )
    visit_h: Hours | None = described("Visit; left out, any visit after the dose.", alias="visit", default=None)

    def _problems(self) -> Iterable[Problem]:
        return fall_fits(self.scale, self.limb, self.fall, self.over)


class Gate(Part):
    """Who may go on to the phase that follows this one."""

    need: Literal["any", "all"] = described("Whether one rule is enough or all must hold.")
    rules: Annotated[tuple[GateRule, ...], Field(min_length=1)] = described("Rules of response.", alias="rule")


class Phase(Part):
    """A stretch of the trial with its own visits, arms and masking."""

    name: Name = described("Name of the phase.")
    design: Literal["crossover", "parallel", "single"] = described(
        "Each person in all arms, in one of them, or one arm; a factorial is parallel, with [[phase.factor]]."
    )
    masking: Literal["open", "single blind", "double blind"] = described(
        "Who does not know the treatment. Scores are those of a double-blind trial; the report says where that matters."
    )
    washout_h: Interval | None = described("Time without treatment between periods.", alias="washout", default=None)
    pairs: Annotated[int, Field(strict=True, ge=2, le=MOST_PAIRS)] | None = described(
        "A series of N-of-1 trials: each person goes through both arms of a crossover so many times, each time in a "
        "random order; left out, once.",
        default=None,
    )
    visits_h: Annotated[tuple[Hours, ...], Field(min_length=2, max_length=1000)] = described(
        "Times of examination in the phase, rising; the first is 0 hour, before any dose.", alias="visits"
    )
    nonspecific: Flag = described("Whether scores change in a trial without a drug effect (attention, care, hope).")
    dropout: Flag = described("Whether people leave.")
    leaving: Annotated[tuple[LeavingRule, ...], Field(max_length=20)] = described(
        "Who leaves after a reaction, or for lack of effect, beside those who leave at a rate.", default=()
    )
    missed_visits: Inside | None = described(
        "Share of visits after the first that people miss by chance while they stay, also of a titration, where the "
        "dose then stays; left out, none is missed.",
        default=None,
    )
    tablets_taken: TabletsTaken | None = described(
        "Which share of their baclofen tablets people take; left out, all of them.", default=None
    )
    rescue: Rescue | None = described(
        "What whoever is charted badly enough at a visit is given besides; left out, nothing.", default=None
    )
    unblinding: Unblinding | None = described(
        "How the change without a drug effect goes with what people feel, who take a reaction for the drug; left out, "
        "it is the same for all.",
        default=None,
    )
    follows: Name | None = described("Earlier phase whose gate decides who enters; left out, everybody.", default=None)
    written_arms: Annotated[tuple[Arm, ...], Field(max_length=100)] = described("Arms.", alias="arm", default=())
    factors: tuple[TreatmentFactor, ...] = described(
        "A factorial of two by two, in place of arms: each factor is given or not, which makes four arms: neither (a "
        "sham of both), one alone (with a sham of the other, unless masking is open), the other alone, both.",
        alias="factor",
        default=(),
    )
    gate: Gate | None = described("Who goes on to the phase that follows.", default=None)
    randomisation: Randomisation | None = described(
        "How people are allocated; left out, one list in the smallest blocks that meet the ratio.", default=None
    )
    reassessment: Reassessment | None = described(
        "Dose finding: the arms are dose levels, and the reactions of earlier cohorts decide who is given which.",
        default=None,
    )

    @functools.cached_property
    def arms(self) -> tuple[Arm, ...]:
        """Its arms: those of the file, or those that its factors make."""
        if not self.factors:
            return self.written_arms
        first, second = self.factors
        both = (*first.treatments, *second.treatments)
        cells = ((NEITHER, both), (first.name, first.treatments), (second.name, second.treatments))
        found = []
        for name, given in (*cells, (f"{first.name} and {second.name}", both)):
            arm = Arm.model_construct(name=name, placebo=name == NEITHER, treatments=given)
            arm._shams = () if self.masking == "open" else tuple(one for one in both if one not in given)
            found.append(arm)
        return tuple(found)

    def arm(self, name: str) -> Arm:
        """Return an arm by name."""
        return next(arm for arm in self.arms if arm.name == name)

    @property
    def rounds(self) -> int:
        """How many times people go through the arms."""
        return self.pairs or 1

    def _problems(self) -> Iterable[Problem]:
        yield from factorial.own_problems(self)
        yield from not_in_order(("visits",), self.visits_h)
        if self.visits_h[0] != 0.0:
            why = "The first visit is the examination before any dose."
            yield Problem(("visits", 0), why, show(self.visits_h[0]), '"0 hour" first', do='Put "0 hour" in front.')
