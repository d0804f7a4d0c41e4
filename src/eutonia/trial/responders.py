"""Who responds: by the endpoint of the study file, or by a default that is said; in every arm, placebo included."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float

from eutonia.assessment.reading import ROUNDING
from eutonia.assessment.scales import SCALES, Scale
from eutonia.study.design import TrialStudy
from eutonia.study.endpoint import IMPORTANT
from eutonia.study.parts import Phase
from eutonia.trial.charted_items import items, visit_words
from eutonia.trial.statistics import Values, observed, score_of, summarise

if TYPE_CHECKING:
    import polars

    from eutonia.trial.analysis import Outcome


@dataclass(frozen=True)
class ResponseRule:
    """What counts as a response, with everything filled in that a study file may leave out."""

    phase: Phase
    scale_key: str
    limb: str | None
    visit: int
    improvement: float
    is_important: bool
    is_default: bool

    @property
    def scale(self) -> Scale:
        """The scale on which a response is looked for."""
        return SCALES[self.scale_key]

    @property
    def active_arm(self) -> str:
        """The first arm of the phase that is given a drug."""
        return next((arm.name for arm in self.phase.arms if not arm.placebo), self.phase.arms[0].name)

    @property
    def judged_at(self) -> tuple[str, float] | None:
        """The phase and the hour of it at which the study file looks for a response; None where it says nothing."""
        return None if self.is_default else (self.phase.name, float(self.phase.visits_h[self.visit]))

    @property
    def important(self) -> float | None:
        """The minimal important change of the scale, where a record has one and it is not the rule already."""
        return None if self.is_important else self.scale.important_change(self.limb)

    def rule(self, improvement: float, *, is_important: bool) -> str:
        """Return one rule in words: "leg Ashworth falls by 1 or more"."""
        return rule_in_words(self.scale, self.limb, improvement, is_important=is_important)

    @property
    def definition(self) -> str:
        """The rule in a sentence, and where it comes from."""
        last = visit_words(self.phase, self.visit)
        first = visit_words(self.phase, 0)
        words = (
            f"A person responds whose {self.rule(self.improvement, is_important=self.is_important)}, from {first} to "
            f"{last} of the phase {self.phase.name}; whoever has left by then does not."
        )
        if not self.is_default:
            return words
        of = "first phase" if self.phase.pairs is None else "first pair of periods"
        return (
            f"{words} The study file has no table [endpoint], so this is the default: the first scale and limb that it "
            f"charts, the last visit of its {of}, one step of the scale."
        )


def rule_in_words(scale: Scale, limb: str | None, improvement: float, *, is_important: bool) -> str:
    """Return by how much a score has to be better, in words: "leg Ashworth falls by 1 or more"."""
    what = f"{limb or ''} {scale.label}".strip()
    unit = f" {scale.unit}" if scale.unit not in ("score", "1") else ""
    size = f"{improvement:g}{unit} or more" + (", the minimal important change" if is_important else "")
    best = scale.lowest if scale.worse > 0 else scale.highest
    beyond = "below" if scale.worse > 0 else "above"
    floor = "" if scale.normal in (None, best) else f" ({beyond} {scale.normal:g} counts as {scale.normal:g}, normal)"
    return f"{what} {'falls' if scale.worse > 0 else 'rises'} by {size}{floor}"


def first_that_matters(charted: Sequence[tuple[str, str | None]]) -> tuple[str, str | None]:
    """Return the first score of which a minimal important change is on record; the first of all where none has one."""
    return next((one for one in charted if SCALES[one[0]].important_change(one[1]) is not None), charted[0])


def usual_least(scale: Scale, limb: str | None) -> tuple[float, bool]:
    """Return by how much a score has to be better where nobody says it, and whether that is an important change."""
    important = scale.important_change(limb)
    return (scale.step, False) if important is None else (important, True)


def response_of(study: TrialStudy) -> ResponseRule | None:
    """Return what counts as a response in a study; None where it charts no score."""
    given = study.endpoint
    if given is None:
        charted = items(study.assessment)
        if not charted:
            return None
        key, limb = charted[0]
        phase = study.phases[0]
        return ResponseRule(phase, key, limb, len(phase.visits_h) - 1, SCALES[key].step, False, True)
    phase = study.phases[0] if given.phase is None else study.phase(given.phase)
    visit = len(phase.visits_h) - 1 if given.visit_h is None else phase.visits_h.index(given.visit_h)
    scale, is_important = SCALES[given.scale], given.improvement == IMPORTANT
    least = scale.step if given.improvement is None else given.improvement
    improvement = scale.important_change(given.limb) if isinstance(least, str) else least
    assert improvement is not None
    return ResponseRule(phase, given.scale, given.limb, visit, improvement, is_important, False)


def improvement_in(outcome: Outcome, response: ResponseRule, arm: str) -> Values:
    """Return by how much each person is better at the visit than at the first; NaN for whoever is not seen there."""
    first, last = (outcome.visits[response.phase.name, arm, k] for k in (0, response.visit))
    before, after = (score_of(record, response.scale_key, response.limb) for record in (first, last))
    seen = observed(outcome, last)
    return np.where(seen, response.scale.better(before, after), np.nan)


def responds(improvement: Float[np.ndarray, "*several patient"], least: float) -> Bool[np.ndarray, "*several patient"]:
    """Return who is better by `least` or more; whoever is not seen is not."""
    return np.nan_to_num(improvement, nan=-np.inf) >= least - ROUNDING


def responder_table(outcome: Outcome) -> polars.DataFrame | None:
    """Return the share of each arm that responds, by the rule of the study and by the minimal important change.

    One row a rule and arm: rule, phase, arm, placebo, n, share, low, high; shares from 0 to 1, intervals over
    replicate trials, of everybody who entered the arm.
    """
    import polars as pl

    response = response_of(outcome.study)
    if response is None:
        return None
    rules = [(response.improvement, response.is_important)]
    if response.important is not None:
        rules.append((response.important, True))
    rows = []
    for least, is_important in rules:
        for arm in response.phase.arms:
            hits = responds(improvement_in(outcome, response, arm.name), least)
            found = summarise(outcome, hits.astype(float), outcome.in_arm(response.phase.name, arm.name))
            rule = response.rule(least, is_important=is_important)
            share = (found.mean, found.low, found.high)
            rows.append((rule, response.phase.name, arm.name, arm.placebo, found.n, *share))
    names = ["rule", "phase", "arm", "placebo", "n", "share", "low", "high"]
    return pl.DataFrame(rows, schema=names, orient="row")


def responses(outcome: Outcome) -> dict[str, polars.Series]:
    """Return columns of a table of people: who responds in which arm, by how much, and from which scores.

    In a parallel phase everybody has the one arm that they were given, else the first arm with a drug. Nobody responds
    or fails to in a phase that they did not enter.
    """
    import polars as pl

    response = response_of(outcome.study)
    if response is None:
        return {}
    arms = [arm.name for arm in response.phase.arms]
    if response.phase.design == "parallel":
        mine = outcome.assigned[response.phase.name]
    else:
        mine = np.full(len(outcome.member), arms.index(response.active_arm))
    improvement = np.full(len(outcome.member), np.nan)
    for k, arm in enumerate(arms):
        improvement = np.where(mine == k, improvement_in(outcome, response, arm), improvement)
    entered = outcome.entered[response.phase.name]
    hits = responds(improvement, response.improvement).tolist()
    first = outcome.visits[response.phase.name, response.active_arm, 0]
    limbs = outcome.study.assessment.limbs if response.scale.of_limb else (None,)
    before = {
        f"baseline_{limb or response.scale_key}": pl.Series(score_of(first, response.scale_key, limb)) for limb in limbs
    }
    return {
        "response_arm": pl.Series(
            [arms[k] if here else None for k, here in zip(mine, entered, strict=True)], dtype=pl.String
        ),
        "responder": pl.Series(
            [hit if here else None for hit, here in zip(hits, entered, strict=True)], dtype=pl.Boolean
        ),
        "response_improvement": pl.Series(improvement).fill_nan(None),
        **before,
    }
