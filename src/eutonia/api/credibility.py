"""Verb on credibility: how far a run may be believed, from records, tests and published results."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import eutonia
from eutonia import parameters, session
from eutonia._arguments import CALL, PATH, TEXT, accepts
from eutonia._bounds import count
from eutonia._hours import HOURS_A_MONTH
from eutonia._progress import Progress, silent
from eutonia.api.papers import shipped_folder
from eutonia.api.study import replicates_of, run
from eutonia.assessment.scales import SCALES
from eutonia.errors import EutoniaError
from eutonia.parameters import influence as influences
from eutonia.report.credibility import assessment, evidence, files, tests_of
from eutonia.report.credibility.evidence import AskedRun, Evidence
from eutonia.report.credibility.files import CredibilityFile
from eutonia.report.papers import criteria, record
from eutonia.study.design import CaseStudy, TrialStudy, load_study, parse_study
from eutonia.trial.caveats import caveats

if TYPE_CHECKING:
    import polars

#: Replicate trials that a study is run with where no run of it is given: enough to see who takes part.
USUAL_REPLICATES = 10
_UNITS = {"ug/day": ("intrathecal", "ug/d"), "mg/day": ("oral", "mg/d")}
_COLUMNS = ("age_year", "weight_kg", "creatinine_clearance_ml_per_min", "months_since_onset")


@accepts(of=PATH.or_none(), influence=TEXT, consequence=TEXT, progress=CALL)
def credibility(
    of: str | Path | None = None,
    *,
    influence: str = "low",
    consequence: str = "low",
    replicates: int | None = None,
    progress: Progress = silent,
) -> CredibilityFile:
    """Return what there is to believe a run by: risk, evidence, who lies outside it, and what is missing.

    Parameters
    ----------
    of : str, Path or None
        A study that ships or a study file, which is run small; the folder of a run; or None for the program as a whole.
    influence, consequence : str
        How far a decision rests on the model, and what a wrong one would do: "low", "medium" or "high". Only whoever
        asks can say; the risk follows from both.
    replicates : int or None
        Replicate trials with which a trial is run; 10 when left out.
    progress : callable
        Called with a stage and the share of it that is done, 0 to 1.

    Returns
    -------
    CredibilityFile
        `data` is the whole file, `frame()` its tables.

    Raises
    ------
    StudyError
        No such study, or a level that is none.
    EutoniaError
        A folder that is no run.

    Notes
    -----
    Tables of ICH M15, ASME V&V 40 and the FDA's guidance of 2023. What is found says that something was looked at, not
    that it is enough. **Not for** treating anybody: research and teaching only.
    """
    assessment.risk(influence, consequence)
    asked = _asked(of, replicates, progress)
    papers = shipped_folder("papers")
    calibration = shipped_folder("calibration")
    kept = record.read(papers / "results.json")
    kind = influences.kind_of(asked.kind, str(asked.run.get("study_text", ""))) if asked.run else ""
    found = Evidence(
        asked=asked,
        records=evidence.records_of(asked.run),
        tests=tests_of.found(shipped_folder("tests")),
        papers=kept,
        criteria=criteria.read(papers / "criteria.toml"),
        calibration=evidence.rows_of(calibration / "calibration.csv"),
        influential=influences.most(asked.study, kind) if asked.run else ("", ()),
    )
    return files.made(found, influence, consequence, _versions(of, asked, kept))


def _asked(of: str | Path | None, replicates: int | None, progress: Progress) -> AskedRun:
    """Return the run that is asked about: read from its folder, or run small."""
    if replicates is not None:
        count("replicates", replicates)
    folder = Path(of or "")
    if replicates is not None and (of is None or folder.is_dir()):
        raise EutoniaError(
            f"replicates is {replicates}, and nothing is run. Allowed: beside a trial, which is run so often. Nearest: "
            "parallel_tablets. Name a trial, or leave replicates out."
        )
    if of is None:
        return AskedRun()
    if (folder / "run.json").is_file():
        return _of_folder(folder)
    if folder.is_dir():
        raise EutoniaError(
            f'"{of}" holds no run.json. Allowed: a study, or a folder that `eutonia run` has written. Nearest: '
            f"results/{folder.name}. Name one of them."
        )
    study = load_study(str(of))
    replicates = replicates_of(study, replicates, USUAL_REPLICATES)
    result = run(study, replicates=replicates, progress=progress)
    people = {} if result.patients is None else _known(result.patients)
    rows = [(one.scale, one.visit, one.arm) for one in result.quantities]
    return _asked_of(study, people, result.doses.to_dicts(), rows, dict(result.run))


def _of_folder(folder: Path) -> AskedRun:
    try:
        told = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
        rows = [(one["scale"], one["visit"], one["arm"]) for one in summary["quantities"]]
        study, doses = parse_study(told["study_text"]), summary["doses"]
    except (OSError, ValueError, KeyError, TypeError) as trouble:
        raise EutoniaError(
            f'"{folder}" is no whole run ({type(trouble).__name__}: {trouble!s:.80}). Allowed: a folder of '
            "`eutonia run`, as it was written. Nearest: results/NAME. Run the study again."
        ) from None
    people: dict[str, list[float]] = {}
    if (folder / "patients.parquet").is_file():
        import polars as pl

        people = _known(pl.read_parquet(folder / "patients.parquet"))
    return _asked_of(study, people, doses, rows, told)


def _asked_of(
    study: TrialStudy | CaseStudy,
    people: Mapping[str, Sequence[float]],
    doses: Sequence[Mapping[str, Any]],
    rows: Sequence[tuple[str, str, str]],
    told: Mapping[str, Any],
) -> AskedRun:
    scales = tuple(dict.fromkeys(SCALES[scale].label for scale, _, _ in rows if scale in SCALES))
    visits = tuple(dict.fromkeys(visit for _, visit, _ in rows if visit))
    trials = told.get("replicates")
    intervals = f"Intervals are over {trials} replicate trials" if trials else "Intervals are over possible people"
    given = [
        (*_UNITS[unit], [float(row["mean"]) for row in doses if row["unit"] == unit and (row["mean"] or 0.0) > 0.0])
        for unit in _UNITS
    ]
    boluses = _boluses(study)
    return AskedRun(
        study=study.name,
        title=study.title,
        kind=study.kind,
        origin=study.lesion.kind if isinstance(study, CaseStudy) else study.population.origin,
        question=study.head.note or study.title,
        scales=scales,
        visits=visits if len(visits) <= _FEW else (visits[0], f"{len(visits) - 2} more", visits[-1]),
        arms=tuple(dict.fromkeys(arm for _, _, arm in rows if arm)),
        people=_person(study) | dict(people),
        doses=[*((("intrathecal", "ug", boluses),) if boluses else ()), *(one for one in given if one[2])],
        intervals=intervals,
        run=told,
        caveats=caveats(study),
    )


_FEW = 6


def _boluses(study: TrialStudy | CaseStudy) -> list[float]:
    """Return the boluses of a trial, ug."""
    arms = () if isinstance(study, CaseStudy) else study.arms
    found = (getattr(one, "dose_ug", None) for arm in arms for one in arm.treatments)
    return [float(one) for one in found if one is not None]


def _known(table: polars.DataFrame) -> dict[str, list[float]]:
    """Return what a table of people holds of what is checked; that of a case holds what differs between them alone."""
    return {name: table[name].to_list() for name in _COLUMNS if name in table.columns}


def _person(study: TrialStudy | CaseStudy) -> dict[str, Sequence[float]]:
    """Return the one person of a case."""
    if not isinstance(study, CaseStudy):
        return {}
    one = study.patient
    months = study.case.duration_h / HOURS_A_MONTH
    known = (one.age_year, one.weight_kg, one.creatinine_clearance_ml_per_min, months)
    return {name: [float(value)] for name, value in zip(_COLUMNS, known, strict=True)}


def _versions(of: str | Path | None, asked: AskedRun, kept: Mapping[str, Any]) -> dict[str, Any]:
    own = {key: asked.run[key] for key in ("seed", "study_digest", "version") if key in asked.run}
    build = kept["build"]
    return {
        "Eutonia": eutonia.__version__,
        **{f"run: {key.replace('_', ' ')}": value for key, value in own.items()},
        "parameter sets": len(parameters.sets()),
        "published results": f"built {build.get('date')} by {build.get('version')}, {build.get('replicates')} trials",
        "criteria": str(build.get("criteria", ""))[:16],
        **{key.replace("_", " "): value for key, value in session.facts().items()},
        "command": "eutonia credibility" + (f" {of}" if of is not None else ""),
    }
