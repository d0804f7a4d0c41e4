"""Send spoiled files, texts and forms to the pages and the API for as long as you like, and see that nothing breaks.

    python tests/fuzz_uploads.py [--many 10000] [--seed 1] [--work 0]

Each is a mask, a recording, a study, a pump program, a dosing table or the fields of a form with bytes cut, doubled,
turned or put in; some masks unpack to far more than they claim. The answer must be a page or a refusal: no status of
500 or more, no traceback, no script that runs. The interpreter tells every file that is opened, removed or renamed,
every connection and every program: none but those of the program itself and of its own temporary folders. What the
process holds may grow by some hundred megabytes and no more. `--work` lets so many of the jobs that came of it be
computed, and none may fail by a fault of ours. Anything else stops the run and prints what was sent.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import gzip
import json
import logging
import os
import random
import resource
import sys
import tempfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fuzz_studies
import numpy as np
import platformdirs
from fastapi.testclient import TestClient
from mask_examples import ball, nifti

from eutonia.errors import EutoniaError
from eutonia.study import pump_file
from eutonia.web import app, asked, clinic, service, trial_form, worker
from eutonia.web.jobs import Jobs

Ask = Callable[[random.Random], tuple[str, dict[str, Any]]]

ROOT = Path(__file__).parents[1]
MASK = nifti(ball((-30, 0, 15), 12.0).astype(np.uint8))
TRACES = [one.read_bytes() for one in sorted((ROOT / "examples").glob("*_simulated.csv"))]
PROGRAMS = [one.read_bytes() for one in pump_file.shipped().values()]
TABLE = b"ID,TIME,EVID,AMT,CMT,RATE,ADDL,II,DV\n1,0,1,10,1,0,8,8,.\n1,20,0,.,2,.,.,.,.\n2,0,1,5,1,0,0,0,.\n"
HOSTILE = (
    "<script>alert(1)</script>", "'\"><svg onload=alert(1)>", "{{7*7}}", "../../etc/passwd", "\x00", "\ud800", "\u202e",
    "1e400", "nan", "-1", "9" * 300, "=cmd|' /C calc'!A0", "own_" + "0" * 20 + ".nii.gz", "%s%n", "\r\nset-cookie: a=b",
)  # fmt: skip
_API, _KIND, _GROWN_MB, _BOMB_MB = service.PREFIX, "application/octet-stream", 600, 600
# Where the program lies and what it runs on; its own temporary folders and compiled programs; what is told of the rest.
_READ = (str(ROOT), sys.prefix, sys.base_prefix, "/usr/", "/proc/", "/dev/", "/sys/", "/etc/localtime")
_OWN = (os.path.join(tempfile.gettempdir(), "eutonia-web-"), str(platformdirs.user_cache_path("eutonia")))
_REACHES = ("socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn")
_CHANGES = ("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.chmod", "os.truncate", "os.symlink", "os.link")


class NoJobs(Jobs):
    def start(self) -> None:
        """Begin nothing: what is computed is not what is tried here."""

    def stop(self) -> None:
        """End nothing."""


class Witness:
    """What the interpreter tells of files, connections and programs that are none of ours."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self._listens = False
        sys.addaudithook(self._hear)

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Listen in this block only."""
        self._listens = True
        try:
            yield
        finally:
            self._listens = False

    def _hear(self, event: str, given: tuple[Any, ...]) -> None:
        if not self._listens or event not in ("open", "os.listdir", "os.scandir", *_CHANGES, *_REACHES):
            return
        places: tuple[str, ...] = ()
        if event not in _REACHES:
            # A folder of ours that is emptied is named by its number.
            if not isinstance(given[0], str | bytes) or (event in ("os.remove", "os.rmdir") and given[1] >= 0):
                return
            path = os.path.abspath(os.fsdecode(given[0]))
            changes = event in _CHANGES or (event == "open" and given[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
            places = _OWN if changes else (*_OWN, *_READ)
            if path.startswith(places):
                return
        self.seen.append(f"{event} {given!r}"[:300])


def spoiled(content: bytes, luck: random.Random) -> bytes:
    """Return bytes of which some are gone, doubled, turned or new."""
    found = bytearray(content)
    for _ in range(luck.randint(0, 4)):
        at, many = luck.randrange(len(found) + 1), luck.choice((1, 1, 4, 60, 5000))
        match luck.randrange(5):
            case 0:
                del found[at : at + many]
            case 1:
                found[at:at] = found[at : at + many]
            case 2:
                found[at:at] = luck.randbytes(many)
            case 3:
                found[at : at + many] = bytes(many)
            case _:
                found[at:at] = luck.choice(HOSTILE).encode("utf-8", "surrogatepass")
    return bytes(found)


@functools.cache
def bombs() -> tuple[bytes, ...]:
    """Return small files that unpack to hundreds of megabytes: as they claim, far beyond, and a pack in a pack."""
    head = bytearray(gzip.decompress(MASK)[:352])
    claims = bytes(head)
    head[42:48] = (32767).to_bytes(2, "little") * 3
    packed = []
    for begin in (claims, bytes(head), b""):
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        parts = [packer.compress(begin), *(packer.compress(bytes(1_000_000)) for _ in range(_BOMB_MB)), packer.flush()]
        packed.append(b"".join(parts))
    return (*packed, gzip.compress(packed[0]), MASK + packed[2], MASK[:-8] + packed[2])


def _mask(luck: random.Random) -> bytes:
    if luck.randrange(12) == 0:
        return luck.choice(bombs())
    inner = spoiled(gzip.decompress(MASK)[: luck.choice((400, 900_000))], luck)
    return luck.choice((spoiled(MASK, luck), spoiled(MASK, luck), gzip.compress(inner, 1), inner, b""))


def _text(content: bytes, luck: random.Random) -> str:
    return spoiled(content, luck).decode(luck.choice(("utf-8", "latin-1")), "replace")


def _study(luck: random.Random) -> str:
    text = fuzz_studies.mutated(luck)
    return text if luck.randrange(3) else _text(text.encode(), luck)


def _fields(start: dict[str, str], luck: random.Random) -> dict[str, str]:
    fields = dict(start)
    for name in luck.sample(sorted(fields), luck.randint(0, min(3, len(fields)))):
        fields[name] = luck.choice(HOSTILE).encode("utf-8", "replace").decode()
    return fields


def _of_form(path: str, start: dict[str, str]) -> Ask:
    return lambda luck: (path, {"data": _fields(start, luck)})


def _clinic(path: str) -> Ask:
    def asked(luck: random.Random) -> tuple[str, dict[str, Any]]:
        name = luck.choice(HOSTILE[:9]).replace("\ud800", "x")
        return path, {"data": _fields(clinic.START, luck), "files": {"mask_file": (name, _mask(luck), _KIND)}}

    return asked


def _recordings(luck: random.Random) -> tuple[str, dict[str, Any]]:
    files = [("traces", ("x.csv", spoiled(luck.choice(TRACES), luck), _KIND)) for _ in range(luck.randint(0, 3))]
    return "/fit", {"data": _fields({"test": "pendulum", "joint": "knee", "weight": "70"}, luck), "files": files}


def _of_api(name: str, body: Callable[[random.Random], dict[str, Any]]) -> Ask:
    def asked(luck: random.Random) -> tuple[str, dict[str, Any]]:
        told = body(luck)
        if luck.randrange(8) == 0 and told:
            told[luck.choice(sorted(told))] = luck.choice((None, [], {}, -1, 1e308, luck.choice(HOSTILE), [[]] * 50))
        text = json.dumps(told) if luck.randrange(12) else _text(json.dumps(told).encode(), luck)
        return f"{_API}/{name}", {
            "content": text.encode("utf-8", "replace"),
            "headers": {"content-type": "application/json"},
        }

    return asked


def _traces(luck: random.Random) -> dict[str, Any]:
    traces = [
        {"name": luck.choice(HOSTILE), "table": _text(luck.choice(TRACES), luck)} for _ in range(luck.randint(1, 3))
    ]
    return {"traces": traces, "test": luck.choice(("pendulum", "ramp", "x")), "joint": "knee", "weight": "70 kg"}


ASKS: tuple[Ask, ...] = (
    lambda luck: (f"{_API}/files", {"content": _mask(luck)}),
    _clinic("/clinic"),
    _clinic("/clinic/faults"),
    _of_form("/trial", trial_form.START),
    _of_form("/trial/faults", trial_form.START),
    _of_form("/segment", {"bias": "1", "csf": "0", "protocol": "h-reflex"}),
    _recordings,
    lambda luck: ("/study", {"data": {"study": _study(luck), "do": luck.choice(("check", "run")), "replicates": "3"}}),
    _of_api("check", lambda luck: {"study": _study(luck)}),
    _of_api("run", lambda luck: {"study": _study(luck), "replicates": luck.choice((1, 200, 201, 0))}),
    _of_api("compare", lambda luck: {"cases": [_study(luck) for _ in range(luck.randint(1, 3))]}),
    _of_api(
        "examine", lambda luck: {"study": _study(luck), "test": "ashworth", "at": luck.choice(("day 90", *HOSTILE))}
    ),
    _of_api(
        "exposure", lambda luck: {"events": _text(TABLE, luck), "values": luck.choice(([], ["CL=8 L/h"], [*HOSTILE]))}
    ),
    _of_api("pump", lambda luck: {"program": _text(luck.choice(PROGRAMS), luck)}),
    _of_api("fit-stretch", _traces),
    _of_api("segment", lambda luck: {"bias": luck.choice(("1 mV", *HOSTILE)), "csf": "9 ng/mL", "cells": 400}),
)


def wrong(path: str, answer: Any) -> bool:
    """Tell whether an answer shows that something broke."""
    status, text = answer.status_code, answer.text
    found = (status >= 500 and "jobs wait already" not in text) or "Traceback" in text or "itself failed" in text
    if answer.headers.get("content-type", "").startswith("text/html"):
        found = found or "<script>alert" in text or "onload=alert(1)>" in text
    return found


def send(base: Path, many: int, seed: int, work: int = 0, *, watches: bool = True) -> Counter[tuple[str, int]]:
    """Send so many, and return how often each page gave each status.

    Raises
    ------
    AssertionError
        Something broke, or reached what is none of ours.
    """
    luck, found = random.Random(seed), Counter[tuple[str, int]]()
    witness = Witness() if watches else None  # it cannot be sent away again, and costs a little
    server = app.create_app(base)
    store, computed = server.state.jobs.store, 0
    with TestClient(
        server, base_url="http://localhost", follow_redirects=False, raise_server_exceptions=False
    ) as client:
        for number in range(many):
            path, sent = ASKS[number % len(ASKS)](luck)
            with contextlib.nullcontext() if witness is None else witness.watching():
                answer = client.post(path, **sent)
            found[path, answer.status_code] += 1
            assert not wrong(path, answer), (
                f"{path} answered {answer.status_code} to {sent!r:.2000}\n{answer.text[-2000:]}"
            )
            assert witness is None or not witness.seen, f"{path} reached {witness.seen} by {sent!r:.2000}"
            while (job := store.take()) is not None:
                if computed < work and job.kind != "story":
                    computed += 1
                    _compute(job.kind, job.request, store)
                store.end(job.id, "refused", "")
    return found


def _compute(kind: str, request: Any, store: Any) -> None:
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        try:
            worker.answered(kind, request, store.own(asked.own_names(asked.texts_of(request))))
        except EutoniaError:
            pass
        except Exception as error:
            raise AssertionError(f"a job of kind {kind} failed: {request!r}") from error


def main(many: int, seed: int, work: int) -> None:
    logging.disable(logging.WARNING)  # nibabel tells every spoiled header
    app.Jobs = NoJobs  # type: ignore[misc]
    bombs()
    with tempfile.TemporaryDirectory() as folder:
        send(Path(folder) / "first.sqlite", 160, seed, watches=False)  # what is imported and kept stays
        before, temporary = resident_mb(), set(Path(tempfile.gettempdir()).glob("eutonia-web-*"))
        found = send(Path(folder) / "web.sqlite", many, seed, work)
        left = {one.name.split("-")[0] for one in Path(folder).iterdir()} - {"first.sqlite", "web.sqlite"}
        left |= {str(one) for one in set(Path(tempfile.gettempdir()).glob("eutonia-web-*")) - temporary}
        after, most = resident_mb(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    told = ", ".join(f"{path} {status}: {count}" for (path, status), count in sorted(found.items()))
    sys.stdout.write(f"{many} sent; {told}\nmemory {before:.0f} MB before, {after:.0f} after, {most:.0f} at most\n")
    if left or (
        not work and most - before > _GROWN_MB
    ):  # what is computed compiles programs, elsewhere than the server
        raise SystemExit(f"left behind: {left}; memory grew by {most - before:.0f} MB")


def resident_mb() -> float:
    """Return how much memory the process holds."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--many", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--work", type=int, default=0)
    given = parser.parse_args()
    main(given.many, given.seed, given.work)
