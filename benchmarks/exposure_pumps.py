"""Time a year of pumps on flex programs: hourly lumbar levels reduced to daily mean, peak and trough.

    python benchmarks/exposure_pumps.py [--people 20480] [--days 365] [--workers 2]

Every person has an own spinal fluid and an own program of 13 steps. Blocks are made, followed and thrown away; the
peak of memory is printed for two sizes of cohort, to show that it does not grow. Times are of this machine on this
day: compare ratios within one run, never numbers between runs.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time

STEPS, HOURS, DAYS_A_YEAR = 13, 24, 365.25


def measure(people: int, days: int, workers: int, *, is_fast: bool) -> tuple[float, float]:
    """Return patient-years per second and the peak of memory in MB."""
    from eutonia import session

    session.begin()
    import jax.numpy as jnp
    import numpy as np

    from eutonia.drug.kinetics import IntrathecalValues
    from eutonia.drug.pump import stream

    values = IntrathecalValues.from_records()

    def block(start: int, n: int) -> tuple[object, object]:
        luck = np.random.default_rng(start)
        starts = np.sort(luck.integers(0, HOURS, size=(STEPS, n)), axis=0)
        rates = luck.uniform(2.0, 20.0, size=(STEPS, n))
        step = (starts[:, None, :] <= np.arange(HOURS)[None, :, None]).sum(axis=0) - 1
        program = np.take_along_axis(rates, step % STEPS, axis=0)
        return values.people(jnp.asarray(luck.normal(size=(8, n))), "T10"), jnp.asarray(program)

    for _ in stream.stream(block, stream.BLOCK, days, is_fast=is_fast):  # compiles
        pass
    began, total = time.perf_counter(), 0.0
    for _, levels in stream.stream(block, people, days, is_fast=is_fast, workers=workers):
        total += float(levels.mean[-1].sum())
    spent = time.perf_counter() - began
    assert np.isfinite(total)
    return people * days / DAYS_A_YEAR / spent, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def error(days: int) -> tuple[float, float]:
    """Return the largest relative and absolute (ng/mL) difference between 32-bit and 64-bit daily levels."""
    from eutonia import session

    session.begin()
    import jax.numpy as jnp
    import numpy as np

    from eutonia.drug.kinetics import IntrathecalValues
    from eutonia.drug.pump.stream import BLOCK, daily_lumbar

    luck = np.random.default_rng(1)
    spinal = IntrathecalValues.from_records().people(jnp.asarray(luck.normal(size=(8, BLOCK))), "T10")
    program = jnp.asarray(luck.uniform(2.0, 20.0, size=(HOURS, BLOCK)))
    exact, fast = (
        np.stack([np.asarray(x, dtype=float) for x in daily_lumbar(spinal, program, days, is_fast=is_fast)])
        for is_fast in (False, True)
    )
    return float(np.max(np.abs(fast / exact - 1))), float(np.max(np.abs(fast - exact)))


def main(people: int = 20480, days: int = 365, workers: int = 2) -> None:
    """Print speed, memory and error."""
    print(f"pumps on flex programs, {people:,} people x {days} days, hourly, {workers} workers")
    for name, is_fast in (("64-bit", False), ("32-bit", True)):
        speeds = []
        for size in (people // 4, people):
            code = (
                f"import sys; sys.path.insert(0, {str(sys.path[0])!r}); import exposure_pumps; "
                f"print(*exposure_pumps.measure({size}, {days}, {workers}, is_fast={is_fast}))"
            )
            done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
            speed, memory = (float(word) for word in done.stdout.split()[-2:])
            speeds.append(speed)
            print(f"  {name}, {size:7,} people {speed:10,.0f} patient-years/s   peak memory {memory:6.0f} MB")
    relative, absolute = error(days)
    print(f"  32-bit against 64-bit: largest error {relative:.1e} relative, {absolute:.1e} ng/mL")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=20480)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    main(given.people, given.days, given.workers)
