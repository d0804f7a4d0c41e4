"""Benefit and harm of one treatment over its dose, in one person: what the possible people gain, and at what price.

Each dose is held for some weeks in the people that the person may be, who are the same at every dose; none of it at all
is the first of them. Benefit and harm of a dose are taken person by person.

Equation
    b_k = 1 where possible person k is better than without drug by the least change or more
    h_k = 1 - (1 - p_drowsy,k)(1 - p_weak,k)(1 - s_k) ,  p = 1 - exp(-L) the chance of a reaction while the dose is
          held (`drug.effect.adverse`, without what placebo brings), s_k = 1 where the leg carried the body and no
          longer does
    benefit, harm = means of b_k, h_k ;  gain without harm = mean of b_k (1 - h_k)
Assumptions: the lesion stands still meanwhile; the dose is begun at once and nothing else is given; scores are means,
and support the least, over the last dosing interval, of an examiner who never errs; given a dose, harms do not depend
on each other.
Not for: choosing a dose. How much relief is worth how much harm is for the person and a doctor.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from eutonia._hours import HOURS_A_DAY
from eutonia._middle import wilson
from eutonia._printed import Printed
from eutonia.assessment.scales import SCALES
from eutonia.drug.effect.adverse import REACTIONS, Hazards
from eutonia.patient import label_origin
from eutonia.simulation.course import Course, start
from eutonia.study.design import CaseStudy
from eutonia.trial.case import people_of_case
from eutonia.trial.case_risks import POSSIBLE_PEOPLE
from eutonia.trial.period import PeriodClock, TabletPlan
from eutonia.trial.responders import responds, rule_in_words
from eutonia.trial.trace import Recorder

if TYPE_CHECKING:
    import polars

    from eutonia.simulation.people import People

TABLETS, PUMP = "tablets", "pump"
#: What is shown of a dose, in words; the first three are made of the others.
BENEFIT, HARM, UNHARMED, LOST = "benefit", "harm", "benefit without harm", "stance lost"
#: The reaction that weakness of each route is reported as.
WEAK = {TABLETS: "weakness", PUMP: "hypotonia"}
_SUPPORT = SCALES["stance_support"]
# Doses that are computed together, and looks at everybody at a time: what compiled programs are made for.
_TOGETHER, _LOOKS = 8, 4096
_LOOKS_WITHIN = 8

Shares = Float[np.ndarray, "dose patient"]


@dataclass(frozen=True)
class Question:
    """What is asked: of whom, by which route, which doses (mg a tablet, every `every_h`, or ug/h), begun when and held
    how long (h), and by how much which score has to be better.
    """

    study: CaseStudy
    route: str
    doses: tuple[float, ...]
    at_h: float
    held_h: float
    every_h: float
    scale: str
    limb: str | None
    least: float
    is_important: bool
    tip: str

    @property
    def daily(self) -> list[float]:
        """The doses as they are told: mg a day or ug a day, from none on."""
        factor = HOURS_A_DAY / self.every_h if self.route == TABLETS else HOURS_A_DAY
        return [round(one * factor, 6) for one in self.doses]

    @property
    def unit(self) -> str:
        """Unit of the daily doses."""
        return "mg/day" if self.route == TABLETS else "ug/day"

    @property
    def rule(self) -> str:
        """What counts as a benefit, in words."""
        return rule_in_words(SCALES[self.scale], self.limb, self.least, is_important=self.is_important)


@dataclass(frozen=True, repr=False)
class Decision(Printed):
    """Benefit and harm of one treatment over its dose: the `question`, the `table` of `frame()`, how many of the
    possible people carried themselves without drug (`stood`), and the record of the `run`.
    """

    question: Question
    table: polars.DataFrame
    stood: int
    run: Mapping[str, Any]

    def share(self, what: str) -> list[float]:
        """Return the share of each dose, 0 to 1."""
        return list(self.table.filter(self.table["what"] == what)["share"])

    @property
    def crossings(self) -> list[tuple[float, bool]]:
        """Return at which daily doses benefit and harm cross, on straight lines between the doses that were tried; and
        whether benefit is the larger from there on.
        """
        daily, apart = self.question.daily, np.subtract(self.share(BENEFIT), self.share(HARM))
        return list(_crossings(daily, apart))

    def told(self) -> list[str]:
        """Return what the picture says, in sentences."""
        question, benefit, harm = self.question, self.share(BENEFIT), self.share(HARM)
        unit, daily = question.unit, question.daily
        best = int(np.argmax(self.share(UNHARMED)))
        found = [
            f"At the largest dose, {daily[-1]:g} {unit}, {benefit[-1]:.0%} of the possible people gain and "
            f"{harm[-1]:.0%} are harmed."
        ]
        crossed = [f"{'above' if up else 'below'} it from {dose:.3g} {unit} on" for dose, up in self.crossings]
        if crossed:
            found.append(f"Benefit, as a share of people, is {', and '.join(crossed)}: there the two cross harm.")
        else:
            more = "benefit" if benefit[-1] > harm[-1] else "harm"
            found.append(f"They do not cross: at every dose that was tried {more} is the more frequent.")
        if self.share(UNHARMED)[best] > 0:
            found.append(
                f"Most gain without harm at {daily[best]:g} {unit}: {self.share(UNHARMED)[best]:.0%}. That is no "
                "recommendation."
            )
        if not self.stood:
            found.append("None of them carries the body on this leg without drug, so that no stance is lost.")
        return found

    def prose(self) -> str:
        """Return what was asked, and what the picture says."""
        return f"{self.question.study.title}: {self.question.route}, benefit where {self.question.rule}. " + " ".join(
            self.told()
        )

    def frame(self) -> polars.DataFrame:
        """Return dose, unit, what, kind, n, share, low, high: one row a dose and benefit or harm, shares 0 to 1, with
        the 95 % interval of so many people.
        """
        return self.table


def decide(question: Question) -> Decision:
    """Return benefit and harm of every dose; the record of the run is left empty."""
    import polars as pl

    untreated = _people(question)
    groups = [question.doses[k : k + _TOGETHER] for k in range(0, len(question.doses), _TOGETHER)]
    parts = [_held(question, untreated, group) for group in groups]
    score, support, drowsy, weak = (np.concatenate([part[k] for part in parts]) for k in range(4))
    benefit = responds(SCALES[question.scale].better(score[:1], score), question.least).astype(float)
    least = float(_SUPPORT.lost_below or 0.0)
    lost = ((support[:1] >= least) & (support < least)).astype(float)
    harm = 1.0 - (1.0 - drowsy) * (1.0 - weak) * (1.0 - lost)
    shown = {
        BENEFIT: ("benefit", benefit),
        HARM: ("harm", harm),
        UNHARMED: ("both", benefit * (1.0 - harm)),
        "drowsiness": ("harm", drowsy),
        WEAK[question.route]: ("harm", weak),
        LOST: ("harm", lost),
    }
    rows = []
    for what, (kind, shares) in shown.items():
        for dose, of_people in zip(question.daily, shares, strict=True):
            mean, n = float(of_people.mean()), float(len(of_people))
            rows.append((dose, question.unit, what, kind, n, mean, *wilson(mean, n)))
    names = ["dose", "unit", "what", "kind", "n", "share", "low", "high"]
    table = pl.DataFrame(rows, schema=names, orient="row")
    return Decision(question, table, int((support[0] >= least).sum()), {})


def _people(question: Question) -> People:
    """Return the people that the person may be, with the tip of the catheter, before any treatment."""
    kidneys = tuple(one for one in question.study.events_as_written if one.kind == "creatinine clearance")
    bare = {"events_as_written": kidneys, "treatments": (), "pump": None, "therapy": None, "options": ()}
    people, *_ = people_of_case(question.study.changed(bare), question.at_h)
    return dataclasses.replace(people, kinetics=people.kinetics.with_tip(question.tip))


def _held(question: Question, untreated: People, doses: Sequence[float]) -> tuple[Shares, Shares, Shares, Shares]:
    """Return score, least support, and the chances of drowsiness and of weakness of each dose and person."""
    lanes = [*doses, *[0.0] * (_TOGETHER - len(doses))]
    people = jax.tree.map(lambda leaf: jnp.concatenate([jnp.asarray(leaf)] * _TOGETHER, axis=-1), untreated)
    given, n = np.repeat(np.array(lanes, dtype=float), POSSIBLE_PEOPLE), POSSIBLE_PEOPLE * _TOGETHER
    clock = PeriodClock(Course(people), start(people), question.study.seed, True, np.zeros(n))
    if question.route == TABLETS:
        clock.tablets.append(TabletPlan(given, question.every_h, 0.0))
    else:
        clock.set_rate(given, abrupt=True)
    recorder = Recorder()
    for step in range(_LOOKS_WITHIN):
        at_h = question.held_h - question.every_h * (_LOOKS_WITHIN - 1 - step) / _LOOKS_WITHIN
        clock.advance_to(at_h, looking=True)
        recorder.note(at_h, clock)
    course = recorder.dataset(n, _LOOKS)
    score = course[question.scale] if question.limb is None else course[question.scale].sel(limb=question.limb)
    chances = _chances(question, recorder, n)

    def shaped(lane: np.ndarray) -> Shares:
        return np.asarray(lane, dtype=float).reshape(_TOGETHER, POSSIBLE_PEOPLE)[: len(doses)]

    support = course[_SUPPORT.key]
    return (
        shaped(score.transpose("time_h", "patient").to_numpy().mean(axis=0)),
        shaped(support.transpose("time_h", "patient").to_numpy().min(axis=0)),
        shaped(chances["drowsiness"]),
        shaped(chances[WEAK[question.route]]),
    )


def _chances(question: Question, recorder: Recorder, n: int) -> dict[str, np.ndarray]:
    """Return the chance of each reaction to the drug by the end, for each lane."""
    origin = question.study.lesion.kind
    oral = question.route == TABLETS
    hazards = Hazards.of(label_origin(origin), oral=oral, intrathecal=not oral)
    exposed = jax.tree.map(lambda met: np.asarray(met)[-1], recorder.exposed(n))
    risen = hazards.cumulative(hazards.met(exposed, 0.0))
    return {name: -np.expm1(-risen[row]) for row, name in enumerate(REACTIONS)}


def _crossings(daily: Sequence[float], apart: np.ndarray) -> Iterator[tuple[float, bool]]:
    """Yield where a line through points changes its sign, and whether it is above 0 from there on."""
    sides = [(dose, float(gap)) for dose, gap in zip(daily, apart, strict=True) if gap != 0.0]
    for (dose, gap), (later, after) in pairwise(sides):
        if (gap > 0) != (after > 0):
            yield dose + (later - dose) * gap / (gap - after), after > 0
