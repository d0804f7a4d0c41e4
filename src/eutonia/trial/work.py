"""A trial as pieces of work: one phase of one block of people, a pure function of the run, for any executor."""

from __future__ import annotations

import contextvars
import functools
import hashlib
import pickle
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from uuid import uuid4

import numpy as np

from eutonia import parameters, session
from eutonia.engine import identity
from eutonia.engine.store import FolderStore, Store, write_block
from eutonia.errors import SimulationError
from eutonia.study.design import TrialStudy
from eutonia.trial import blocks
from eutonia.trial.allocation import allocate
from eutonia.trial.block_outcome import BlockOutcome
from eutonia.trial.conduct import play_block
from eutonia.trial.recruitment import Pool, Recruits, member_of
from eutonia.trial.roll import Before, Roll
from eutonia.trial.stored import noted, packed

_JOB = "job"


@dataclass(frozen=True)
class BlockPhase:
    """One phase of one block of people, who are those members of the pool; the first `n` of them are real."""

    index: int
    number: int
    person: np.ndarray
    member: np.ndarray
    n: int
    before: Before

    @property
    def key(self) -> tuple[int, int]:
        """Where it is kept."""
        return self.index, self.number


@dataclass(frozen=True)
class TrialJob:
    """What every piece of a run shares, wherever it is done; `everybody` goes through a phase, not only who enters."""

    study: TrialStudy
    pool: Pool
    everybody: bool = False

    def do(self, piece: BlockPhase) -> BlockOutcome:
        """Take a block through a phase, and return what became of those who are real."""
        return played(self.study, piece, self.recruits(piece))

    def recruits(self, piece: BlockPhase) -> Recruits:
        """Return the people of a piece."""
        return Recruits.of(self.pool, piece.person, piece.member)


def played(study: TrialStudy, piece: BlockPhase, recruits: Recruits) -> BlockOutcome:
    """Take the people of a piece through its phase, and return what became of those who are real."""
    return play_block(study, recruits, piece.index, piece.before).head(piece.n)


def rehearse(sent: bytes, width: int, bits: Literal[32, 64]) -> None:
    """Take stand-ins through the first phase of a trial, pickled: whoever does so has its programs loaded."""
    session.set_bits(bits)
    study: TrialStudy = pickle.loads(sent)
    there, recruits = np.ones(width, dtype=bool), Recruits.standing_in(study, width)
    before = Before(there, np.zeros(width, dtype=np.int64), None)
    played(study, BlockPhase(0, 0, recruits.person, recruits.member, width, before), recruits)


@dataclass(frozen=True)
class Sent:
    """What all pieces of a run share, as a worker in another process finds it: a file, its digest, and with what it has
    to be computed.
    """

    folder: Path
    digest: str
    facts: tuple[tuple[str, str], ...]
    begun: str  # no other run's: a scheduler that knows what it did before would do it no more


Do = Callable[[TrialJob, BlockPhase], Future[None]]


@contextmanager
def workers_of(study: TrialStudy, store: Store, executor: Executor | None, threads: int) -> Iterator[Do]:
    """Yield what hands a piece to a worker, which leaves what it found in the store; the numbers of the science that
    hold where it is called hold for the worker.

    Raises
    ------
    SimulationError
        Workers in other processes, and no folder in which they could leave it.
    """
    if executor is None or isinstance(executor, ThreadPoolExecutor):
        with ExitStack() as stack:
            pool = executor or stack.enter_context(ThreadPoolExecutor(threads))
            yield lambda job, piece: pool.submit(contextvars.copy_context().run, _here, job, store, piece)
    elif isinstance(store, FolderStore):
        sent = send(study, store.folder)
        yield lambda job, piece: executor.submit(
            there, sent, dict(parameters.active().given), piece, job.recruits(piece)
        )
    else:
        raise SimulationError(
            "workers in other processes leave what they found in a folder, and none is given. Allowed: keep, the path "
            "of a folder. Nearest: threads, which need none. Give a folder, or no executor."
        )


def _here(job: TrialJob, store: Store, piece: BlockPhase) -> None:
    store.put(piece.key, *_done(lambda: job.do(piece)))


def _done(do: Callable[[], BlockOutcome]) -> tuple[dict[str, np.ndarray], dict[str, object]]:
    with parameters.recording() as used:
        found = do()
    return packed(found, [(record.set, record.name) for record in used.records()])


def send(study: TrialStudy, folder: Path) -> Sent:
    """Write what all pieces share for workers in other processes."""
    content = pickle.dumps(study)
    (folder / _JOB).write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    return Sent(folder.resolve(), digest, tuple(own_facts().items()), begun=uuid4().hex)


def there(sent: Sent, numbers: Mapping[str, str], piece: BlockPhase, recruits: Recruits) -> None:
    """Do a piece in another process under some overrides; what was found is in the folder when this returns.

    Raises
    ------
    SimulationError
        The worker would give other bits.
    """
    study = received(sent)
    with parameters.using(numbers):
        write_block(sent.folder, piece.key, *_done(lambda: played(study, piece, recruits)))


def alike(facts: Mapping[str, str], who: str) -> None:
    """Refuse this process, by its name, if it would give other bits than one that computes with `facts`.

    Raises
    ------
    SimulationError
        It would.
    """
    session.set_bits(32 if facts["precision"].startswith("32") else 64)
    identity.same(facts, identity.facts(parameters.digests()), who)


def own_facts() -> dict[str, str]:
    """Return what this process computes with."""
    return identity.facts(parameters.digests())


@functools.lru_cache(maxsize=1)
def received(sent: Sent) -> TrialStudy:
    """Return the study that was sent, once it is sure that this process computes as the one that sent it."""
    alike(dict(sent.facts), "a worker")
    try:
        content = (sent.folder / _JOB).read_bytes()
    except OSError as trouble:
        raise SimulationError(
            f'a worker cannot read "{sent.folder}" ({trouble.strerror or trouble}). Allowed: a folder that all '
            "machines share under one name. Nearest: workers of this machine. Choose such a folder with --out."
        ) from None
    if hashlib.sha256(content).hexdigest() != sent.digest:
        raise SimulationError(
            f'the run in "{sent.folder}" is no longer the one that this worker was asked for. Allowed: one run a '
            "folder. Begin it anew."
        )
    study: TrialStudy = pickle.loads(content)
    return study


def through_phases(
    job: TrialJob,
    lots: Sequence[tuple[np.ndarray, int]],
    store: Store,
    do: Do,
    when_kept: Callable[[], None],
    first: int = 0,
) -> Generator[list[Callable[[], Future[None]]], None, Roll]:
    """Yield for one phase after the other what hands its blocks to workers, and return what became of everybody; when
    the next phase is asked for, the blocks of the last are in the store.

    What is kept already is not computed again, but told by `when_kept`, as is a block that a phase with fewer people
    does not need; `first` is the number of the first block in the
    store, where others stand before it.
    Only who enters a phase is taken through it, unless everybody is to be.
    Whoever is allocated in a phase takes the next place on a list, so everybody has to have come there first.
    """
    study, person, width = job.study, np.concatenate([block[:n] for block, n in lots]), len(lots[0][0])
    member = np.concatenate([member_of(job.pool, study.seed, block)[:n] for block, n in lots])
    roll = Roll(person, member, job.pool.eligible[member])
    for index, phase in enumerate(study.phases):
        roll.entered[phase.name] = roll.enter(phase)
        replicate = person // study.population.n
        assigned = allocate(phase, index, study.seed, job.pool, person, member, replicate, roll.entered[phase.name])
        roll.assigned[phase.name] = assigned
        there = np.flatnonzero(roll.entered[phase.name] | job.everybody)
        # Of a phase that nobody enters a block is played all the same: it tells what would have been charted.
        places = dict(enumerate(blocks.split(there if there.size else np.arange(len(person))[:width], width), first))
        roll.lots.append([(number, person[block[:n]]) for number, (block, n) in places.items()])
        pieces = [
            BlockPhase(index, number, person[block], member[block], n, roll.before(phase, block))
            for number, (block, n) in places.items()
            if not store.has((index, number))
        ]
        for _ in range(len(lots) - len(pieces)):
            when_kept()
        yield [functools.partial(do, job, piece) for piece in pieces]
        for number, (block, n) in places.items():
            roll.note(phase, block[:n], noted(store, (index, number), phase.name))
            for of, name in store.about((index, number))["used"]:
                _ = parameters.load(of)[name]
    return roll
