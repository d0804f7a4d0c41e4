"""The JSON API, version 1: the requests of the command line, with faults as problem details (RFC 9457)."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from eutonia._hours import HOURS_A_DAY
from eutonia.errors import DatasetError, EutoniaError, nearest
from eutonia.exchange.faults import TableFault
from eutonia.web import described, limits
from eutonia.web.asked import study_of
from eutonia.web.store import Job
from eutonia.web.temporary import own_folder
from eutonia.web.views import ask, file_answer, jobs_of

PREFIX = "/api/v1"
PROBLEM = "application/problem+json"
_FAULT = {
    "type": "object",
    "properties": {
        "key": {"type": "string"},
        "line": {"type": ["integer", "null"]},
        "given": {"type": "string"},
        "why": {"type": "string"},
        "allowed": {"type": "string"},
        "nearest": {"type": "array", "items": {"type": "string"}},
        "do": {"type": "string"},
    },
    "required": ["key", "why"],
}
_TOLD = {
    "type": "object",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "faults": {"type": "array", "items": _FAULT},
    },
    "required": ["type", "title", "status"],
}
_WHY = {
    400: "The body cannot be read.",
    401: "The token is missing.",
    403: "It comes from a page of somebody else.",
    404: "There is no such thing.",
    413: "It is too much at once.",
    421: "The server is not known by this name.",
    422: "It cannot be done as asked, with each fault in its parts.",
    500: "Eutonia itself failed.",
}
#: What every question may be answered beside its own answer: problem details (RFC 9457).
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"description": why, "content": {PROBLEM: {"schema": _TOLD}}} for status, why in _WHY.items()
}
router = APIRouter(prefix=PREFIX, responses=PROBLEMS)
# What is answered at once is computed in this process: one after the other.
_ONE_AT_A_TIME = threading.Lock()
_FAULTS_TOLD = 100  # of a table of many rows

StudyText = Annotated[str, Field(max_length=limits.TEXT, description="A study file, as text.")]


class RequestBody(BaseModel):
    """What is asked: nothing beside the fields that it has."""

    model_config = ConfigDict(extra="forbid")


class StudyAsked(RequestBody):
    """A study to be checked."""

    study: StudyText


class RunAsked(StudyAsked):
    """A study to be run."""

    replicates: int = Field(
        40, ge=1, le=limits.REPLICATES, strict=True, description="Replicate trials of a trial; refused of a case."
    )


class CompareAsked(RequestBody):
    """Cases of one person to be compared."""

    cases: list[StudyText] = Field(min_length=2, max_length=7, description="Case files, as text.")
    against: str | None = Field(None, max_length=200, description="Name of the case that the others are compared with.")


class ExposureAsked(RequestBody):
    """A dosing table to be computed."""

    events: str = Field(max_length=limits.TEXT, description="A .csv with NONMEM's columns, as text.")
    model: str | None = Field(None, max_length=200, description="A model by name; left out, tablets in an adult.")
    values: list[Annotated[str, Field(max_length=200)]] = Field(
        default_factory=list, max_length=50, description='Parameters with units, such as "CL=8 L/h".'
    )


class PumpAsked(RequestBody):
    """A pump program to be played."""

    program: str = Field(max_length=limits.TEXT, description="A pump program, as text.")


class FaultTold(BaseModel):
    """One fault: where, what was given, why not, what is allowed, what is nearest, what to do."""

    key: str
    line: int | None
    given: str
    why: str
    allowed: str
    nearest: list[str]
    do: str


class CheckTold(BaseModel):
    """Whether a study is valid; its kind and name, or every fault."""

    valid: bool
    told: str
    kind: str | None = None
    name: str | None = None
    faults: list[FaultTold] = []


class JobTold(BaseModel):
    """A job: where it is, how far it is, and its files once it is done."""

    id: str
    kind: str
    state: str
    stage: str
    share: float
    told: str
    self: str
    files: dict[str, str]


def problem(status: int, title: str, detail: str = "", **more: Any) -> JSONResponse:
    """Return a fault as problem details."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}
    return JSONResponse(body, status_code=status, media_type=PROBLEM)


def refused(request: Request, error: EutoniaError) -> JSONResponse:
    """Return what a user can mend, with each fault in its parts, the first ones of many."""
    said = described.in_fields(request)
    faults = [_fault(one, said) for one in faults_of(error)[:_FAULTS_TOLD]]
    return problem(422, "It cannot be done as asked.", said(str(error)), faults=faults)


def faults_of(error: EutoniaError) -> tuple[Any, ...]:
    """Return the single faults that an error lists."""
    return tuple(getattr(error, "faults", ()))


def _fault(one: Any, said: Callable[[str], str] = str) -> dict[str, Any]:
    """Return one fault in its parts: of a study or a recording, or of a cell of a table; others are one text."""
    found: dict[str, Any] = {"key": "", "line": None, "given": "", "why": "", "allowed": "", "nearest": [], "do": ""}
    if isinstance(one, TableFault):
        found |= {"key": one.column, "line": one.row, "given": one.value, "why": one.rule}
        found |= {"allowed": one.allowed, "do": one.do}
    elif hasattr(one, "key"):
        found |= {key: getattr(one, key) for key in found} | {"nearest": list(one.nearest)}
    else:
        found |= {"why": str(one)}
    return {key: said(text) if isinstance(text, str) else text for key, text in found.items()}


@router.post("/check", response_model=CheckTold)
def check(request: Request, asked: StudyAsked) -> CheckTold:
    """Say whether a study is valid, with every fault."""
    try:
        study = study_of(asked.study, "study", jobs_of(request).store)
    except EutoniaError as error:
        return CheckTold(valid=False, told=str(error), faults=[FaultTold(**_fault(one)) for one in faults_of(error)])
    return CheckTold(valid=True, told=f"{study.name}: valid {study.kind}.", kind=study.kind, name=study.name)


@router.post("/run", status_code=202, response_model=JobTold)
def run(request: Request, asked: RunAsked, response: Response) -> JobTold:
    """Run a trial or a case: a job, whose files are those of `eutonia run`."""
    from eutonia.study.for_trials import for_trials

    given = asked.replicates if "replicates" in asked.model_fields_set else None
    for_trials(study_of(asked.study, "study", jobs_of(request).store), replicates=given)
    return begun(request, response, "run", {"study": asked.study, "replicates": asked.replicates})


@router.post("/compare", status_code=202, response_model=JobTold)
def compare(request: Request, asked: CompareAsked, response: Response) -> JobTold:
    """Compare treatments of one person: a job, whose files are those of `eutonia compare`."""
    from eutonia.study.same_person import check_options

    check_options(
        [study_of(text, f"option {i}", jobs_of(request).store) for i, text in enumerate(asked.cases, start=1)],
        asked.against,
    )
    return begun(request, response, "compare", {"cases": asked.cases, "against": asked.against, "back": None})


def begun(request: Request, response: Response, kind: str, asked: Mapping[str, Any]) -> JobTold:
    """Return the job that answers, and where it is."""
    told = _job(request, ask(request, kind, asked))
    response.headers["location"] = told.self
    return told


def _job(request: Request, job: Job) -> JobTold:
    here = f"{PREFIX}/jobs/{job.id}"
    names = jobs_of(request).store.names(job.id)
    files = {name: f"{here}/files/{name}" for name, _ in names}
    own = {name: getattr(job, name) for name in JobTold.model_fields if name not in ("self", "files")}
    return JobTold(**own, self=here, files=files)


@router.get("/jobs/{name}", response_model=JobTold)
def job(request: Request, name: str) -> JobTold | JSONResponse:
    """Say how far a job is."""
    found = jobs_of(request).store.job(name)
    return _no("job", name) if found is None else _job(request, found)


@router.delete("/jobs/{name}", response_model=JobTold)
def cancel(request: Request, name: str) -> JobTold | JSONResponse:
    """Cancel a job that waits or runs."""
    jobs_of(request).store.cancel(name)
    return job(request, name)


@router.get("/jobs/{name}/files/{file}", response_class=Response)
def job_file(request: Request, name: str, file: str) -> Response:
    """Return one file of a job that is done."""
    found = jobs_of(request).store.file(name, file)
    if found is None:
        return _no("file", file, [one for one, _ in jobs_of(request).store.names(name)])
    return file_answer(found)


def _no(what: str, given: str, known: Sequence[str] = ()) -> JSONResponse:
    """Return that there is no such job, or no such file of one, with what there is."""
    allowed = ", ".join(known) or (
        "the id of a job that is kept" if what == "job" else "none: it has no files, or no more"
    )
    near = "".join(f" Nearest: {', '.join(found)}." for found in [nearest(given, known)] if found)
    detail = f'Given: "{given[:60]}". Allowed: {allowed}.{near} Old results are let go: ask again, and take its "self".'
    return problem(404, f"There is no such {what}.", detail)


@router.post("/exposure")
def exposure(asked: ExposureAsked) -> dict[str, Any]:
    """Compute levels at the observations of a dosing table, as `eutonia exposure` does."""
    from eutonia.api.exposure import expose

    rows = asked.events.count("\n")
    if rows > limits.ROWS:
        raise DatasetError(
            f"the table has {rows:,} rows. Allowed on a server: {limits.ROWS:,}. Nearest: {limits.ROWS:,}. Send fewer, "
            "or use the command eutonia exposure."
        )
    with own_folder() as folder:
        table = Path(folder) / "events.csv"
        table.write_text(asked.events, encoding="utf-8")
        try:
            with _ONE_AT_A_TIME:
                found = expose(table, asked.model, values=asked.values)
        except EutoniaError as error:
            raise _without(error, folder) from None
    frame = found.frame()
    return {"model": found.model.name, "told": list(found.told), "columns": frame.columns, "rows": _rows(frame)}


@router.post("/pump")
def pump(asked: PumpAsked) -> dict[str, Any]:
    """Play a pump program: what it delivers, the next dates, and every rule that it breaks."""
    from eutonia.api.pump import program
    from eutonia.report.files import plain
    from eutonia.study.pump_file import parse_therapy

    therapy = parse_therapy(asked.program, "program")
    if therapy.duration_h > HOURS_A_DAY * limits.PROGRAM_DAYS:
        raise EutoniaError(
            f"the program runs for {therapy.duration_h / HOURS_A_DAY:,.0f} days. Allowed on a server: "
            f"{limits.PROGRAM_DAYS:,.0f}. Nearest: a year. Shorten it."
        )
    with _ONE_AT_A_TIME:
        found = program(therapy)
    broken, dates = (
        plain([dataclasses.asdict(one) for one in part]) for part in (found.forecast.broken, found.forecast.dates)
    )
    frame = found.frame()
    return {"told": found.prose(), "dates": dates, "broken": broken, "columns": frame.columns, "rows": _rows(frame)}


@router.get("/parameters")
def parameters(set: str | None = None, status: str | None = None) -> dict[str, Any]:  # noqa: A002
    """Return every number of the science with its source, by set and status."""
    from eutonia.report import records

    return {"numbers": json.loads(records.parameter_text("json", set, status))}


@router.get("/schema")
def schema() -> dict[str, Any]:
    """Return the JSON Schema of study files."""
    from eutonia.study.design import json_schema

    return json_schema()


def _rows(frame: Any) -> list[dict[str, Any]]:
    """Return the rows of a table as JSON holds them: what is no number is null."""
    from eutonia.report.files import plain

    rows: list[dict[str, Any]] = plain(frame.to_dicts())
    return rows


def _without(error: EutoniaError, folder: str) -> EutoniaError:
    """Return an error that names no folder of this machine."""
    mended = type(error)(str(error).replace(f"{folder}/", "").replace(folder, ""))
    if hasattr(error, "faults"):
        mended.faults = error.faults  # type: ignore[attr-defined]
    return mended
