"""Time the spiking segment: one patient with 2,000 cells, a batch with 400, and a like network in NEST in the same run.

    python benchmarks/segment.py [--patients 32]

Blocks of patients run in a thread for each core. Times are of this machine on this day: compare ratios within one run,
never numbers between runs. The cells fire as in a spastic segment whose ankle is stretched and let go.
"""

from __future__ import annotations

import argparse
import os
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

from eutonia import session
from eutonia.tone.segment import stimuli
from eutonia.tone.segment.cells import Sizes
from eutonia.tone.segment.condition import Condition
from eutonia.tone.segment.network import Segment

BIAS = 3.0
SECONDS = 1.0


def plan_of(n_patients: int) -> stimuli.Plan:
    """A second with a stretch of 20 deg in the middle."""
    plan = stimuli.rest(SECONDS, n_patients)
    return stimuli.stretch(plan, stimuli.ramp(plan, 0.4, 100.0, 20.0))


def ours(cells: int, n_patients: int, workers: int) -> tuple[float, float]:
    """Return wall seconds of the best of three runs, and impulses of motoneurons a patient."""
    share = n_patients // workers
    segments = [
        Segment.of(Condition.of_bias([BIAS] * share), Sizes.of_total(cells), person=range(k * share, (k + 1) * share))
        for k in range(workers)
    ]
    plan = plan_of(share)
    segments[0].run(plan)
    walls = []
    with ThreadPoolExecutor(workers) as pool:
        for _ in range(3):
            began = time.perf_counter()
            found = list(pool.map(lambda segment: segment.run(plan), segments))
            walls.append(time.perf_counter() - began)
    return min(walls), sum(len(activity.motor) for activity in found) / n_patients


def nest(cells: int, workers: int) -> float | None:
    """Return wall seconds that NEST needs for one patient's cells, connected at random with the same mean numbers."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import nest as program

            program.set_verbosity("M_ERROR")
    except ImportError:
        return None
    program.ResetKernel()
    program.resolution = 0.1
    program.local_num_threads = workers
    sizes = Sizes.of_total(cells)
    spike = {"delay": 0.3}
    for _ in range(2):
        motor = program.Create("iaf_cond_exp_sfa_rr", sizes.motoneurons, {
            "C_m": 143.5, "g_L": 10.0, "E_L": 0.0, "V_reset": 0.0, "V_th": 12.35, "E_ex": 70.0, "E_in": -16.0,
            "E_rr": 0.0, "q_rr": 0.0, "E_sfa": -10.0, "tau_sfa": 40.0, "q_sfa": 12.0, "I_e": 125.0, "t_ref": 5.0,
        })  # fmt: skip
        kind = {"C_m": 80.0, "g_L": 10.0, "E_L": 0.0, "V_reset": 0.0, "V_th": 12.0, "E_ex": 70.0, "E_in": -16.0}
        inhibitory, renshaw = (program.Create("iaf_cond_exp", sizes.interneurons, kind) for _ in range(2))
        ia = program.Create("poisson_generator", 1, {"rate": 10.0})
        fibre = program.Create("parrot_neuron", sizes.ia + sizes.ii)
        program.Connect(ia, fibre)
        for source, target, share, weight in (
            (fibre, motor, 0.9, 200.0 / sizes.ia),
            (fibre, inhibitory, 1.0, 200.0 / sizes.ia),
            (inhibitory, motor, 0.2, -100.0 / sizes.interneurons),
            (motor, renshaw, 0.06, 2000.0 / sizes.motoneurons),
            (renshaw, motor, 0.04, -150.0 / sizes.interneurons),
        ):
            rule = {"rule": "pairwise_bernoulli", "p": share}
            program.Connect(source, target, rule, {"weight": weight, **spike})
    program.Simulate(10.0)
    began = time.perf_counter()
    program.Simulate(1000.0 * SECONDS)
    return time.perf_counter() - began


def report(n_patients: int) -> None:
    """Print all figures of this machine."""
    workers = os.cpu_count() or 1
    n_patients -= n_patients % workers
    for bits in (32, 64):
        session.set_bits(bits)
        wall, impulses = ours(2000, 1, 1)
        print(f"{f'2,000 cells, one patient, {bits}-bit':44} {wall:7.2f} s a second ({impulses:.0f} impulses)")
        if bits == 32:
            alone = wall
        wall, impulses = ours(400, n_patients, workers)
        speed = n_patients * SECONDS / wall
        print(
            f"{f'400 cells, {n_patients} patients, {bits}-bit':44} {speed:7.1f} patient-s/s ({impulses:.0f} impulses)"
        )
    theirs = nest(2000, workers)
    if theirs is None:
        print("NEST is not installed: no comparison")
        return
    print(f"{f'2,000 cells in NEST, {workers} threads':44} {theirs:7.2f} s a second")
    print(f"{'NEST over ours, one patient, 32-bit':44} {theirs / alone:7.2f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=32)
    report(parser.parse_args().patients)
