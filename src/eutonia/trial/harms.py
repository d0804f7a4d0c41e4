"""What treatments beside baclofen bring of unwanted things: hazards that add to those of baclofen.

Equation
    L    = sum over treatments of k C(t) + largest of k_0 C(t) ,   C(t) = 1 - exp(-t/tau) + r t/tau
    k    = max(0, -log[(1 - p)/(1 - p_0)]) / C(T) ,  k_0 = -log(1 - p_0) / C(T)
t hours that a person has been given one drug so far, however many treatments it is written as, p and p_0 shares on it
and on placebo in trials, their length T, tau and r those of tablets (`drug.effect.adverse`). Two drugs that make drowsy
add: the hazards do. What placebo brings comes once, however many placebos there are.
A treatment whose set has a `sedation_factor` multiplies what baclofen does to alertness while it is given:
    dL = (product of f over what is given) dL_baclofen      for DEEPENED reactions
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from eutonia import parameters
from eutonia._hours import HOURS_A_DAY
from eutonia.drug.effect.adverse import REACTIONS, course_of_habituation
from eutonia.errors import ParameterError
from eutonia.study.treatments import Treatment

#: What a depressant of the brain makes of baclofen's own.
DEEPENED = ("drowsiness", "confusion", "coma")
Reactions = Float[np.ndarray, " reaction"]
Dealt = Bool[np.ndarray, "treatment patient"]


# A moment, h: what is given at an hour is what is given in so much after it.
_SHORTEST_H = 1e-3


def brought_by(treatments: Iterable[Treatment]) -> frozenset[str]:
    """Return the reactions that are counted for treatments beside baclofen."""
    sets = [parameters.load(one.harms) for one in treatments if one.harms is not None]
    return frozenset(name for name in REACTIONS if any(name in records for records in sets))


@dataclass(frozen=True)
class Harms:
    """Treatments with harms, the hour from which nothing more of them is given, and the hazards of each one's drug and
    of its placebo for the course so far.
    """

    treatments: tuple[Treatment, ...]
    until_h: float
    drug: tuple[Reactions, ...]
    placebo: tuple[Reactions, ...]
    factor: tuple[float, ...] = ()
    is_sham_before: bool = False

    @classmethod
    def of(cls, treatments: Iterable[Treatment], until_h: float = math.inf, *, is_sham_before: bool = False) -> Harms:
        """Read the records of treatments beside baclofen; the others have none here. With `is_sham_before` a sham of
        each is given from hour 0 until it begins.
        """
        these = tuple(one for one in treatments if one.harms is not None)
        hazards = [_hazards(one.harms) for one in these if one.harms is not None]
        drug, placebo = ([both[k] for both in hazards] for k in (0, 1))
        return cls(these, until_h, tuple(drug), tuple(placebo), tuple(_factor(one) for one in these), is_sham_before)

    @property
    def deepens(self) -> bool:
        """Whether anything of it multiplies what baclofen does to alertness."""
        return any(one != 1.0 for one in self.factor)

    def depth(self, since_h: float, until_h: float, dealt: Dealt | None = None) -> Float[np.ndarray, " patient"]:
        """Return by how much baclofen's own hazard of DEEPENED reactions is multiplied between two hours, on average.

        `dealt` as in `by`; a drug counts once, however many treatments it is written as.
        """
        who = np.ones((len(self.treatments), 1), dtype=bool) if dealt is None else dealt
        found, until_h = np.ones(who.shape[1]), max(until_h, since_h + _SHORTEST_H)
        for route in dict.fromkeys(one.route for one in self.treatments):
            mine = [row for row, one in enumerate(self.treatments) if one.route == route]
            share = np.zeros(len(found))
            for row in mine:
                one = self.treatments[row]
                share += who[row] * (self._given_h(one, until_h) - self._given_h(one, since_h))
            found *= 1.0 + (self.factor[mine[0]] - 1.0) * np.clip(share / (until_h - since_h), 0.0, 1.0)
        return found

    def by(
        self, time_h: float, dealt: Dealt | None = None, *, drug: bool, placebo: bool | Bool[np.ndarray, " patient"]
    ) -> Float[np.ndarray, "reaction patient"]:
        """Return the hazard of each reaction by an hour: of the drugs, of what placebo of them brings, or of both.

        `dealt` says who is given each of `treatments`; without it that is everybody, and one person is returned.
        """
        who = np.ones((len(self.treatments), 1), dtype=bool) if dealt is None else dealt
        shape = (len(REACTIONS), who.shape[1])
        if not self.treatments:
            return np.zeros(shape)
        found, reported = np.zeros(shape), np.zeros(shape)
        for route in dict.fromkeys(one.route for one in self.treatments):
            mine = [row for row, one in enumerate(self.treatments) if one.route == route]
            given_h = sum((who[row] * self._given_h(self.treatments[row], time_h) for row in mine), np.zeros(shape[1]))
            course = course_of_habituation(given_h)
            found += self.drug[mine[0]][:, None] * course
            if self.is_sham_before:
                early = min(time_h, *(float(self.treatments[row].begins_h) for row in mine))
                course = course_of_habituation(given_h + early)
            reported = np.maximum(reported, self.placebo[mine[0]][:, None] * course)
        return drug * found + placebo * reported

    def _given_h(self, one: Treatment, time_h: float) -> float:
        """Return for how many hours a treatment has been given by an hour."""
        end_h = min(one.ends_h if one.lasts else math.inf, self.until_h)
        return max(min(time_h, end_h) - float(one.begins_h), 0.0)


def _factor(of: Treatment) -> float:
    """Return by how much a treatment multiplies what baclofen does to alertness."""
    records = parameters.load("depressants" if of.deepens else str(of.harms))
    return records.value("sedation_factor", "1") if "sedation_factor" in records else 1.0


@parameters.remembered
def _hazards(harms: str) -> tuple[Reactions, Reactions]:
    """Return the hazards of drug and of placebo for each unit of the course of habituation."""
    records, drug, placebo = parameters.load(harms), np.zeros(len(REACTIONS)), np.zeros(len(REACTIONS))
    length = course_of_habituation(parameters.load("adverse").value("oral_duration", "day") * HOURS_A_DAY)
    for row, name in enumerate(REACTIONS):
        if name in records:
            on_drug, own = records.value(name, "1"), f"{name}_placebo"
            on_placebo = records.value(own, "1") if own in records else 0.0
            for said, share in ((name, on_drug), (own, on_placebo)):
                if not 0.0 <= share < 1.0:
                    raise ParameterError(
                        f"{harms}.{said} is {share:g}, and at a share of 1 nobody could escape, so that it has no "
                        "hazard. Allowed: 0 or more, and below 1. Nearest: 0.99. Write a share in that range."
                    )
            placebo[row] = -np.log1p(-on_placebo) / length
            drug[row] = max(-np.log1p(-on_drug) / length - placebo[row], 0.0)
    return drug, placebo
