"""Verb on published results: every shipped trial and every paper's folder computed again, and judged."""

from __future__ import annotations

import datetime
import hashlib
import runpy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import eutonia
from eutonia import parameters, session
from eutonia._arguments import CALL, PATH, accepts, instance
from eutonia._bounds import count
from eutonia._progress import Progress, silent
from eutonia.api.study import run
from eutonia.errors import StudyError, unknown
from eutonia.report import targets
from eutonia.report.papers import baselines, criteria, judged, record, tables
from eutonia.report.papers.built import PaperTables
from eutonia.report.papers.judged import Judged
from eutonia.study.design import TrialStudy, load_study, shipped

_PACKAGE = Path(__file__).resolve().parents[1]
_NAMES = instance("a list of names of studies and of papers", '["meythaler_2001"]', list, tuple)


def shipped_folder(name: str) -> Path:
    """Return a folder that ships, in the package or beside it."""
    inside = _PACKAGE / name
    return inside if inside.is_dir() else _PACKAGE.parents[1] / name


def _trials() -> dict[str, TrialStudy]:
    """Return the shipped trials that have something published, by name."""
    every = {name: load_study(name) for name in shipped()}
    return {name: one for name, one in every.items() if isinstance(one, TrialStudy) and one.published}


@accepts(only=_NAMES, home=PATH.or_none(), progress=CALL)
def papers(
    only: Sequence[str] = (),
    *,
    replicates: int = 500,
    workers: int = 2,
    home: str | Path | None = None,
    progress: Progress = silent,
) -> PaperTables:
    """Compute every published result again, and judge each by its interval and by a clinical margin.

    Parameters
    ----------
    only : list of str
        Names of shipped studies and of folders of papers; all when left out.
    replicates, workers : int
        Replicate trials of each study; blocks at a time, which change nothing.
    home : str, Path or None
        Folder of papers, with criteria.toml and results.json; the one that ships when left out.
    progress : callable
        Called with a stage and the share of it that is done, 0 to 1.

    Returns
    -------
    PaperTables
        `frame()` has one row a number, `printed` is the page.

    Raises
    ------
    StudyError
        A name of neither a study with published results nor a paper.
    EutoniaError
        Criteria of a day to come, or younger than a result that they judge; a damaged record of the last build.

    Notes
    -----
    Nothing is fitted to these results. **Not for** treating anybody: research and teaching only.
    """
    count("replicates", replicates)
    count("workers", workers)
    folder = shipped_folder("papers") if home is None else Path(home)
    stated, before = criteria.read(folder / "criteria.toml"), record.read(folder / "results.json")
    record.refuse_future(stated, today := datetime.date.today())
    trials, singles = _chosen(only, folder)
    known = baselines.Rows.read(shipped_folder("calibration") / "calibration.csv", stated.baselines["calibration_mean"])
    session.begin()
    rows: list[Judged] = []
    sections, shown = [], []
    for done, (name, study) in enumerate(trials.items()):
        progress(name, done / len(trials))
        result = run(study, replicates=replicates, workers=workers)
        own = judged.of_trial(result, study, stated, known)
        rows += own
        sections.append(tables.section(result, own))
    for single in singles.values():
        compared, title = _single(single)
        own = judged.of_paper(single, compared, stated)
        rows += own
        shown.append(tables.paper(single, title, compared, own))
    progress("Papers", 1.0)
    return _joined(rows, [sections, shown], stated, before, replicates, today)


def _chosen(only: Sequence[str], folder: Path) -> tuple[dict[str, TrialStudy], dict[str, Path]]:
    """Return the trials and the papers' folders that are asked for, by name; all where none is."""
    trials, singles = _trials(), {file.parent.name: file.parent for file in sorted(folder.glob("*/targets.csv"))}
    for name in only:
        if name not in trials and name not in singles:
            raise StudyError(unknown("paper or study with published results", name, {*trials, *singles}))
    if not only:
        return trials, singles
    return {key: trials[key] for key in trials if key in only}, {key: singles[key] for key in singles if key in only}


def _single(folder: Path) -> tuple[tuple[targets.Comparison, ...], str]:
    """Return the numbers of a paper's folder beside its own, and the title of the folder."""
    script = runpy.run_path(str(folder / "reproduce.py"))
    title = script["__doc__"].splitlines()[0].removesuffix(".")
    return targets.compare(targets.read(folder / "targets.csv"), script["computed"]()), title


def _joined(
    rows: list[Judged],
    shown: Sequence[list[str]],
    stated: criteria.Criteria,
    before: Mapping[str, Any],
    replicates: int,
    today: datetime.date,
) -> PaperTables:
    """Return rows and tables with what they were made with, and what moved since the last build."""
    record.refuse_younger(rows, stated, before)
    sets = {name: _digest(name) for name in parameters.sets()}
    build = {
        "version": eutonia.__version__,
        "date": today.isoformat(),
        "replicates": replicates,
        "criteria": stated.sha256,
        "parameters": hashlib.sha256("".join(sets.values()).encode()).hexdigest(),
        "sets": sets,
    }
    moved = record.moved(rows, build, before)
    results = record.results(rows, stated, before, today)
    if results == before["results"] and {**build, "date": ""} == {**before["build"], "date": ""}:
        build, moved = before["build"], before["moved"]  # the same build again is not a new one
    sections, singles = shown
    printed = tables.HEAD + tables.opening(build, moved) + tables.verdicts(stated)
    printed += "".join(f"\n{one}\n" for one in sections)
    printed += f"\n{tables.papers(singles)}\n" if singles else ""
    return PaperTables(tuple(rows), tuple(moved), printed, {"build": build, "moved": list(moved), "results": results})


def _digest(name: str) -> str:
    """Return a short digest of the numbers of a set, as they are read: labels and notes may change."""
    told = "\n".join(f"{one.name} {one.numbers} {one.unit}" for one in parameters.load(name).records())
    return hashlib.sha256(told.encode()).hexdigest()[:16]
