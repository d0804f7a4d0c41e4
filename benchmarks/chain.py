"""Time the commands that users wait for, cold and warm, and the slow clock in both precisions.

    python benchmarks/chain.py [--replicates 500]

Cold means an empty cache of compiled programs. Times are of this machine on this day: compare ratios within one run,
never numbers between runs.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time

_COURSE = """
import sys, time
from eutonia import session
session.set_bits(int(sys.argv[1]))
import jax.numpy as jnp, numpy as np
from eutonia.drug.effect.gaba_b import Receptor, receptor_spread
from eutonia.drug.kinetics import Kinetics
from eutonia.simulation.course import Course, start
from eutonia.simulation.people import People, Traits
n = 1024
who = jnp.arange(n)
# Draws of JAX differ between precisions; NumPy's are the same people in both.
numbers = np.random.default_rng(1)
luck, draws = jnp.asarray(numbers.normal(size=(2, n))), jnp.asarray(numbers.normal(size=(8, n)))
kinetics = Kinetics.from_draws(draws, weight_kg=jnp.full(n, 70.0), creatinine_clearance=jnp.full(n, 100.0))
limbs = jnp.full((2, n), 2.0)
people = People(who, jnp.full(n, 70.0), kinetics, Receptor.typical().draw(luck, receptor_spread()),
                Traits.draw(1, who, "stroke"), limbs, limbs / 4, jnp.full(n, 8766.0))
course, rate = Course(people), jnp.full(n, 200.0 / 24)
def year():
    state = start(people)
    for month in range(12):
        state = course.advance(state, 730.5, rate * (1 + 0.1 * month), 0.0)
    return course.snapshot(state).hyperpolarisation.block_until_ready()
year()
began = time.perf_counter()
for _ in range(5):
    value = year()
print(5 * n / (time.perf_counter() - began))
np.save(sys.argv[2], np.asarray(value, dtype=np.float64))
"""


def seconds(*command: str, cache: str) -> float:
    """Return the wall time of a command that keeps its compiled programs in `cache`."""
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=os.environ | {"XDG_CACHE_HOME": cache})
    return time.perf_counter() - began


def commands(replicates: int) -> None:
    """Time help, one case and the headline trial."""
    with tempfile.TemporaryDirectory() as folder:
        cache, out = f"{folder}/cache", f"{folder}/out"
        help_s = [seconds("eutonia", "--help", cache=cache) for _ in range(3)]
        print(f"{'eutonia --help':44} {min(help_s):7.2f} s")
        for name, more in (("case_haemorrhage_pump", ()), ("meythaler_2001", ("--replicates", str(replicates)))):
            words = ("eutonia", "run", name, "--out", out, "--quiet", *more)
            for state in ("cold", "warm", "warm again"):
                print(f"{name + ', ' + state:44} {seconds(*words, cache=cache):7.2f} s", flush=True)


def slow_clock() -> None:
    """Time the slow clock on a pump with monthly changes, and print what 32-bit costs in accuracy."""
    import numpy as np

    with tempfile.TemporaryDirectory() as folder:
        speed, value = {}, {}
        for bits in ("64", "32"):
            path = f"{folder}/{bits}.npy"
            done = subprocess.run(
                [sys.executable, "-c", _COURSE, bits, path], check=True, capture_output=True, text=True
            )
            speed[bits], value[bits] = float(done.stdout.split()[-1]), np.load(path)
        off = np.max(np.abs(value["32"] - value["64"]))
        for bits in ("64", "32"):
            print(f"{'slow clock, ' + bits + '-bit':44} {speed[bits]:7.0f} patient-years/s")
        print(f"{'32-bit over 64-bit':44} {speed['32'] / speed['64']:7.2f}")
        print(f"{'largest difference after a year':44} {off:7.1e} mV")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replicates", type=int, default=500)
    commands(parser.parse_args().replicates)
    slow_clock()
