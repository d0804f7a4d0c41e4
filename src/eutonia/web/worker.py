"""The process that computes: it takes one job after the other, tells how far it is, and can be ended at any time.

It stands in an empty folder of its own, and is given text only: no path of a request ever reaches a file.
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eutonia import session
from eutonia._progress import Progress, silent
from eutonia.errors import EutoniaError
from eutonia.web import limits
from eutonia.web.asked import affordable, beside
from eutonia.web.store import ResultFile

if TYPE_CHECKING:
    from eutonia.study.design import CaseStudy, TrialStudy

_MEDIA = {
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".csv": "text/csv; charset=utf-8",
    ".parquet": "application/vnd.apache.parquet",
    ".nc": "application/netcdf",
}
_OTHER = "application/octet-stream"
# Each word on how far a job is costs the server a millisecond or two, and nobody looks more often, s.
_BETWEEN_S = 0.2
# Whoever opens a page does not wait for what is computed meanwhile.
_BEHIND_PAGES = 5


def work(line: Connection, folder: str) -> None:
    """Take jobs from a line until it closes; answer each by progress and then files, a refusal or a failure.

    All files lie in `folder`, which the server removes with this process, and this process where the server is gone.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's to hear
    if hasattr(os, "nice"):
        os.nice(_BEHIND_PAGES)
    os.chdir(folder)
    tempfile.tempdir = folder
    try:
        while True:
            _answer(line, *line.recv())
    except (EOFError, BrokenPipeError, ConnectionResetError):
        shutil.rmtree(folder, ignore_errors=True)


def _answer(line: Connection, kind: str, request: Mapping[str, Any], own: Mapping[str, bytes]) -> None:
    told_at = -_BETWEEN_S

    def progress(stage: str, share: float) -> None:
        nonlocal told_at
        if (now := time.monotonic()) - told_at >= _BETWEEN_S:
            told_at = now
            line.send(("progress", stage, float(share)))

    try:
        files = answered(kind, request, own, progress)
        size = sum(len(one.content) for one in files)
        if size > limits.RESULT:
            raise EutoniaError(
                f"the result has {size:,} bytes. Allowed: {limits.RESULT:,}. Nearest: fewer replicate trials. Ask for "
                "less, or run it with the command eutonia run."
            )
        line.send(("done", files))
    except EutoniaError as error:
        line.send(("refused", str(error)))
    except (BrokenPipeError, ConnectionResetError):
        raise
    except Exception as error:
        first = next(iter(str(error).splitlines()), "")[:300]
        line.send(("failed", f"Eutonia itself failed: {type(error).__name__}: {first}"))


def answered(
    kind: str, request: Mapping[str, Any], own: Mapping[str, bytes], progress: Progress = silent
) -> list[ResultFile]:
    """Return the files that answer a request, and what the command line needs to do the same."""
    with beside(own, Path()):
        return [*_KINDS[kind](request, progress), *_brought(request, own)]


def _warm(request: Mapping[str, Any], progress: Progress) -> list[ResultFile]:
    """Compare what the clinic page begins with, and throw it away: the first reader need not wait for compilers."""
    from eutonia.web import clinic

    _compare({"cases": clinic.read(clinic.START).texts}, progress)
    return []


def _run(request: Mapping[str, Any], progress: Progress) -> list[ResultFile]:
    from eutonia.api import study as studies
    from eutonia.report import files

    study = _study(str(request["study"]), "study")
    replicates = None if study.kind == "case" else int(request["replicates"])
    result = studies.run(study, replicates=replicates, progress=progress)
    return _written(lambda folder: files.write(result, folder))


def _compare(request: Mapping[str, Any], progress: Progress) -> list[ResultFile]:
    from eutonia.api import options
    from eutonia.report.case import options as page

    cases = [_study(str(text), f"option {place}") for place, text in enumerate(request["cases"], start=1)]
    found = options.compare_options(cases, against=request.get("against"), progress=progress)
    return _written(lambda folder: page.write(found, folder, back=request.get("back")))


def _examine(request: Mapping[str, Any], progress: Progress) -> list[ResultFile]:
    from eutonia.report.examination import files as page
    from eutonia.trial.examine_case import examine_case

    study = _study(str(request["study"]), "study")
    found = examine_case(study, str(request["test"]), request.get("at"), request.get("limb"), progress)
    return _written(lambda folder: page.write(found, folder))


def _fit(request: Mapping[str, Any], progress: Progress) -> list[ResultFile]:
    from eutonia.api.fit import fit

    traces = [Path(str(name)) for name in request["traces"]]  # of our own names, in the worker's own folder
    sizes = {name: request.get(name) or None for name in ("weight", "height", "shank_length")}
    found = fit(traces, request["test"], request["joint"], **sizes, seed=int(request["seed"]), progress=progress)
    return _written(found.write)


def _segment(request: Mapping[str, Any], progress: Progress) -> list[ResultFile]:
    from eutonia.api.segment import examine_segment

    asked = {key: request[key] for key in ("bias", "csf", "protocol", "cells", "seed")}
    return _written(examine_segment(**asked).write)


def _story(request: Mapping[str, Any], progress: Progress) -> list[ResultFile]:
    from eutonia.report.story import page as story

    session.begin()
    return [ResultFile("story.html", _MEDIA[".html"], story.html(home="/").encode())]


def _brought(request: Mapping[str, Any], own: Mapping[str, bytes]) -> Iterator[ResultFile]:
    """Yield what the command line needs to do the same: studies as text, and the files that they name."""
    for text in filter(None, [request.get("study"), *request.get("cases", ())]):
        name = tomllib.loads(text).get("study", {}).get("name", "study")
        yield ResultFile(f"{name}.toml", "application/toml", text.encode())
    for name, content in own.items():
        yield ResultFile(name, _OTHER, content)


def _study(text: str, name: str) -> TrialStudy | CaseStudy:
    from eutonia.study.design import parse_study

    study = parse_study(text, name)  # in the block of `beside`, so that it may name what came with it
    affordable(study, name)
    return study


def _written(write: Callable[[Path], object]) -> list[ResultFile]:
    """Let a result be written into a folder, and return its files."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "result"
        write(target)
        return [
            ResultFile(one.name, _MEDIA.get(one.suffix, _OTHER), one.read_bytes()) for one in sorted(target.iterdir())
        ]


_KINDS: Mapping[str, Callable[[Mapping[str, Any], Progress], list[ResultFile]]] = {
    "run": _run,
    "compare": _compare,
    "examine": _examine,
    "fit": _fit,
    "segment": _segment,
    "story": _story,
    "warm": _warm,
}
