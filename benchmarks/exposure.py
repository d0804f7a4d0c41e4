"""Time exposure of many people: hourly levels for a year, reduced to daily mean, peak and trough.

    python benchmarks/exposure.py [--people 100000] [--workers 2]

Every line runs in a process of its own, so that its peak memory is its own. Times are of this machine on this day:
compare ratios within one run, never numbers between runs.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys

BAR = 20_000  # patient-years a second wanted in 32-bit on two cores

_TABLETS = """
import json, resource, sys, time
import jax
from eutonia import session
bits, people, workers = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
session.set_bits(int(sys.argv[1]))
import numpy as np
import jax.numpy as jnp
from eutonia.drug.exposure import daily, model, streamed
real = np.float64 if bits == "64" else np.float32
width, days, chosen = 4096, 365, model()
typical = {one.name: one.default for one in chosen.quantities}
def block(number):
    # Draws of JAX differ between precisions; NumPy's are the same people in both.
    draws = np.random.default_rng(number)
    spread = {"CL": 0.21, "V": 0.22, "KA": 0.44, "CRCL": 0.3}
    values = {name: jnp.asarray(x * np.exp(spread.get(name, 0.0) * draws.normal(size=width)), real)
              for name, x in typical.items()}
    structure = chosen.structure
    dose = jnp.full((3, width), chosen.bioavailability * 20.0, real)
    return daily(structure.system(values), structure.volume(values), dose, hours=(8, 14, 20), days=days)[0]
jax.block_until_ready(block(0))
began, total, kept = time.perf_counter(), 0, None
count = -(-people // width)
for found in streamed((lambda i=i: block(i) for i in range(count)), workers):
    total += found.mean.shape[1]
    kept = found if kept is None else kept
taken = time.perf_counter() - began
last = {name: np.asarray(getattr(kept, name)[-1], float) for name in ("mean", "peak", "trough")}
np.savez(sys.argv[4], **last)
print(json.dumps({"speed": total / taken, "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
"""


def measured(script: str, *words: object) -> dict[str, float]:
    """Return what a script prints last."""
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, words)], check=True, stdout=subprocess.PIPE, text=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def tablets(people: int, workers: int) -> None:
    """Time three tablets a day for a year, in both precisions, and print what 32-bit costs in accuracy."""
    import tempfile

    import numpy as np

    with tempfile.TemporaryDirectory() as folder:
        few, many, levels = {}, {}, {}
        most = measured(_TABLETS, "32", 4 * people, workers, f"{folder}/most.npz")
        for bits in ("32", "64"):
            path = f"{folder}/{bits}.npz"
            few[bits] = measured(_TABLETS, bits, max(1, people // 10), workers, path)
            many[bits] = measured(_TABLETS, bits, people, workers, path)
            levels[bits] = np.load(path)
        one = measured(_TABLETS, "32", people, 1, f"{folder}/one.npz")
        apart = max(
            float(np.max(np.abs(levels["32"][name] / levels["64"][name] - 1.0))) for name in ("mean", "peak", "trough")
        )
    print(f"tablets, three a day: {people:,} people x 365 days x 24 levels to daily mean, peak, trough")
    for bits in ("32", "64"):
        print(f"  {f'{bits}-bit, {workers} workers':40} {many[bits]['speed']:10,.0f} patient-years/s")
        print(f"  {f'{bits}-bit, {workers} workers':40} {many[bits]['speed'] / BAR:10.2f} x the bar of {BAR:,}")
        memory = f"{few[bits]['rss']:.0f} and {many[bits]['rss']:.0f} MB"
        print(f"  {f'{bits}-bit, peak memory':40} {memory:>10} for {people // 10:,} and {people:,} people")
    print(f"  {'32-bit, peak memory':40} {most['rss']:7.0f} MB for {4 * people:,} people")
    print(f"  {'32-bit over 64-bit':40} {many['32']['speed'] / many['64']['speed']:10.2f}")
    print(f"  {f'{workers} workers over one':40} {many['32']['speed'] / one['speed']:10.2f}")
    print(f"  {'largest relative difference on day 365':40} {apart:10.1e}")


def pumps(people: int, workers: int) -> None:
    """Time pumps on flex programs for a year."""
    import exposure_pumps

    exposure_pumps.main(people, workers=workers)


SECTIONS = {"tablets": tablets, "pumps": pumps}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--only", choices=SECTIONS, help="Run one section.")
    given = parser.parse_args()
    for name, section in SECTIONS.items():
        if given.only in (None, name):
            section(given.people, given.workers)
