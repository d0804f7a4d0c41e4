"""Hierarchical calibration: the chain's fitted numbers, what is unknown of them together, and checks of that.

    python calibration/hierarchical.py [--runs 64] [--people 128]      runs that are missing, posterior, checks, files

Writes beside this file `hierarchical_runs.csv` (runs of the chain, kept between calls), `hierarchical_rows.csv` (every
row of calibration.csv and its use), `posterior.nc` and `hierarchical.md`, and the set `eutonia_2026_1` of
src/eutonia/parameters/data: the records, their joint mean and covariance on the scales they were fitted on.
The chain is slow, so a surrogate learned from its runs stands for it; what the surrogate misses stands in the
likelihood. Under an hour on two cores with nothing kept; minutes where the runs are.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import drug  # noqa: F401  begins the session
import hierarchical_checks as checks
import hierarchical_design as design
import hierarchical_rows as rows
import hierarchical_surrogate as surrogate
import hierarchical_write as write
import numpy as np
from hierarchical_model import Draws, Evidence, Sampler

SEED = 20_261_129
#: People of the one run that tells what the runs' few people are off by.
MANY = 1024
CHAINS, WARM, DRAWS = 4, 600, 600


def evidence(runs: int, unseen: int, people: int) -> tuple[Evidence, np.ndarray, np.ndarray]:
    """Return the rows with a surrogate of the chain, the covariance of the linear posterior, and how far the surrogate
    is off on runs of the design that it was not given.
    """
    known, of = rows.rows(), design.Runs()
    scouted = of.at(design.scout(), people)
    # As if the study effect of each row were as large as its tolerance.
    covariance = design.linear_posterior(scouted, np.hypot(*[[row.tolerance for row in known]] * 2))
    drawn = design.design(2 * runs, covariance, SEED)[: runs + unseen]
    many = of.at(design.FROZEN[None], MANY)[0]
    is_log = np.array([rows.CLASSES[row.kind][1] == "share of the value" for row in known])

    def usable(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        found = of.at(points, people)
        # A share of a puncture above 1 leaves nothing in the sac, and no half-life.
        good = (found[:, is_log] > 0.0).all(axis=1) & np.isfinite(found).all(axis=1)
        return points[good], found[good]

    points, found = usable(np.vstack([design.scout(), drawn[:runs]]))
    learned = surrogate.fit(points, found, design.FROZEN, covariance, design.STEP, many, is_log)
    others, seen = usable(drawn[runs:])
    few_people = np.where(is_log, many / scouted[0], many - scouted[0])
    seen = np.where(is_log, seen * few_people, seen + few_people)
    off = np.array([np.asarray(learned(x)) for x in others]) - seen
    return Evidence.of(known, learned), covariance, off


def main() -> None:
    """Run what is missing, sample, check and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=64, help="of the design: a power of 2")
    parser.add_argument("--unseen", type=int, default=32, help="runs that the surrogate is tried on")
    parser.add_argument("--people", type=int, default=128)
    parser.add_argument("--simulations", type=int, default=60, help="of the simulation-based calibration")
    given = parser.parse_args()
    began = time.perf_counter()

    def say(what: str) -> None:
        print(f"{time.perf_counter() - began:6.0f} s  {what}", flush=True)

    held, covariance, off = evidence(given.runs, given.unseen, given.people)
    say(f"surrogate: misses {np.median(np.asarray(held.surrogate.share_missed)):.2f} of the SD of its runs")
    found: Draws = Sampler(held, WARM, DRAWS, CHAINS)(SEED)
    say(f"posterior: {found.divergent} divergences")
    few = Sampler(held, 300, 400)
    out = checks.left_out(held, few, SEED, say)
    prior = design.FROZEN, np.linalg.cholesky(covariance)
    ranks = checks.simulated_ranks(held, few, prior, given.simulations, SEED, say)
    folder = Path(__file__).parent
    write.posterior(found, folder / "posterior.nc", SEED)
    write.frozen_set(found, SEED)
    write.page(held, found, out, ranks, rows.write(), off, folder / "hierarchical.md")
    say("written")


if __name__ == "__main__":
    main()
