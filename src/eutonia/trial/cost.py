"""What a run will need, before it is begun: people, looks at them, memory and time.

Memory is a fit to runs of the shipped studies and holds within about a factor of two; time depends on the machine, and
is told as an order of size.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from eutonia._bounds import usual_block
from eutonia.drug.pump import play
from eutonia.errors import SimulationError
from eutonia.study.analysis_checks import without_rescue
from eutonia.study.design import CaseStudy, TrialStudy
from eutonia.trial.blocks import width_for
from eutonia.trial.parameter_draws import DRAWS, asked
from eutonia.trial.pump_turns import turns

# Measured on shipped studies (bytes, seconds of one core): the program itself, and what a trial with its report needs
# beside it; a person in a block under way; a look at the possible people of a case.
_PROGRAM_BYTES, _TRIAL_BYTES, _LANE_BYTES, _LOOK_BYTES = 450e6, 550e6, 20_000.0, 220e3
# Of a person at a visit of a trial, whose scores stay in blocks: in memory, and (True) where blocks are kept on disk.
_VISIT_BYTES = {False: 400.0, True: 70.0}
# Measured on the same: bytes on disk of report, course and record; of a visit of a person, once as a block and once in
# the tables; of a look.
_FILES_BYTES, _VISIT_FILE_BYTES, _LOOK_FILE_BYTES = 4e6, 200.0, 12e3
_BEGIN_S, _LOOK_S = 18.0, 3e-3
# A look at a block takes so long whoever is in it, and so much longer for each person; a draw of numbers weighs the
# pool anew. Threads wait for Python, so that of several cores three in four are busy.
_BLOCK_S, _VISIT_S, _DRAW_S, _BUSY = 0.018, 8e-6, 0.9, 0.75
# Measured with two: processes, which begin within 8 s of a core each, pay for that from here on.
_WORTH_PROCESSES_S = 90.0
# Every abrupt event of a case is looked at closely.
_LOOKS_AFTER_EVENT = 40
_SHARE = 0.9  # of the machine's memory that a run may take
#: Identities of people are counters of 32 bits.
MOST_PEOPLE = 2**32 - 1


@dataclass(frozen=True)
class Cost:
    """What a run needs: people, visits or looks at each, memory (bytes), time (s) on so many cores, disk (bytes)."""

    people: int
    looks: int
    memory: float
    seconds: float
    cores: int
    disk: float

    def __str__(self) -> str:
        """Say it in words."""
        cores = f"{self.cores} core{'s' if self.cores > 1 else ''}"
        return f"about {_bytes(self.memory)} of memory and {_time(self.seconds)} on {cores}"

    @property
    def fits(self) -> bool:
        """Whether this machine has the memory."""
        return self.memory <= _SHARE * machine_memory()

    @property
    def wants_processes(self) -> bool:
        """Whether a process a core is worth the seconds that it takes to begin, and fits: threads wait for Python."""
        whole = self.memory + self.cores * _PROGRAM_BYTES
        return self.cores > 1 and self.seconds > _WORTH_PROCESSES_S and whole <= _SHARE * machine_memory()


def cost(
    study: TrialStudy | CaseStudy,
    replicates: int = 1,
    block: int | None = None,
    workers: int = 1,
    *,
    kept: bool = False,
) -> Cost:
    """Return what a run of a study will need; `kept` where its blocks wait on disk until it is whole."""
    cores = min(workers, os.cpu_count() or 1)
    if isinstance(study, CaseStudy):
        looks = int(study.case.duration_h / study.case.examine_every_h) + 1 + _LOOKS_AFTER_EVENT * len(study.events)
        if study.therapy is not None and study.pump_therapy is not None:
            pump = turns(play(study.pump_therapy))
            looks += sum(turn.is_seen + (_LOOKS_AFTER_EVENT if turn.is_large else 0) for turn in pump)
        memory, seconds = _PROGRAM_BYTES + looks * _LOOK_BYTES, _BEGIN_S + looks * _LOOK_S
        return Cost(1, looks, memory, seconds, 1, _FILES_BYTES + looks * _LOOK_FILE_BYTES)
    people = study.population.n * replicates
    block = block or usual_block(people)
    looks = sum(len(p.visits_h) * p.rounds * (len(p.arms) if p.design != "single" else 1) for p in study.phases)
    under_way = min(block, people) * cores * _LANE_BYTES
    memory = _PROGRAM_BYTES + _TRIAL_BYTES + people * looks * _VISIT_BYTES[kept] + under_way
    again = sum(len(p.visits_h) * len(p.arms) for p in study.phases if without_rescue(study, p))
    draws = DRAWS if asked(study, replicates) else 1
    of_draw = study.population.n * -(-replicates // draws)
    width = width_for(of_draw, block)
    work = draws * -(-of_draw // width) * (looks + again) * (_BLOCK_S + width * _VISIT_S) + (draws - 1) * _DRAW_S
    seconds = _BEGIN_S + work / max(_BUSY * cores, 1.0)
    return Cost(people, looks, memory, seconds, cores, _FILES_BYTES + people * looks * _VISIT_FILE_BYTES)


def visits_each(study: TrialStudy) -> int:
    """Return how often a person of a trial is seen; in a parallel phase in one arm, though every arm is computed."""
    return sum(len(p.visits_h) * p.rounds * (len(p.arms) if p.design == "crossover" else 1) for p in study.phases)


def affordable(
    study: TrialStudy | CaseStudy,
    replicates: int = 1,
    block: int | None = None,
    workers: int = 1,
    *,
    kept: bool = False,
) -> Cost:
    """Return what a run will need; `kept` where its blocks wait on disk.

    Raises
    ------
    SimulationError
        More than this machine's memory, or more people than there are identities.
    """
    found = cost(study, replicates, block, workers, kept=kept)
    if found.people > MOST_PEOPLE:
        raise SimulationError(
            f"{study.name}: {found.people:,} people ({replicates:,} replicates) are more than there are identities. "
            f"Allowed: at most {MOST_PEOPLE:,}. Lower --replicates or --patients."
        )
    if not found.fits:
        raise SimulationError(
            f"{study.name}: this run needs {found}, and this machine has {_bytes(machine_memory())}. "
            f"{_advice(study, replicates, block or usual_block(found.people), workers, kept=kept)}"
        )
    return found


def _advice(study: TrialStudy | CaseStudy, replicates: int, block: int, workers: int, *, kept: bool) -> str:
    """Return what would fit."""
    room = _SHARE * machine_memory() - _PROGRAM_BYTES
    if isinstance(study, CaseStudy):
        fewest = study.case.duration_h / max(room / _LOOK_BYTES, 1.0)
        return (
            f"It would look {cost(study).looks:,} times at the person. Allowed: examine_every of {fewest:.2g} hour "
            "or longer. Lengthen it, or shorten duration."
        )
    one = cost(study, 1, block, workers)
    room -= _TRIAL_BYTES + min(block, one.people * replicates) * workers * _LANE_BYTES
    most = int(room / (one.people * one.looks * _VISIT_BYTES[kept]))
    if block > cost(study, replicates).people // workers and cost(study, replicates, 1024, workers, kept=kept).fits:
        return "Nearest: --block 1024, which gives the same numbers. Lower --block."
    if most < 1:
        return f"Even one trial of {one.people:,} people does not fit. Lower n in [population], or --patients."
    return f"Nearest: --replicates {most}. Lower --replicates, or --patients."


def machine_memory() -> float:
    """Return the memory of this machine, or of the container that this process lives in, bytes."""
    try:
        whole = float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):
        return float("inf")
    for file in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            whole = min(whole, float(Path(file).read_text()))
        except (OSError, ValueError):
            continue
    return whole


def _bytes(size: float) -> str:
    for unit, one in (("PB", 1e15), ("TB", 1e12), ("GB", 1e9)):
        if size >= one:
            return f"{size / one:,.3g} {unit}"
    return f"{size / 1e6:.0f} MB"


def _time(seconds: float) -> str:
    for unit, one in (("years", 3.156e7), ("days", 86_400.0), ("hours", 3600.0), ("minutes", 60.0)):
        if seconds >= 2 * one:
            return f"{seconds / one:,.2g} {unit}" if seconds < 1e3 * one else f"{seconds / one:,.0f} {unit}"
    return f"{seconds:.0f} seconds"
