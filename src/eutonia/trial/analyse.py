"""The analysis that a study says: every replicate trial analysed as it was observed, and how often that is right.

A trial's analysis reads the scores of the arm that a person was allocated to, as long as they were seen. What it should
have found is known too: everybody is computed in every arm, and the mean over all of them is what bias and coverage are
held against.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int

from eutonia._bounds import FEWEST_OF_A_DRAW
from eutonia._middle import TAIL
from eutonia.assessment.reading import ROUNDING
from eutonia.statistics import time_to_event, two_arms
from eutonia.statistics.proportional_odds import fit_odds
from eutonia.statistics.rounding import exact
from eutonia.statistics.side_by_side import WIDTH
from eutonia.statistics.two_arms import NO_EFFECT, Effect, by_t
from eutonia.trial import factorial, interim, n_of_1, reestimation, response_adaptive, times
from eutonia.trial.analysed import Analysed, why_none
from eutonia.trial.endpoints import Contrast, Visits, contrasts_of
from eutonia.trial.repeated import NONE_FITS, ladder_of, mixed_models

if TYPE_CHECKING:
    import polars

    from eutonia.study.analysis_plan import AnalysisPlan
    from eutonia.trial.analysis import Outcome

Arms = Int[np.ndarray, "trial person"]
Sizes = Int[np.ndarray, " trial"]
_FIRST, _SECOND, _NEITHER = 1, 0, -1
# More different scores than this are no grades, and have no odds: each would have a cut of its own.
_MOST_GRADES = 80


@dataclass(frozen=True)
class _Found:
    """The effects of one endpoint over the trials, how many people are in each, and what was fitted."""

    effects: list[Effect]
    people: Int[np.ndarray, "trial group"]
    fitted: list[str]

    @classmethod
    def at(cls, looks: list[_Found], look: Int[np.ndarray, " trial"]) -> _Found:
        """Return of each trial what was found at its look."""
        effects = [looks[k].effects[trial] for trial, k in enumerate(look)]
        people = np.array([looks[k].people[trial] for trial, k in enumerate(look)])
        return cls(effects, people, [looks[k].fitted[trial] for trial, k in enumerate(look)])


def analyse(outcome: Outcome) -> Analysed | None:
    """Analyse every replicate trial as its study says; None where it says nothing."""
    plan = outcome.study.analysis
    if plan is None:
        return None
    contrasts, looks = contrasts_of(outcome.study), interim.looks_of(outcome.study)
    size = _sizes(outcome, contrasts[0], plan)
    stages = [(size, plan.alpha)]
    if looks is not None:
        stages = [(np.full_like(size, n), level) for n, level in zip(looks.people, looks.rule.levels, strict=True)]
    at = [[_analysed(outcome, one, level, people) for one in contrasts] for people, level in stages]
    stops = None if looks is None else interim.stopped(looks, contrasts[0], [row[0].effects for row in at])
    look = np.zeros(outcome.n_replicates, dtype=int) if stops is None else stops.look
    found = [_Found.at([row[k] for row in at], look) for k in range(len(contrasts))]
    p = np.array([[effect.p for effect in one.effects] for one in found]).T
    adjusted = two_arms.adjusted(p, plan.multiplicity)
    levels = np.array([level for _, level in stages])[look][:, None]
    rejected = np.nan_to_num(adjusted, nan=np.inf) <= levels
    upto = np.stack([people for people, _ in stages])[look, np.arange(len(look))]
    timed = [(one, *_observed(outcome, one, upto)) for one in contrasts if one.given.way == times.WAY]
    made = Analysed(
        _trials(contrasts, found, adjusted, rejected),
        _characteristics(outcome, contrasts, found, rejected, p <= levels),
        plan.alpha,
        plan.multiplicity,
        survival=times.curves(outcome, timed),
        of_design={one.name: one.told_by_design for one in contrasts if one.told_by_design},
    )
    if plan.reestimation is not None:
        return reestimation.with_sizes(made, size, outcome.study.population.n)
    if plan.response_adaptive is not None:
        return response_adaptive.with_stages(
            made,
            outcome,
            contrasts[0],
            lambda of: np.array([e.p <= plan.alpha for e in _analysed(of, contrasts[0], plan.alpha, size).effects]),
        )
    if looks is None or stops is None:
        return made
    return interim.with_looks(made, looks, stops, contrasts, outcome.study, found[0].effects)


def _sizes(outcome: Outcome, contrast: Contrast, plan: AnalysisPlan) -> Sizes:
    """Return how many people each trial recruits: those of the study, or as many as its first scores ask for."""
    everybody = np.full(outcome.n_replicates, len(outcome.member) // outcome.n_replicates)
    if plan.reestimation is None:
        return everybody
    arms, scores = _observed(outcome, contrast, everybody)
    values = np.where(arms >= 0, _values(contrast, scores), np.nan)
    return reestimation.sizes(plan.reestimation, contrast, plan.alpha, values, scores[..., 0])


def _values(contrast: Contrast, scores: Float[np.ndarray, "trial person visit"]) -> Float[np.ndarray, "trial person"]:
    """Return the number of each person that the endpoint speaks of; NaN where it is not known."""
    people = scores.reshape(-1, scores.shape[-1])
    seen = ~np.isnan(people)
    values = np.where(contrast.known(seen), contrast.target(np.nan_to_num(people), seen), np.nan)
    return values.reshape(scores.shape[:-1])


def _analysed(outcome: Outcome, contrast: Contrast, alpha: float, upto: Sizes) -> _Found:
    """Analyse one endpoint in every trial, of its first so many people who were recruited."""
    if contrast.given.way == "crossover":
        return _within(outcome, contrast, alpha, upto)
    if contrast.given.way == n_of_1.WAY:
        found = n_of_1.analysed(outcome, contrast, alpha)
        # Everybody is in both arms.
        people = np.repeat((found.pairs > 0).sum(axis=1)[:, None], 2, axis=1) * [1, 0]
        return _Found(found.effects, people, [""] * len(people))
    arms, scores = _observed(outcome, contrast, upto)
    if contrast.given.way == "MMRM":
        later, others = ~np.isnan(scores[..., 1:]).all(axis=2), factorial.others(outcome, contrast)
        effects, fitted = mixed_models(arms, scores, contrast, alpha, others)
        return _Found(effects, _counts(contrast, np.where(later, arms, _NEITHER), others), fitted)
    if contrast.given.way == times.WAY:
        counts = times.counts_of(contrast, arms, scores)
        # Whoever is never looked at again tells nothing, and is not in the curve either.
        people = counts.at_risk[..., 0]
        return _Found(time_to_event.effects(counts, alpha), people, [""] * len(people))
    values = _values(contrast, scores)
    first, second = ((arms == k) & ~np.isnan(values) for k in (_FIRST, _SECOND))
    baseline, others = scores[..., 0], factorial.others(outcome, contrast)
    if contrast.given.way == "proportional odds":
        effects = _odds(np.where(first | second, values, np.nan), first, baseline, alpha)
    else:
        trials = zip(values, first, second, baseline, others, strict=True)
        effects = [_effect(contrast, *trial, alpha) for trial in trials]
    return _Found(effects, _counts(contrast, np.where(np.isnan(values), _NEITHER, arms), others), [""] * len(effects))


def _counts(contrast: Contrast, arms: Arms, others: Any) -> Any:
    """Return how many people count in the arm, in the one that it is compared with, and beside both, in each trial.

    An interaction names who is given the first factor, with the second and without it; all others count too.
    """
    named = [arms == _FIRST, arms == _SECOND]
    if contrast.given.interaction:
        alone = named[1] & (others[..., 0] > 0)
        named = [named[0], alone, named[1] & ~alone]
    return np.stack([one.sum(axis=1) for one in named], axis=1)


def _within(outcome: Outcome, contrast: Contrast, alpha: float, upto: Sizes) -> _Found:
    """Compare two arms of a crossover in every trial; the people counted are those of each order, the arm first."""
    apart, _, arm_first = _in_both(outcome, contrast)
    apart, arm_first = (outcome.by_replicate(one) for one in (apart, arm_first))
    known = ~np.isnan(apart) & (np.arange(apart.shape[1]) < upto[:, None])
    counts = np.stack([(known & who).sum(axis=1) for who in (arm_first, ~arm_first)], axis=1)
    trials = zip(apart, arm_first, known, strict=True)
    effects = [two_arms.within_people(mine[here], first[here], alpha) for mine, first, here in trials]
    return _Found(effects, counts, [""] * len(effects))


def _in_both(outcome: Outcome, contrast: Contrast) -> tuple[Any, Any, Any]:
    """Return difference and sum of both arms of a crossover in everybody (NaN: not seen in both), and who had the arm
    first.
    """
    name, both = contrast.phase.name, []
    for arm in (contrast.arm, contrast.against):
        seen = contrast.seen(outcome, arm) & outcome.entered[name][:, None]
        both.append(np.where(contrast.known(seen), contrast.target(contrast.scores(outcome, arm), seen), np.nan))
    number = [one.name for one in contrast.phase.arms].index(contrast.arm)
    return both[0] - both[1], both[0] + both[1], outcome.assigned[name] == number


def carried_over(outcome: Outcome, contrast: Contrast) -> tuple[float, float]:
    """Return by how much more the arm of a crossover moves the period after it than the other does, over all people of
    all trials, and its Monte Carlo error: the sum of both periods of who had it first, less that of the others.
    """
    if contrast.given.way != "crossover":
        return float("nan"), float("nan")
    _, total, arm_first = _in_both(outcome, contrast)
    orders = [total[who & ~np.isnan(total)] for who in (arm_first, ~arm_first)]
    if min(len(one) for one in orders) < 2:
        return float("nan"), float("nan")
    error = np.sqrt(sum(np.var(one, ddof=1) / len(one) for one in orders))
    return float(orders[0].mean() - orders[1].mean()), float(error)


def _odds(values: Any, first: Any, baseline: Any, alpha: float, width: int = WIDTH) -> list[Effect]:
    """Return the logarithm of each trial's odds ratio of a higher score, at the same score at the first visit."""
    before = np.where(np.isnan(values), np.nan, exact(baseline))
    known = ~np.isnan(before)
    # Within each trial, so that no trial hangs on which others are computed.
    centred = before - (np.where(known, before, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1))[:, None]
    # Where everybody had the same score at the first visit, it tells nothing and is left out.
    tells = np.array([np.unique(one[~np.isnan(one)]).size > 1 for one in before], dtype=bool)
    graded = np.array([1 < np.unique(exact(one[~np.isnan(one)])).size <= _MOST_GRADES for one in values], dtype=bool)
    found = np.full((2, len(values)), np.nan)
    for mine, x in ((graded & tells, [first.astype(float), centred]), (graded & ~tells, [first.astype(float)])):
        if mine.any():
            fitted = fit_odds(values[mine], np.stack(x, axis=-1)[mine], width)
            found[:, mine] = fitted.estimate[:, 0], fitted.se[:, 0]
    return [by_t(float(one), float(se), np.inf, alpha)._replace(df=float("nan")) for one, se in found.T]


def _effect(
    contrast: Contrast, values: Any, first: Any, second: Any, baseline: Any, others: Any, alpha: float
) -> Effect:
    """Return one trial's comparison by the method of the endpoint."""
    if contrast.given.way == "Fisher":
        return two_arms.share_difference(values[first] > 0, values[second] > 0, alpha)
    if contrast.given.way == "Wilcoxon":
        return two_arms.rank_sum(values[first], values[second], alpha)
    both = first | second
    return two_arms.covariance_analysis(values[both], first[both], baseline[both], alpha, others[both])


def _observed(
    outcome: Outcome, contrast: Contrast, upto: Sizes
) -> tuple[Arms, Float[np.ndarray, "trial person visit"]]:
    """Return who is in which arm, and what was seen of them at each visit up to that of the endpoint; NaN elsewhere."""
    arms = np.full(len(outcome.member), _NEITHER)
    scores: Visits = np.full((len(arms), contrast.visit + 1), np.nan)
    for name, (number, *_) in contrast.terms.items():
        mine = outcome.in_arm(contrast.phase.name, name)
        arms[mine] = number
        seen = contrast.seen(outcome, name) & mine[:, None]
        scores = np.where(seen, contrast.scores(outcome, name), scores)
    n, people = outcome.n_replicates, len(outcome.member) // outcome.n_replicates
    come = np.arange(people) < upto[:, None]
    seen = np.where(come[..., None], scores.reshape(n, people, contrast.visit + 1), np.nan)
    return np.where(come, arms.reshape(n, people), _NEITHER), seen


def truth(outcome: Outcome, contrast: Contrast) -> tuple[float, bool]:
    """Return what the endpoint would find if everybody could be seen in both arms, over all people of all trials.

    Whether the arms are alike is told beside it: they give the same, or the same people with the same luck differ in
    nobody, and whatever is found is an error.
    """
    return _true_of(contrast, *_asked_of_all(outcome, contrast), outcome.entered[contrast.phase.name])


def _asked_of_all(outcome: Outcome, contrast: Contrast) -> tuple[Any, Any, Any]:
    """Return what the endpoint asks of everybody in either arm, and their scores at the first visit."""
    scores = contrast.scores(outcome, next(iter(contrast.terms)))
    if contrast.given.way == n_of_1.WAY:
        both = (n_of_1.by_pair(outcome, contrast, arm, seen_only=False) for arm in (contrast.arm, contrast.against))
        return *(one.mean(axis=1) for one in both), scores[:, 0]
    return *factorial.sides(outcome, contrast), scores[:, 0]


def _true_of(contrast: Contrast, first: Any, second: Any, before: Any, who: Any) -> tuple[float, bool]:
    """Return `truth` over the people `who`."""
    first, second = first[who], second[who]
    if not first.size:
        return float("nan"), False
    alike = contrast.gives_the_same or np.array_equal(first, second)
    if contrast.given.way == "Wilcoxon":
        return 0.0 if alike else two_arms.median_shift(first, second), alike
    if contrast.given.way == "proportional odds":
        return 0.0 if alike else _common_odds(first, second, before[who]), alike
    if contrast.given.way == times.WAY:
        return 0.0 if alike else times.true_ratio(contrast, first, second), alike
    return 0.0 if alike else float(np.mean(first - second)), alike


def _own_truths(outcome: Outcome, contrast: Contrast, true: float) -> Float[np.ndarray, " trial"]:
    """Return what is true of each trial: with its own draw of numbers, where they are drawn.

    NaN where a draw has too few trials: the truth of so few people is what they happen to show.
    """
    if outcome.draw is None:
        return np.full(outcome.n_replicates, true)
    if np.bincount(outcome.draw).min() < FEWEST_OF_A_DRAW:
        return np.full(outcome.n_replicates, np.nan)
    both, entered = _asked_of_all(outcome, contrast), outcome.entered[contrast.phase.name]
    of_trial = np.repeat(outcome.draw, outcome.study.population.n)
    draws = range(int(outcome.draw.max()) + 1)
    return np.array([_true_of(contrast, *both, entered & (of_trial == k))[0] for k in draws])[outcome.draw]


def _common_odds(first: Any, second: Any, baseline: Any) -> float:
    """Return the logarithm of the odds ratio over all people in both arms; NaN where nearly each score is its own."""
    both = np.concatenate([first, second])
    in_first = np.arange(len(both)) < len(first)
    return _odds(both[None], in_first[None], np.tile(baseline, 2)[None], 0.05, width=1)[0].estimate


def _trials(contrasts: tuple[Contrast, ...], found: list[_Found], adjusted: Any, rejected: Any) -> polars.DataFrame:
    """Return one row a trial and endpoint."""
    import polars as pl

    frames = []
    for k, (contrast, one) in enumerate(zip(contrasts, found, strict=True)):
        given = contrast.given
        numbers = np.array(one.effects).reshape(-1, len(NO_EFFECT))
        columns = {
            "replicate": np.arange(len(numbers), dtype=np.int32),
            **{name: numbers[:, i] for i, name in enumerate(Effect._fields) if name != "direction"},
            "p_adjusted": adjusted[:, k],
            "rejected": rejected[:, k],
            "n_arm": one.people[:, 0].astype(np.int32),
            "n_against": one.people[:, 1].astype(np.int32),
            "covariance": one.fitted,
            "reason": [why_none(given.way) if np.isnan(effect.p) else "" for effect in one.effects],
        }
        fixed = {
            "endpoint": contrast.name,
            "role": given.role,
            "phase": contrast.phase.name,
            "arm": contrast.arm,
            "against": contrast.against,
            "scale": given.scale or "",
            "limb": contrast.limb,
            "item": "" if given.is_event else given.muscle or "mean",
            "visit": contrast.visit_name,
            "measure": given.measure,
            "estimand": given.estimand,
            "rescue": contrast.rescue,
            "method": given.way,
            "unit": contrast.unit,
        }
        frame = pl.DataFrame(columns).with_columns([pl.lit(value).alias(name) for name, value in fixed.items()])
        frames.append(frame.select("replicate", *fixed, *[name for name in columns if name != "replicate"]))
    return pl.concat(frames).with_columns(pl.col(pl.Float64).fill_nan(None))


def _characteristics(
    outcome: Outcome, contrasts: tuple[Contrast, ...], found: list[_Found], rejected: Any, alone: Any
) -> polars.DataFrame:
    """Return one row an endpoint: how often its analysis is right, with Monte Carlo errors."""
    import polars as pl

    rows = []
    for k, (contrast, one) in enumerate(zip(contrasts, found, strict=True)):
        true, alike = truth(outcome, contrast)
        numbers = np.array(one.effects).reshape(-1, len(NO_EFFECT))
        no_answer = int(np.isnan(numbers[:, Effect._fields.index("p")]).sum())
        # A test may have an answer where nothing bounds what it estimates.
        answered = np.isfinite(numbers[:, Effect._fields.index("estimate")])
        estimate, low, high = (numbers[answered, Effect._fields.index(name)] for name in ("estimate", "low", "high"))
        n, trials = int(answered.sum()), len(numbers)
        as_asked = ("", NONE_FITS, ladder_of(contrast.given.covariance)[0])
        sd = float(np.std(estimate, ddof=1)) if n > 1 else float("nan")
        # What is not known is held by no interval, and missed by none.
        own = _own_truths(outcome, contrast, true)[answered]
        known = np.isfinite(own)
        apart = float(np.std(estimate - own, ddof=1)) if outcome.draw is not None and known.all() and n > 1 else sd
        covers = ((low <= own + ROUNDING) & (own <= high + ROUNDING))[known]
        mean = float(estimate.mean()) if n else float("nan")
        carried, carried_error = carried_over(outcome, contrast)
        rows.append(
            {
                "endpoint": contrast.name,
                **{key: getattr(contrast.given, key) for key in ("role", "measure", "estimand")},
                "rescue": contrast.rescue,
                "method": contrast.given.way,
                "unit": contrast.unit,
                "trials": trials,
                "no_answer": no_answer,
                "unbounded": trials - no_answer - n,
                "fell_back": sum(name not in as_asked for name in one.fitted),
                "people": float(one.people.sum(axis=1).mean()),
                "estimate": mean,
                "estimate_sd": sd,
                "estimate_low": float(np.quantile(estimate, TAIL)) if n else float("nan"),
                "estimate_high": float(np.quantile(estimate, 1 - TAIL)) if n else float("nan"),
                "width": float(np.mean(high - low)) if n and np.isfinite(high - low).all() else float("nan"),
                "truth": true,
                "alike": alike,
                "estimate_bias": mean - true,
                "estimate_bias_error": apart / np.sqrt(n) if n else float("nan"),
                "coverage": float(covers.mean()) if covers.size else float("nan"),
                "coverage_error": _error(covers),
                "carried_over": carried,
                "carried_over_error": carried_error,
                "rejected": float(rejected[:, k].mean()),
                "rejected_error": _error(rejected[:, k]),
                "rejected_alone": float(alone[:, k].mean()),
            }
        )
    return pl.DataFrame(rows).with_columns(pl.col(pl.Float64).fill_nan(None))


def _error(hits: Any) -> float:
    """Return the Monte Carlo error of a share of trials, by Agresti and Coull: not zero where none or all are hit."""
    n = len(hits)
    if not n:
        return float("nan")
    share = (float(hits.sum()) + 2.0) / (n + 4.0)
    return float(np.sqrt(share * (1.0 - share) / (n + 4.0)))
