"""How fast a trial is, how its cost grows, how much memory it takes: python benchmarks/trial.py [--people 1000,10000]

At the end one person's year on a pump is held against libRoadRunner, where that is installed, which steps the exported
model (`--kinetics`: this alone). `--crash 10` kills a run so often at random moments, lets it go on, and compares what
it writes with a run that nobody stopped.

A year of intrathecal baclofen with titration after a test bolus, leg and arm scored by simulated stretch with raters,
adverse events watched; each size in a process of its own, which finds its programs compiled, with the threads or
processes that `eutonia run` would take and blocks kept in a folder as it keeps them, then every table and the report
written. Printed are, for the blocks and
for the whole, people and patient-years a second, the time to the first block, peak memory of all processes (what they
share once), bytes on disk, the line through the sizes, how many cores were busy, the load of the machine, how fast a
core of it multiplies and adds at best and what share of that the slow clock's steps have (by XLA's own count of the
arithmetic of a block), and how far each mean of the 32-bit run lies from the 64-bit one. Numbers mean something on an
idle machine only.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, nullcontext
from importlib.util import find_spec
from multiprocessing import active_children
from pathlib import Path
from typing import Any

import numpy as np

STUDY = "meythaler_2001"
YEAR_H = 8766.0


def counted() -> tuple[list[tuple[int, int]], dict[int, Any]]:
    """Note each call of the slow clock from here on: people and steps, and what was given first for so many people."""
    from eutonia.simulation import course

    run, calls, given_first = course.run, list[tuple[int, int]](), dict[int, Any]()

    def run_and_note(*given: Any) -> Any:
        *_, rate, _, pieces, cycles = given
        given_first.setdefault(rate.size, (run, given))
        calls.append((rate.size, int(pieces[1].sum()) * cycles))
        return run(*given)

    course.run = run_and_note
    return calls, given_first


def arithmetic(calls: list[tuple[int, int]], given_first: dict[int, Any]) -> float:
    """Return what XLA counts in the program of one step of the slow clock, logarithms and exponentials as one each,
    over all steps that were taken. Looks are not counted.
    """
    of_step = {}
    for people, (run, given) in given_first.items():
        told = run.lower(*given).compile().cost_analysis()
        of_step[people] = told["flops"] + told.get("transcendentals", 0.0)
    return sum(of_step[people] * steps for people, steps in calls)


class Memory(threading.Thread):
    """Watches the memory of this process and its children, bytes; what they share counts once (Linux)."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak, self.over = 0, threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.5):
            self.peak = max(self.peak, sum(map(self._of, ["self", *(one.pid for one in active_children())])))

    def _of(self, process: object) -> int:
        try:
            told = Path(f"/proc/{process}/smaps_rollup").read_text()
        except OSError:
            return 0
        return 1024 * int(told.partition("\nPss:")[2].split()[0])


def cpu_s() -> float:
    """Return the processor time of this process and of its children that have ended."""
    used = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def one(people: int, block: int, threads: int, bits: int) -> None:
    """Run one size and print what it took as JSON."""
    import jax
    import jax.numpy as jnp

    import eutonia
    from eutonia import session
    from eutonia.engine.execute import processes
    from eutonia.engine.unfinished import held
    from eutonia.report import files
    from eutonia.trial.blocks import width_for
    from eutonia.trial.conduct import length_of
    from eutonia.trial.cost import cost
    from eutonia.trial.run import RunOptions, run_trial

    session.set_bits(32 if bits == 32 else 64)
    study = eutonia.load_study(STUDY).override(n=people)
    assert isinstance(study, eutonia.TrialStudy)
    marks: dict[str, float] = {}
    began = time.perf_counter()

    def progress(stage: str, share: float) -> None:
        marks.setdefault(f"{stage} {share if share in (0.0, 1.0) else 'first'}", time.perf_counter() - began)

    cpu, load = cpu_s(), os.getloadavg()[0]
    watch = Memory()
    watch.start()
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        store = stack.enter_context(held(Path(folder) / "blocks"))
        apart = cost(study, 1, block, threads).wants_processes
        with processes(threads, once=True) if apart else nullcontext() as executor:
            options = RunOptions(1, block=block, workers=threads, executor=executor, keep=store)
            result = run_trial(study, options, progress)
        files.write(result, Path(folder) / "result")
        seconds, cpu = time.perf_counter() - began, cpu_s() - cpu
        watch.over.set()
        memory = max(watch.peak, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
        kept, size = (
            sum(file.stat().st_size for file in (Path(folder) / name).iterdir()) for name in ("blocks", "result")
        )
    means = {
        f"{q.phase} {q.arm} {q.visit} {q.scale} {q.limb}": q.mean for q in result.quantities if q.statistic == "mean"
    }
    first = next(marks[name] for name in ("Patients first", "Patients 1.0") if name in marks)
    blocks = marks["Patients 1.0"] - marks["Recruitment 1.0"]
    calls, given_first = counted()
    run_trial(study.override(n=min(people, block)), RunOptions(1, block=block, workers=threads))
    flops = arithmetic(calls, given_first) * -(-people // width_for(people, block))
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
        "blocks": blocks,
        "first": first,
        "cpu": cpu,
        "load": max(load, os.getloadavg()[0]),
        "how": f"{threads} {'processes' if apart else 'threads'}",
        "years": people * hours / YEAR_H,
        "memory": memory,
        "kept": kept,
        "disk": size,
        "means": means,
        "peak": peak,
        "flops": flops,
    }
    print(json.dumps(found))


def kinetics(people: int) -> None:
    """Print how long a year of drug, receptors and tolerance on a pump takes here and in libRoadRunner."""
    import jax
    import jax.numpy as jnp
    import roadrunner

    from eutonia import session
    from eutonia.exchange import Dosing, export
    from eutonia.patient import Cohort, Population
    from eutonia.simulation.course import Course, start
    from eutonia.simulation.make_people import make_people

    runner = roadrunner.RoadRunner(export("effect_intrathecal", Dosing(infusion="240 ug/day")))
    runner.simulate(0.0, YEAR_H, 2)
    runner.reset()
    begin = time.process_time()
    runner.simulate(0.0, YEAR_H, 2)
    theirs = time.process_time() - begin
    for bits in (64, 32):
        session.set_bits(64 if bits == 64 else 32)
        course = Course(make_people(Cohort.draw(1, np.arange(people), Population.typical("stroke")), seed=1))
        rate = jnp.full(people, 10.0)

        def year(course: Course = course, rate: jax.Array = rate) -> float:
            begin = time.process_time()
            jax.block_until_ready(course.advance(start(course.people), YEAR_H, rate, 0.0))
            return (time.process_time() - begin) / people

        year()
        ours = min(year() for _ in range(5))
        print(
            f"a year of one person on a pump, drug and receptors: {ours * 1e6:.1f} us of a core in {bits}-bit (of "
            f"{people:,} at once), {theirs * 1e3:.1f} ms in libRoadRunner, {theirs / ours:,.0f} times as long",
            flush=True,
        )


def crash(times: int, people: int, block: int) -> None:
    """Kill a run at random moments, go on, and compare its tables with those of a run that nobody stopped."""
    with tempfile.TemporaryDirectory() as folder:

        def begun(name: str, *more: str) -> subprocess.Popen[bytes]:
            of = ["run", STUDY, "--patients", str(people), "--replicates", "1", "--block", str(block), "--quiet", *more]
            return subprocess.Popen([sys.executable, "-m", "eutonia", *of, "--out", str(Path(folder) / name)])

        began = time.monotonic()
        assert begun("whole").wait() == 0
        whole_s, killed, late = time.monotonic() - began, 0, 0
        luck = random.Random(1)
        while killed < times and late < 3 * times:
            run = begun("killed", *(["--resume"] if killed else []))
            try:
                late += run.wait(luck.uniform(0.0, whole_s)) == 0
            except subprocess.TimeoutExpired:
                run.kill()
                run.wait()
                killed += 1
        assert begun("killed", *(["--resume"] if killed else [])).wait() == 0
        one, other = (tables(Path(folder) / name) for name in ("whole", "killed"))
        same = sum(one[name] == other.get(name) for name in one)
        print(f"killed {killed} times and resumed, {late} times too late: {same} of {len(one)} tables the same")


def tables(folder: Path) -> dict[str, str]:
    """Return the digest of each table of a result."""
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.glob("*.parquet"))}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", default="1000,3000,10000", help="sizes, with commas between them")
    parser.add_argument("--block", type=int, default=4096)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--bits", default="64,32", help="precisions, with commas between them")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--kinetics", action="store_true", help="one person's year, beside libRoadRunner")
    parser.add_argument("--crash", type=int, help="how often to kill a run")
    asked = parser.parse_args()
    if asked.kinetics:
        kinetics(4096)
        return
    if asked.crash:
        crash(asked.crash, int(asked.people.split(",")[0]), min(asked.block, 64))
        return
    if asked.one:
        one(asked.one, asked.block, asked.threads, int(asked.bits))
        return
    means = {}
    for bits in asked.bits.split(","):
        rows = []
        for people in asked.people.split(","):
            how = ["--block", str(asked.block), "--threads", str(asked.threads), "--bits", bits]
            for size in (min(int(people), asked.block), int(people)):  # a small one leaves compiled programs
                run = [sys.executable, __file__, "--one", str(size), *how]
                done = subprocess.run(run, capture_output=True, text=True, check=True)
            row = json.loads(done.stdout.splitlines()[-1])
            rows.append(row)
            speed = " and ".join(
                f"{row[of]:.1f} s for {what} ({row['people'] / row[of]:,.0f} people/s, {row['years'] / row[of]:,.0f} "
                "patient-years/s)"
                for of, what in (("blocks", "the blocks"), ("seconds", "all, with tables and report"))
            )
            room = f"peak {row['memory'] / 2**20:,.0f} MiB, {row['kept'] / 1e6:,.1f} MB of blocks, "
            room += f"{row['disk'] / 1e6:,.1f} MB of results"
            speed_of_steps = row["flops"] / row["blocks"]
            busy = (
                f"{row['cpu'] / row['seconds']:.2f} cores busy, {speed_of_steps / 1e9:.2f} GFLOP/s in the slow clock, "
            )
            busy += f"{speed_of_steps / row['peak']:.0%} of the {row['peak'] / 1e9:.2f} that this machine has at best"
            first = f"first block of a new process after {row['first']:.1f} s"
            who = f"{row['people']:,} people by {row['how']} (load of the machine {row['load']:.1f})"
            print(f"{bits}-bit {who}: {speed}; {first}; {room}; {busy}", flush=True)
        means[bits] = rows[-1]["means"]
        if len(rows) > 1:
            n, blocks, seconds, memory = (
                np.array([row[name] for row in rows]) for name in ("people", "blocks", "seconds", "memory")
            )
            powers = [np.polyfit(np.log(n), np.log(one), 1)[0] for one in (blocks, seconds)]
            slope = np.polyfit(n, memory, 1)[0] / 1e3
            print(
                f"{bits}-bit: seconds of the blocks grow as people^{powers[0]:.2f}, of all as people^{powers[1]:.2f}, "
                f"memory by {slope:.1f} kB a person"
            )
            each, fixed = np.polyfit(n, seconds, 1)
            print(
                f"{bits}-bit: {fixed:.1f} s and {1e3 * each:.3f} ms a person; by this line a million people take "
                f"{fixed + 1e6 * each:,.0f} s"
            )
    if len(means) > 1:
        one_way, other = means.values()
        apart = np.abs([one_way[name] - other[name] for name in one_way])
        how_far = f"{np.nanmean(apart):.1e} apart in the mean, {np.nanmax(apart):.1e} at most"
        print(f"{len(apart)} means of a score, {' and '.join(means)}-bit: {how_far}")
    if find_spec("roadrunner"):
        kinetics(4096)


if __name__ == "__main__":
    main()
