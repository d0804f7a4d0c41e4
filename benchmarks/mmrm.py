"""Time many mixed models for repeated measures in one program against the same fits one by one.

    python benchmarks/mmrm.py [--fits 10000] [--people 60] [--visits 4]

Trials are drawn with a tenth of the visits missing; the structure is unstructured. Compiling is timed apart. Times
are of this machine on this day: compare ratios within one run, never numbers between runs.
"""

from __future__ import annotations

import argparse
import time

import jax
import numpy as np

from eutonia import session
from eutonia.statistics import mmrm


def drawn(fits: int, people: int, visits: int) -> tuple[mmrm.Sums, np.ndarray, np.ndarray, np.ndarray]:
    draws = np.random.default_rng(1)
    covariates = np.stack([np.ones(people), np.arange(people) % 2], axis=1)
    scores = draws.normal(size=(fits, people, 1)) + draws.normal(size=(fits, people, visits))
    scores[draws.random(scores.shape) < 0.1] = np.nan
    patterns, design = mmrm.patterns_of(~np.isnan(scores)), np.eye(2 * visits)
    began = time.perf_counter()
    each = [mmrm.sums_of(one, covariates, patterns, design) for one in scores]
    print(f"sums of {fits} trials: {time.perf_counter() - began:.2f} s")
    sums = mmrm.Sums(*(np.stack(leaves) for leaves in zip(*each, strict=True)))
    return sums, patterns, design, np.repeat(design[None], fits, axis=0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, usual in (("fits", 10_000), ("people", 60), ("visits", 4)):
        parser.add_argument(f"--{name}", type=int, default=usual)
    asked = parser.parse_args()
    session.begin()
    sums, patterns, design, contrasts = drawn(asked.fits, asked.people, asked.visits)

    def seconds(of: slice) -> tuple[float, mmrm.MixedFit]:
        mine = mmrm.Sums(*(leaf[of] for leaf in sums))
        began = time.perf_counter()
        found = mmrm.fit(mine, patterns, design, contrasts[of], "unstructured")
        return time.perf_counter() - began, found

    compiled, _ = seconds(slice(0, 1))
    together, found = seconds(slice(None))
    # One by one, in a program of one fit: what a loop over trials would cost.
    single = jax.jit(lambda one, wanted: mmrm.fit_one(one, wanted, patterns, design, "unstructured"))
    alone = 0.0
    count = min(200, asked.fits)
    for k in range(-1, count):
        one = mmrm.Sums(*(leaf[max(k, 0)] for leaf in sums))
        began = time.perf_counter()
        jax.block_until_ready(single(one, contrasts[max(k, 0)]))
        alone += time.perf_counter() - began if k >= 0 else 0.0
    rate, rate_alone = asked.fits / together, count / alone
    print(f"first call, with compiling: {compiled:.1f} s")
    print(f"together: {rate:.0f} fits/s, {together:.1f} s; converged {found.converged.mean():.2%}")
    print(f"one by one: {rate_alone:.0f} fits/s (of {count}); ratio {rate / rate_alone:.1f}")


if __name__ == "__main__":
    main()
