"""A trial whose allocation moves: its people stage by stage, what that does to its sizes, and how often it errs.

Everybody is computed in both arms, as in any parallel phase, so a trial can go through its stages over what each person
would have had. The same trials with both arms as the one that is compared with, where the looks see nothing but luck,
tell how often they then find a difference.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Int

from eutonia import _streams
from eutonia._middle import TAIL
from eutonia.statistics.response_adaptive import Stages, probability_better, share_of
from eutonia.statistics.sample_size import mean_error, share
from eutonia.statistics.two_arms import covariance_analysis
from eutonia.trial.analysed import Analysed
from eutonia.trial.endpoints import Contrast, contrasts_of

if TYPE_CHECKING:
    import polars

    from eutonia.trial.analysis import Outcome

# The luck of stages is away from that of blocks and of rounds of a crossover.
_AFTER_BLOCKS = 100_000
_ALPHA = 0.05  # of an interval that nobody asks for: a probability needs no level


def adapted(outcome: Outcome) -> Outcome:
    """Return the outcome in which everybody has the arm that their stage gave them; as it is without such stages."""
    plan = outcome.study.analysis
    if plan is None or plan.response_adaptive is None:
        return outcome
    contrast, phase = contrasts_of(outcome.study)[0], outcome.study.phases[0]
    names = [arm.name for arm in phase.arms]
    mine, other = names.index(contrast.arm), names.index(contrast.against)
    trials, most = outcome.n_replicates, outcome.study.population.n
    value, before = _known(outcome, contrast)
    keys = _streams.keys(outcome.study.seed, _streams.Purpose.ALLOCATION, jnp.arange(trials * most), _AFTER_BLOCKS)
    luck = np.asarray(_streams.uniform(keys, 1)[0]).reshape(trials, most)
    assigned, ends = outcome.assigned[phase.name].reshape(trials, most).copy(), plan.response_adaptive.people(most)
    shares, probabilities = [np.full(trials, 0.5)], [np.full(trials, np.nan)]
    for seen, end in pairwise(ends):
        is_mine = assigned[:, :seen] == mine
        y = np.where(is_mine, value[0][:, :seen], np.where(assigned[:, :seen] == other, value[1][:, :seen], np.nan))
        found = np.array(
            [
                probability_better(covariance_analysis(one[known], first[known], base[known], _ALPHA), contrast.better)
                for one, first, base in zip(y, is_mine, before[:, :seen], strict=True)
                for known in [~np.isnan(one)]
            ]
        )
        probabilities.append(found)
        shares.append(share_of(found, seen, most, plan.response_adaptive.least_share))
        place = slice(seen, end)
        drawn = np.where(luck[:, place] < shares[-1][:, None], mine, other)
        assigned[:, place] = np.where(assigned[:, place] >= 0, drawn, assigned[:, place])
    stages = Stages(np.stack(shares), np.stack(probabilities))
    return replace(outcome, assigned={**outcome.assigned, phase.name: assigned.ravel()}, stages=stages)


def _known(outcome: Outcome, contrast: Contrast) -> tuple[list[np.ndarray], np.ndarray]:
    """Return what would be known of everybody in either arm (NaN: nothing), and their scores at the first visit."""
    found, entered = [], outcome.entered[contrast.phase.name]
    for arm in (contrast.arm, contrast.against):
        seen, scores = contrast.seen(outcome, arm) & entered[:, None], contrast.scores(outcome, arm)
        known = np.where(contrast.known(seen), contrast.target(scores, seen), np.nan)
        found.append(outcome.by_replicate(known))
    return found, outcome.by_replicate(contrast.scores(outcome, contrast.against)[:, 0])


def without_effect(outcome: Outcome) -> Outcome:
    """Return the same trials with both arms as the one that is compared with, gone through their stages anew."""
    contrast = contrasts_of(outcome.study)[0]
    phase = contrast.phase.name
    visits = {key: outcome.visits[phase, contrast.against, key[2]] for key in outcome.visits}
    own = outcome.rescued.get((phase, contrast.against))
    rescued = {} if own is None else dict.fromkeys(outcome.rescued, own)
    return adapted(replace(outcome, visits=visits, rescued=rescued))


def with_stages(
    made: Analysed, outcome: Outcome, contrast: Contrast, rejects: Callable[[Outcome], Bool[np.ndarray, " trial"]]
) -> Analysed:
    """Return an analysis with what moving the allocation adds.

    `rejects` says of each trial of an outcome whether the first endpoint finds a difference.
    """
    import polars as pl

    endpoints, row = made.characteristics.height, made.characteristics.row(0, named=True)
    estimate = made.trials.filter(pl.col("endpoint") == contrast.name)["estimate"].cast(pl.Float64).to_numpy()
    right = np.sign(estimate) == np.sign(np.nan if row["truth"] is None else row["truth"])
    null, n = rejects(without_effect(outcome)), outcome.n_replicates
    told: dict[str, float] = {}
    for name, arm in (("people_arm", contrast.arm), ("people_against", contrast.against)):
        count = outcome.by_replicate(outcome.in_arm(contrast.phase.name, arm)).sum(axis=1)
        told |= {name: float(count.mean()), f"{name}_error": mean_error(count)}
    is_known = not row["alike"] and bool(row["truth"])
    told |= {
        "selects_best": float(right.mean()) if is_known else np.nan,
        "selects_best_error": share(int(right.sum()), n)[1] if is_known else np.nan,
        "null_rejected": float(null.mean()),
        "null_rejected_error": share(int(null.sum()), n)[1],
    }
    columns = [pl.Series(name, [value] + [np.nan] * (endpoints - 1)) for name, value in told.items()]
    rates = made.characteristics.with_columns(columns).with_columns(pl.col(pl.Float64).fill_nan(None))
    return replace(made, characteristics=rates, stages=_table(outcome, contrast))


def _table(outcome: Outcome, contrast: Contrast) -> polars.DataFrame:
    """Return one row a stage: who comes in it, and how many of them are given the arm."""
    import polars as pl

    plan, stages = outcome.study.analysis, outcome.stages
    assert plan is not None
    assert plan.response_adaptive is not None
    assert stages is not None
    ends = plan.response_adaptive.people(outcome.study.population.n)
    mine = outcome.by_replicate(outcome.in_arm(contrast.phase.name, contrast.arm))
    rows: list[dict[str, Any]] = []
    for k, (begin, end) in enumerate(zip((0, *ends[:-1]), ends, strict=True)):
        count: Int[np.ndarray, " trial"] = mine[:, begin:end].sum(axis=1)
        low, high = np.quantile(stages.share[k], [TAIL, 1 - TAIL])
        known = stages.better[k][~np.isnan(stages.better[k])]
        rows.append(
            {
                "recruitment_stage": k + 1,
                "people": end - begin,
                "arm": contrast.arm,
                "against": contrast.against,
                "allocated": float(count.mean()),
                "allocated_error": mean_error(count),
                "allocated_share": float(stages.share[k].mean()),
                "allocated_share_error": mean_error(stages.share[k]),
                "allocated_share_low": float(low),
                "allocated_share_high": float(high),
                "probability_better": float(known.mean()) if known.size else np.nan,
                "trials": outcome.n_replicates,
            }
        )
    return pl.DataFrame(rows).with_columns(pl.col(pl.Float64).fill_nan(None))
