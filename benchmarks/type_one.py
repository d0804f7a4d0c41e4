"""How often each method of analysis rejects where the arms do not differ: 10,000 trials of 60 people, from inside.

    python benchmarks/type_one.py [--trials 10000] [--people 60] [--visits 4]

Scores are grades from 1 to 5, those of a person alike over the visits; a tenth of the visits is missing at random. Each
line is a share of trials, in percent, with its Monte Carlo error; Fisher's exact test errs less often than it may.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator

import numpy as np

from eutonia import session
from eutonia.statistics import mmrm, time_to_event, two_arms
from eutonia.statistics.proportional_odds import fit_odds
from eutonia.statistics.sample_size import share

ALPHA = 0.05


def drawn(trials: int, people: int, visits: int) -> np.ndarray:
    """Return grades (trial, person, visit), NaN where not seen; the first visit is always seen."""
    draws = np.random.default_rng(1)
    own = draws.normal(3.0, 0.8, size=(trials, people, 1))
    scores = np.clip(np.round(own + draws.normal(0.0, 0.7, size=(trials, people, visits + 1))), 1.0, 5.0)
    scores[..., 1:][draws.random((trials, people, visits)) < 0.1] = np.nan
    return scores


def one_by_one(scores: np.ndarray, arm: np.ndarray) -> Iterator[tuple[str, list[float]]]:
    changes, hits = scores[..., -1] - scores[..., 0], scores[..., -1] <= scores[..., 0] - 1.0
    known = ~np.isnan(changes)

    def each(of: Callable[[int, np.ndarray, np.ndarray], two_arms.Effect]) -> list[float]:
        return [of(k, known[k] & arm, known[k] & ~arm).p for k in range(len(scores))]

    yield (
        "ANCOVA",
        each(lambda k, a, b: two_arms.covariance_analysis(changes[k][a | b], arm[a | b], scores[k, a | b, 0], ALPHA)),
    )
    yield "Wilcoxon", each(lambda k, a, b: two_arms.rank_sum(changes[k][a], changes[k][b], ALPHA))
    yield "Fisher", each(lambda k, a, b: two_arms.share_difference(hits[k][a], hits[k][b], ALPHA))


def at_once(scores: np.ndarray, arm: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    from scipy.stats import norm, t

    trials, people, visits = *scores.shape[:2], scores.shape[2] - 1
    first = scores[..., 0] - scores[..., 0].mean(axis=1, keepdims=True)
    x = np.stack([np.broadcast_to(arm.astype(float), first.shape), first], axis=-1)
    odds = fit_odds(scores[..., -1], x)
    yield "proportional odds", 2.0 * norm.sf(np.abs(odds.estimate[:, 0] / odds.se[:, 0]))
    better = scores <= scores[..., :1] - 1.0
    event = np.where(better.any(axis=-1), np.argmax(better, axis=-1), np.inf)
    last = visits - np.argmax(~np.isnan(scores)[..., ::-1], axis=-1)
    arms = np.broadcast_to(arm.astype(int), (trials, people))
    counts = time_to_event.counted(arms, event, last, visits)
    yield "log-rank", np.array([one.p for one in time_to_event.effects(counts, ALPHA)])
    changes = scores[..., 1:] - scores[..., :1]
    patterns, design = mmrm.patterns_of(~np.isnan(changes)), np.eye(3 * visits)
    covariates = np.concatenate([np.ones((trials, people, 1)), x], axis=-1)
    each = [mmrm.sums_of(y, of, patterns, design) for y, of in zip(changes, covariates, strict=True)]
    sums = mmrm.Sums(*(np.stack(leaves) for leaves in zip(*each, strict=True)))
    wanted = mmrm.at_visit(np.eye(3)[1], visits - 1, design)
    contrasts = np.broadcast_to(wanted, (trials, 1, len(wanted)))
    found, _ = mmrm.fit_or_fall_back(sums, patterns, design, contrasts, mmrm.LADDER)
    yield "MMRM", 2.0 * t.sf(np.abs(found.estimate[:, 0] / found.se[:, 0]), found.df[:, 0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, usual in (("trials", 10_000), ("people", 60), ("visits", 4)):
        parser.add_argument(f"--{name}", type=int, default=usual)
    asked = parser.parse_args()
    session.begin()
    scores, arm = drawn(asked.trials, asked.people, asked.visits), np.arange(asked.people) % 2 == 1
    for way in (at_once, one_by_one):
        began = time.perf_counter()
        for name, p in way(scores, arm):
            rejects, no_answer = int(np.sum(np.array(p) <= ALPHA)), int(np.isnan(p).sum())
            rate, error = share(rejects, asked.trials)
            spent, began = time.perf_counter() - began, time.perf_counter()
            told = f"{100 * rate:5.2f} +- {100 * error:.2f} %, {no_answer} without an answer, {spent:.1f} s"
            print(f"{name:18} {told}", flush=True)


if __name__ == "__main__":
    main()
