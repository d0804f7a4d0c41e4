"""A trial as pieces of work: one phase of one block of people, a pure function of the run, for any executor."""

from __future__ import annotations

import contextvars
import functools
import hashlib
import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import numpy as np

from eutonia import parameters, session
from eutonia.engine import identity
from eutonia.engine.execute import each
from eutonia.engine.store import FolderStore, Store, write_block
from eutonia.errors import SimulationError
from eutonia.study.design import TrialStudy
from eutonia.trial.allocation import allocate
from eutonia.trial.block_outcome import BlockOutcome
from eutonia.trial.conduct import play_block
from eutonia.trial.recruitment import Pool, member_of
from eutonia.trial.roll import Before, Roll
from eutonia.trial.stored import noted, packed

_JOB = "job"


@dataclass(frozen=True)
class BlockPhase:
    """One phase of one block of people, the first `n` of whom are real."""

    index: int
    number: int
    person: np.ndarray
    n: int
    before: Before

    @property
    def key(self) -> tuple[int, int]:
        """Where it is kept."""
        return self.index, self.number


@dataclass(frozen=True)
class TrialJob:
    """What every piece of a run shares, wherever it is done."""

    study: TrialStudy
    seed: int
    pool: Pool

    def do(self, piece: BlockPhase) -> BlockOutcome:
        """Take a block through a phase, and return what became of those who are real."""
        found = play_block(self.study, self.seed, self.pool, piece.index, piece.person, piece.before)
        return found.head(piece.n)


@dataclass(frozen=True)
class Sent:
    """A job as a worker in another process finds it: a file, its digest, and with what it has to be computed."""

    folder: Path
    digest: str
    facts: tuple[tuple[str, str], ...]
    given: tuple[tuple[str, str], ...]
    begun: str  # no other run's: a scheduler that knows what it did before would do it no more


Do = Callable[[BlockPhase], Future[None]]


@contextmanager
def workers_of(job: TrialJob, store: Store, executor: Executor | None, threads: int) -> Iterator[Do]:
    """Yield what hands a piece to a worker, which leaves what it found in the store.

    Raises
    ------
    SimulationError
        Workers in other processes, and no folder in which they could leave it.
    """
    if executor is None or isinstance(executor, ThreadPoolExecutor):
        with ExitStack() as stack:
            pool = executor or stack.enter_context(ThreadPoolExecutor(threads))
            # Each piece is done in a copy of this context, in which the numbers of the run hold.
            yield lambda piece: pool.submit(contextvars.copy_context().run, _here, job, store, piece)
    elif isinstance(store, FolderStore):
        sent = send(job, store.folder)
        yield lambda piece: executor.submit(there, sent, piece)
    else:
        raise SimulationError(
            "workers in other processes leave what they found in a folder, and none is given. Allowed: keep, the path "
            "of a folder. Nearest: threads, which need none. Give a folder, or no executor."
        )


def _here(job: TrialJob, store: Store, piece: BlockPhase) -> None:
    store.put(piece.key, *_done(job, piece))


def _done(job: TrialJob, piece: BlockPhase) -> tuple[dict[str, np.ndarray], dict[str, object]]:
    with parameters.recording() as used:
        found = job.do(piece)
    return packed(found, [(record.set, record.name) for record in used.records()])


def send(job: TrialJob, folder: Path) -> Sent:
    """Write a job for workers in other processes."""
    content = pickle.dumps(job)
    (folder / _JOB).write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    return Sent(
        folder.resolve(),
        digest,
        tuple(own_facts().items()),
        tuple(parameters.active().given.items()),
        begun=uuid4().hex,
    )


def there(sent: Sent, piece: BlockPhase) -> None:
    """Do a piece in another process; what was found is in the folder when this returns.

    Raises
    ------
    SimulationError
        The worker would give other bits.
    """
    job = received(sent)
    with parameters.using(dict(sent.given)):
        write_block(sent.folder, piece.key, *_done(job, piece))


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
def received(sent: Sent) -> TrialJob:
    """Return a job that was sent, once it is sure that this process computes as the one that sent it."""
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
    job: TrialJob = pickle.loads(content)
    return job


def through_phases(
    job: TrialJob,
    lots: Sequence[tuple[np.ndarray, int]],
    store: Store,
    do: Do,
    workers: int,
    when_done: Callable[[], None],
    first: int = 0,
) -> Roll:
    """Take all blocks through one phase after the other; what is kept already is not computed again.

    `first` is the number of the first block in the store, where others stand before it.
    Whoever is allocated in a phase takes the next place on a list, so everybody has to have come there first.
    """
    study, person = job.study, np.concatenate([block[:n] for block, n in lots])
    member = np.concatenate([member_of(job.pool, job.seed, block)[:n] for block, n in lots])
    places = [np.searchsorted(person, block) for block, _ in lots]
    roll = Roll(person, member)
    for index, phase in enumerate(study.phases):
        roll.entered[phase.name] = roll.enter(phase)
        replicate = person // study.population.n
        assigned = allocate(phase, index, job.seed, job.pool, person, member, replicate, roll.entered[phase.name])
        roll.assigned[phase.name] = assigned
        pieces = [
            BlockPhase(index, first + number, block, n, roll.before(phase, places[number]))
            for number, (block, n) in enumerate(lots)
            if not store.has((index, first + number))
        ]
        for _ in range(len(lots) - len(pieces)):
            when_done()
        for _ in each(do, pieces, workers):
            when_done()
        for number, (_, n) in enumerate(lots):
            roll.note(phase, places[number][:n], noted(store, (index, first + number), phase.name))
            for of, name in store.about((index, first + number))["used"]:
                _ = parameters.load(of)[name]
    return roll
