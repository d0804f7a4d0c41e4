"""Looks at a trial while it runs: at how many people, where each replicate trial stops, and what is told of it then.

A look analyses the first people who were recruited, as if they had all had their visits and nobody else had been seen.
The first endpoint stops the trial; the others are tested there at the level of that look, which holds each of them to
alpha over all looks and, in a hierarchy, all of them together (Glimm_2010). The information of a look is its share of
the people. The statistic is that of the p value, z = Phi^-1(1 - p / 2) with the sign of the difference, or of the rank
sum where the difference is zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int

from eutonia._hours import HOURS_A_MONTH
from eutonia.statistics.group_sequential import LARGEST_Z, StoppingRule
from eutonia.statistics.sample_size import mean_error, share
from eutonia.statistics.two_arms import Effect
from eutonia.study.interim_looks import InterimLooks
from eutonia.trial.analysed import Analysed
from eutonia.trial.endpoints import Contrast

if TYPE_CHECKING:
    import polars

    from eutonia.study.design import TrialStudy

#: Why a trial ends: its arm is better, worse, hardly can be shown to be either, or everybody has been seen.
BETTER, WORSE, FUTILITY, END = "better", "worse", "futility", "end"
# A z smaller than this has no sign, and tells no standard error.
_NO_Z = 1e-6


@dataclass(frozen=True)
class Looks:
    """The looks of a study: what it says, at how many people, and its stopping rule."""

    given: InterimLooks
    people: tuple[int, ...]
    rule: StoppingRule


@dataclass(frozen=True)
class Stopped:
    """Of each trial: the look at which it stopped, from 0, and why; its z there, positive where the arm is better."""

    look: Int[np.ndarray, " trial"]
    why: np.ndarray
    z: Float[np.ndarray, " trial"]


def looks_of(study: TrialStudy) -> Looks | None:
    """Return the looks of a study that says some."""
    plan = study.analysis
    if plan is None or plan.interim is None:
        return None
    people = plan.interim.people(study.population.n)
    information = [n / study.population.n for n in people]
    rule = StoppingRule.of(plan.interim.spending, plan.alpha, information, plan.interim.futility)
    return Looks(plan.interim, people, rule)


def stopped(looks: Looks, contrast: Contrast, effects: Sequence[Sequence[Effect]]) -> Stopped:
    """Return where each trial stops, of the effects of its first endpoint at each look.

    A look without an answer stops nothing.
    """
    from scipy.stats import norm

    estimate, p, direction = (
        np.array([[getattr(one, of) for one in row] for row in effects]) for of in ("estimate", "p", "direction")
    )
    sign = np.where(np.isnan(direction), np.sign(estimate), direction)
    z = contrast.better * sign * norm.isf(p / 2.0)
    crosses = p <= np.array(looks.rule.levels)[:, None]
    futile = z < np.array(looks.rule.futility)[:, None]
    ends = crosses | futile
    ends[-1] = True
    look = np.argmax(ends, axis=0)
    trial = np.arange(len(look))
    crosses, futile, z = (one[look, trial] for one in (crosses, futile, z))
    why = np.where(crosses, np.where(z > 0, BETTER, WORSE), np.where(futile, FUTILITY, END))
    return Stopped(look, why, z)


def _median_unbiased(
    looks: Looks, contrast: Contrast, found: Stopped, effects: Sequence[Effect]
) -> Float[np.ndarray, " trial"]:
    """Return the difference that each trial would exceed as often as not, in the unit of its estimate.

    NaN where a trial has no answer, or no z from which the standard error of its difference could be told.
    """
    out = np.full(len(effects), np.nan)
    for k, (look, z, effect) in enumerate(
        zip(found.look, np.clip(found.z, -LARGEST_Z, LARGEST_Z), effects, strict=True)
    ):
        if np.isfinite(z) and abs(z) > _NO_Z:
            # Of the drift, one is so much of the difference: its standard error if everybody were seen.
            unit = effect.estimate / z * np.sqrt(looks.rule.information[look])
            out[k] = looks.rule.median_unbiased(int(look), float(z)) * unit
        elif np.isfinite(z) and np.isfinite(se := _error_of(effect, looks.rule.levels[look])):
            unit = contrast.better * se * np.sqrt(looks.rule.information[look])
            out[k] = looks.rule.median_unbiased(int(look), 0.0) * unit
    return out


def _error_of(effect: Effect, level: float) -> float:
    """Return the standard error of a difference; where its method has none, what the width of its interval tells."""
    from scipy.stats import norm

    return effect.se if np.isfinite(effect.se) else (effect.high - effect.low) / (2.0 * float(norm.isf(level / 2.0)))


def _recruited(looks: Looks, contrasts: Sequence[Contrast], study: TrialStudy) -> list[tuple[float, float]]:
    """Return of each look how many people were recruited by then, and after how many months it is; NaN where the study
    does not say how fast people come.

    People come evenly, and a look is when the last of its people has had the last visit that an endpoint needs; whoever
    came meanwhile is treated and does not count in the analysis.
    """
    rate = looks.given.people_a_month
    if rate is None:
        return [(np.nan, np.nan)] * len(looks.people)
    last_h = max(_visit_h(one, study) for one in contrasts)
    months = [n / rate + last_h / HOURS_A_MONTH for n in looks.people]
    return [(float(min(np.floor(rate * at), study.population.n)), at) for at in months]


def _visit_h(contrast: Contrast, study: TrialStudy) -> float:
    """Return the hours from the entry of a person to the visit of an endpoint."""
    before = 0.0
    for phase in study.phases:
        periods = len(phase.arms) * phase.rounds if phase.design == "crossover" else 1
        washed = (periods - 1) * float(phase.washout_h or 0.0)
        if phase.name == contrast.phase.name:
            return before + (periods - 1) * float(phase.visits_h[-1]) + washed + float(phase.visits_h[contrast.visit])
        before += periods * float(phase.visits_h[-1]) + washed
    return before


def _table(looks: Looks, contrasts: Sequence[Contrast], study: TrialStudy, found: Stopped) -> polars.DataFrame:
    """Return one row a look: its people, its boundaries, and in which share of trials it ends them, for which reason;
    beside that the share that it would end if the arms did not differ, by quadrature.
    """
    import polars as pl

    null, rows, trials = looks.rule.crossings(0.0).sum(axis=1), [], len(found.look)
    null[-1] = 1.0 - null[:-1].sum()
    for k, (n, (here, months)) in enumerate(zip(looks.people, _recruited(looks, contrasts, study), strict=True)):
        mine = found.look == k
        ends = {f"stops_{why}": (mine & (found.why == why)).sum() for why in (BETTER, WORSE, FUTILITY, END)}
        futility = looks.rule.futility[k]
        rows.append(
            {
                "look": k + 1,
                "information": looks.rule.information[k],
                "people": n,
                "recruited": here,
                "months": months,
                "boundary": looks.rule.efficacy[k],
                "level": looks.rule.levels[k],
                "boundary_futility": futility if np.isfinite(futility) else np.nan,
                "trials": trials,
                "stops": mine.mean(),
                "stops_error": share(int(mine.sum()), trials)[1],
                **{name: hits / trials for name, hits in ends.items()},
                **{f"{name}_error": share(int(hits), trials)[1] for name, hits in ends.items()},
                "stops_null": null[k],
            }
        )
    return pl.DataFrame(rows).with_columns(pl.col(pl.Float64).fill_nan(None))


def with_looks(
    made: Analysed,
    looks: Looks,
    found: Stopped,
    contrasts: Sequence[Contrast],
    study: TrialStudy,
    effects: Sequence[Effect],
) -> Analysed:
    """Return an analysis with what the looks add: where each trial stopped, its expected size, and what stopping does
    to the estimate of the first endpoint.
    """
    import polars as pl

    rates, n = made.characteristics, len(found.look)
    endpoints = rates.height
    unbiased = _median_unbiased(looks, contrasts[0], found, effects)
    known, truth = unbiased[np.isfinite(unbiased)], rates["truth"].cast(pl.Float64)[0]
    true = np.nan if truth is None else float(truth)
    of_trials = [
        pl.Series("look", np.tile(found.look + 1, endpoints), dtype=pl.Int32),
        pl.Series("stopped", np.tile(found.why, endpoints)),
        pl.Series("level", np.tile(np.array(looks.rule.levels)[found.look], endpoints)),
        pl.Series("median_unbiased", np.concatenate([unbiased, np.full(n * (endpoints - 1), np.nan)])),
    ]
    of_first = {
        "median_unbiased": float(known.mean()) if known.size else np.nan,
        "median_unbiased_bias": float(known.mean()) - true if known.size else np.nan,
        "median_unbiased_bias_error": mean_error(known),
        "median_unbiased_above": float(np.mean(known > true)) if known.size and np.isfinite(true) else np.nan,
    }
    columns = [pl.lit(value).alias(name) for name, value in _sizes(looks, contrasts, study, found).items()]
    first = [pl.Series(name, [value] + [np.nan] * (endpoints - 1)) for name, value in of_first.items()]
    return replace(
        made,
        trials=made.trials.with_columns(of_trials).with_columns(pl.col(pl.Float64).fill_nan(None)),
        characteristics=rates.with_columns(columns).with_columns(first).with_columns(pl.col(pl.Float64).fill_nan(None)),
        looks=_table(looks, contrasts, study, found),
    )


def _sizes(looks: Looks, contrasts: Sequence[Contrast], study: TrialStudy, found: Stopped) -> dict[str, float]:
    """Return the expected size of a trial with its Monte Carlo error: people analysed, people recruited, and time."""
    people = np.array(looks.people, dtype=float)[found.look]
    here, months = np.array(_recruited(looks, contrasts, study))[found.look].T
    return {
        "expected_people": float(people.mean()),
        "expected_people_error": mean_error(people),
        "expected_recruited": float(here.mean()),
        "expected_months": float(months.mean()),
    }
