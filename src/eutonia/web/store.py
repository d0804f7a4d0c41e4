"""What was asked and what came of it, in one SQLite file: a restart loses nothing.

A job is known by the digest of what it was asked for, so the same question has the same address, and is computed once.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from eutonia.errors import EutoniaError
from eutonia.web import limits

State = Literal["queued", "running", "done", "refused", "failed", "cancelled"]

_TABLES = """
create table if not exists jobs (
    id text primary key, kind text not null, request text not null, state text not null, stage text not null default '',
    share real not null default 0, told text not null default '', asked real not null, changed real not null
);
create table if not exists files (
    job text not null references jobs (id) on delete cascade, name text not null, media text not null,
    content blob not null, primary key (job, name)
);
create table if not exists own (name text primary key, content blob not null, kept real not null);
"""


@dataclass(frozen=True)
class Job:
    """One question: what was asked, how far it is, and what there is to tell."""

    id: str
    kind: str
    request: Mapping[str, Any]
    state: State
    stage: str
    share: float
    told: str

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state not in ("queued", "running")


@dataclass(frozen=True)
class ResultFile:
    """One file of a result: its name, the kind of its content, and its bytes."""

    name: str
    media: str
    content: bytes


def own_name(content: bytes, ending: str) -> str:
    """Return the name by which a study may name a file that came with a question."""
    return f"own_{hashlib.sha256(content).hexdigest()[:20]}{ending}"


class Store:
    """Jobs and their files; every call opens its own connection, so that any thread may ask.

    Raises
    ------
    EutoniaError
        The file cannot be made or opened, or is something else.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with self._open() as base:
                base.executescript(_TABLES)
        except (OSError, sqlite3.Error) as error:
            near = path / "web.sqlite" if path.is_dir() else path.with_name("web.sqlite")
            raise EutoniaError(
                f'--base "{path}" cannot be the store: {error}. Allowed: a store of this server, or a file that is not '
                f"there yet. Nearest: {near}. Give another file."
            ) from None

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        base = sqlite3.connect(self._path, timeout=30.0)
        try:
            base.execute("pragma journal_mode = wal")
            base.execute("pragma foreign_keys = on")
            with base:
                yield base
        finally:
            base.close()

    def ask(self, kind: str, request: Mapping[str, Any], version: str) -> Job:
        """Return the job that answers a request: an older one that did, or one that now waits.

        Raises
        ------
        EutoniaError
            As many jobs wait as may.
        """
        told = json.dumps(request, sort_keys=True)
        name = hashlib.sha256("\n".join((version, kind, told)).encode()).hexdigest()[:20]
        if (older := self.job(name)) is not None and older.state not in ("failed", "cancelled"):
            return older
        now = time.time()
        with self._open() as base:
            base.execute("begin immediate")
            known = base.execute("select state from jobs where id = ?", (name,)).fetchone()
            if known is None or known[0] in ("failed", "cancelled"):
                waiting = base.execute("select count(*) from jobs where state in ('queued', 'running')").fetchone()[0]
                if waiting >= limits.WAITING:
                    raise EutoniaError(
                        f"{waiting} jobs wait already. Allowed: {limits.WAITING} at a time. Nearest: in some minutes. "
                        "Ask again then, or cancel one of yours."
                    )
                base.execute(
                    "insert or replace into jobs (id, kind, request, state, asked, changed) values (?, ?, ?, 'queued', "
                    "?, ?)",
                    (name, kind, told, now, now),
                )
                self._forget(base)
        found = self.job(name)
        assert found is not None
        return found

    def _forget(self, base: sqlite3.Connection) -> None:
        """Let the oldest finished jobs go, beyond those that are kept."""
        base.execute(
            "delete from jobs where id in (select id from jobs where state not in ('queued', 'running') "
            "order by changed desc limit -1 offset ?)",
            (limits.KEPT,),
        )

    def job(self, name: str) -> Job | None:
        """Return a job by its id, or None."""
        columns = "id, kind, request, state, stage, share, told"
        with self._open() as base:
            row = base.execute(f"select {columns} from jobs where id = ?", (name,)).fetchone()
        return None if row is None else _job(row)

    def newest(self, most: int) -> list[Job]:
        """Return the jobs that were asked for last, newest first."""
        columns = "id, kind, request, state, stage, share, told"
        with self._open() as base:
            rows = base.execute(f"select {columns} from jobs order by asked desc limit ?", (most,)).fetchall()
        return [_job(row) for row in rows]

    def take(self) -> Job | None:
        """Return the job that has waited longest, now running; None where nothing waits."""
        with self._open() as base:
            base.execute("begin immediate")
            row = base.execute("select id from jobs where state = 'queued' order by asked, id limit 1").fetchone()
            if row is None:
                return None
            self._set(base, row[0], "running", "queued")
        return self.job(row[0])

    def again(self) -> int:
        """Let every job wait that ran when the last server ended, and return how many."""
        with self._open() as base:
            return base.execute("update jobs set state = 'queued', share = 0 where state = 'running'").rowcount

    def progress(self, name: str, stage: str, share: float) -> None:
        """Note how far a running job is."""
        with self._open() as base:
            base.execute(
                "update jobs set stage = ?, share = ? where id = ? and state = 'running'", (stage, share, name)
            )

    def finish(self, name: str, files: list[ResultFile]) -> None:
        """Keep the files of a job that is done, all or none."""
        with self._open() as base:
            if self._set(base, name, "done", "running"):
                base.executemany(
                    "insert or replace into files values (?, ?, ?, ?)",
                    [(name, one.name, one.media, one.content) for one in files],
                )

    def end(self, name: str, state: State, told: str) -> None:
        """Note that a running job came to nothing, and why."""
        with self._open() as base:
            if self._set(base, name, state, "running"):
                base.execute("update jobs set told = ? where id = ?", (told, name))

    def cancel(self, name: str) -> bool:
        """Let a job that waits or runs be cancelled; tell whether it was."""
        with self._open() as base:
            return self._set(base, name, "cancelled", "queued") or self._set(base, name, "cancelled", "running")

    def _set(self, base: sqlite3.Connection, name: str, state: State, before: State) -> bool:
        done = base.execute(
            "update jobs set state = ?, changed = ? where id = ? and state = ?", (state, time.time(), name, before)
        )
        return done.rowcount > 0

    def keep(self, content: bytes, ending: str) -> str:
        """Keep a file that came with a question, and return the name by which a study may name it."""
        name = own_name(content, ending)
        self.put(name, content)
        return name

    def put(self, name: str, content: bytes) -> None:
        """Keep a file under the name that `own_name` gives it; the oldest that no job names go."""
        with self._open() as base:
            base.execute("insert or replace into own values (?, ?, ?)", (name, content, time.time()))
            base.execute(
                "delete from own where name in (select name from own order by kept desc limit -1 offset ?) "
                "and not exists (select 1 from jobs where instr(request, own.name) > 0)",
                (limits.OWN_FILES,),
            )

    def own(self, names: Iterable[str]) -> dict[str, bytes]:
        """Return those files that are here out of the names of some."""
        with self._open() as base:
            rows = [
                base.execute("select name, content from own where name = ?", (name,)).fetchone() for name in set(names)
            ]
        return {row[0]: row[1] for row in rows if row is not None}

    def names(self, job: str) -> list[tuple[str, int]]:
        """Return name and size of each file of a job."""
        with self._open() as base:
            rows = base.execute("select name, length(content) from files where job = ? order by name", (job,))
            return [(str(name), int(size)) for name, size in rows]

    def file(self, job: str, name: str) -> ResultFile | None:
        """Return one file of a job, or None."""
        with self._open() as base:
            row = base.execute(
                "select name, media, content from files where job = ? and name = ?", (job, name)
            ).fetchone()
        return None if row is None else ResultFile(*row)


def _job(row: tuple[Any, ...]) -> Job:
    name, kind, request, state, stage, share, told = row
    return Job(name, kind, json.loads(request), state, stage, share, told)
