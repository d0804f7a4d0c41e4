"""How fast a trial is, how its cost grows, how much memory it takes: python benchmarks/trial.py [--people 1000,10000]

A year of intrathecal baclofen with titration after a test bolus, leg and arm scored by simulated stretch with raters,
adverse events watched; each size in a process of its own, blocks kept in a folder as `eutonia run` keeps them. Printed
are people and patient-years a second, peak memory, bytes on disk, the line through the sizes, how many cores were busy,
and how fast this machine multiplies and adds at best. Numbers mean something on an idle machine only.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

STUDY = "meythaler_2001"
YEAR_H = 8766.0


def one(people: int, block: int, threads: int, bits: int) -> None:
    """Run one size and print what it took as JSON."""
    import jax
    import jax.numpy as jnp

    import eutonia
    from eutonia import session
    from eutonia.trial import blocks
    from eutonia.trial.conduct import length_of
    from eutonia.trial.recruitment import draw_pool
    from eutonia.trial.run import RunOptions, simulate

    session.set_bits(32 if bits == 32 else 64)
    study = eutonia.load_study(STUDY).override(n=people)
    assert isinstance(study, eutonia.TrialStudy)
    with tempfile.TemporaryDirectory() as folder:
        options = RunOptions(1, block=block, workers=threads, keep=Path(folder) / "blocks")
        width = blocks.width_for(people, block)
        pool = draw_pool(study.population, study.seed, width, study.oral_model)
        first = study.override(n=width)
        simulate(first, pool, RunOptions(1, block=block, workers=1), width)  # which compiles
        began, cpu = time.perf_counter(), time.process_time()
        outcome = simulate(study, pool, options, width)
        last = list(outcome.visits)[-1]
        mean = float(np.mean(outcome.visits[last].scores["ashworth"]))
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
        size = sum(file.stat().st_size for file in (Path(folder) / "blocks").iterdir())
    x = jnp.ones((64, 4096), dtype=jnp.float32 if bits == 32 else jnp.float64)

    def many(start: jax.Array) -> jax.Array:
        return jax.lax.fori_loop(0, 200, lambda _, y: y * 0.999 + 0.001, start)

    compiled = jax.jit(many)
    compiled(x).block_until_ready()
    begin = time.perf_counter()
    compiled(x).block_until_ready()
    peak = 2 * 200 * x.size / (time.perf_counter() - begin)
    hours = sum(length_of(phase) * (1 if phase.design == "crossover" else len(phase.arms)) for phase in study.phases)
    found = {
        "people": people,
        "seconds": seconds,
        "cpu": cpu,
        "years": people * hours / YEAR_H,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "disk": size,
        "mean": mean,
        "peak": peak,
    }
    print(json.dumps(found))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", default="1000,3000,10000", help="sizes, with commas between them")
    parser.add_argument("--block", type=int, default=1024)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--bits", default="64,32", help="precisions, with commas between them")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        one(asked.one, asked.block, asked.threads, int(asked.bits))
        return
    means = {}
    for bits in asked.bits.split(","):
        rows = []
        for people in asked.people.split(","):
            how = ["--one", people, "--block", str(asked.block), "--threads", str(asked.threads), "--bits", bits]
            done = subprocess.run([sys.executable, __file__, *how], capture_output=True, text=True, check=True)
            row = json.loads(done.stdout.splitlines()[-1])
            rows.append(row)
            years = row["years"] / row["seconds"]
            speed = f"{row['people'] / row['seconds']:8,.0f} people/s, {years:8,.0f} patient-years/s"
            size = f"{row['memory'] / 2**20:7,.0f} MiB, {row['disk'] / 1e6:8,.1f} MB on disk"
            busy = f"{row['cpu'] / row['seconds']:.2f} cores busy, machine {row['peak'] / 1e9:.2f} GFLOP/s"
            print(
                f"{bits}-bit {row['people']:>9,} people: {row['seconds']:8.1f} s, {speed}, {size}, {busy}", flush=True
            )
        means[bits] = rows[-1]["mean"]
        if len(rows) > 1:
            n, seconds, memory = (np.array([row[name] for row in rows]) for name in ("people", "seconds", "memory"))
            power = np.polyfit(np.log(n), np.log(seconds), 1)[0]
            slope = np.polyfit(n, memory, 1)[0] / 1e3
            print(f"{bits}-bit: seconds grow as people^{power:.2f}, memory by {slope:.1f} kB a person")
    if len(means) > 1:
        first, second = means.values()
        print(f"mean score at the last visit {first:.6f} and {second:.6f}, apart {abs(first - second):.1e}")


if __name__ == "__main__":
    main()
