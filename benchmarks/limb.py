"""Time the pendulum test in both precisions, print what 32-bit and the step cost in accuracy, with MuJoCo beside it.

    python benchmarks/limb.py [--people 8192]

One test is 5 s of one leg at a step of 2.5 ms with all its scores. Times are of this machine on this day: compare
ratios within one run, never numbers between runs. Where other programs share the machine, the second column tells
more: tests per second of processor time, on as many cores.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time

SECONDS = 5.0

_PENDULUM = """
import sys, time
from concurrent.futures import ThreadPoolExecutor
import jax
from eutonia import session
session.set_bits(int(sys.argv[1]))
import equinox as eqx, jax.numpy as jnp, numpy as np
from eutonia.assessment.pendulum import PendulumConstants, pendulum_score
from eutonia.limb.joint import joint, limb_of
from eutonia.simulation.bedside import bedside_constants, stepped_constants
from eutonia.simulation.examine import muscle_state
from eutonia.simulation.pendulum import pendulum

precision, people, workers, steps = sys.argv[1], int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])
width = 1024
body, scores = bedside_constants(), PendulumConstants.from_records()
draws = np.random.default_rng(1)
kind = jnp.float64 if precision == "64" else jnp.float32
number = lambda x: jnp.asarray(x, kind)
constants = jax.tree.map(number, stepped_constants())
scores = jax.tree.map(number, scores)

def legs(n):
    bias = jnp.asarray(draws.uniform(0, 4, n)) * jnp.ones((8, 1))
    weight = jnp.asarray(draws.normal(70, 8, n))
    state = muscle_state(bias, bias, jnp.zeros_like(bias), body)
    limb = limb_of(joint("knee"), state, 0, jnp.zeros(n), body.ramp.gain, weight, 1.7)
    return jax.tree.map(number, limb)

@eqx.filter_jit
def test(limb):
    score = pendulum_score(pendulum(limb, constants, %(seconds)s, steps=steps), scores)
    return jnp.stack([score.first_swing, score.normalised_index])

blocks = [legs(width) for _ in range(max(people // width, 1))]
found = [np.asarray(test(block), dtype=float) for block in blocks]
def one(block):
    return test(block).block_until_ready()
best = busy = np.inf
with ThreadPoolExecutor(workers) as pool:
    for _ in range(3):
        began, worked = time.perf_counter(), time.process_time()
        list(pool.map(one, blocks))
        best = min(best, time.perf_counter() - began)
        busy = min(busy, (time.process_time() - worked) / workers)
np.save(sys.argv[2], np.concatenate(found, axis=1))
print(width * len(blocks) / best, width * len(blocks) / busy)
""" % {"seconds": SECONDS}  # noqa: UP031


def run(precision: int, people: int, workers: int, steps: int, folder: str) -> tuple[list[float], object]:
    """Return tests per second (by the clock, by the processor), and first swing (deg) and normalised relaxation index
    of everybody.
    """
    import numpy as np

    path = f"{folder}/{precision}_{steps}.npy"
    words = [sys.executable, "-c", _PENDULUM, str(precision), path, str(people), str(workers), str(steps)]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    return [float(word) for word in done.stdout.split()[-2:]], np.load(path)


def in_mujoco(tests: int = 20) -> float:
    """Return 5 s pendulums per second of processor time of MuJoCo's engine: passive leg, 2.5 ms, no reflex."""
    import mujoco

    model = mujoco.MjModel.from_xml_string("""
        <mujoco><option timestep="0.0025" integrator="implicitfast"/><worldbody><body>
        <joint type="hinge" axis="0 1 0" damping="0.2"/>
        <inertial pos="0.25 0 0" mass="5" diaginertia="0.1 0.1 0.1"/></body></worldbody></mujoco>""")
    data = mujoco.MjData(model)
    began = time.process_time()
    for _ in range(tests):
        mujoco.mj_resetData(model, data)
        mujoco.mj_step(model, data, nstep=round(SECONDS / 2.5e-3))
    return tests / (time.process_time() - began)


def pendulum(people: int) -> None:
    """Print speed, accuracy and the ratio to MuJoCo."""
    import numpy as np

    cores = min(os.cpu_count() or 1, 2)
    with tempfile.TemporaryDirectory() as folder:
        speed, scores = {}, {}
        for precision, steps in ((32, 20), (64, 20), (64, 40)):
            speed[precision, steps], scores[precision, steps] = run(precision, people, cores, steps, folder)
        for precision in (32, 64):
            clock, processor = speed[precision, 20]
            name = f"5 s pendulum tests, {precision}-bit, {cores} cores"
            print(f"{name:44} {clock:9.0f} /s {processor:9.0f} /s of processor time")
        for name, other in (("32-bit", scores[32, 20]), ("half the step", scores[64, 40])):
            off = np.max(np.abs(other - scores[64, 20]), axis=1)
            print(f"{f'largest difference, {name}':44} {off[0]:9.1e} deg first swing, {off[1]:.1e} relaxation index")
        engine = in_mujoco()
        print(f"{'MuJoCo, passive leg, 1 core':44} {engine:9.0f} /s")
        print(f"{'ratio, 32-bit, each core':44} {speed[32, 20][1] / cores / engine:9.1f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=8192)
    parser.add_argument("--patients", type=int, default=32, help="Patients of the spiking segment.")
    given = parser.parse_args()
    pendulum(given.people)
    import segment  # beside this file: the spiking segment, in the same run

    segment.report(given.patients)
