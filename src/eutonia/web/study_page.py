"""The page of a study as text: one that ships or of a job, checked and run."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from eutonia.errors import StudyError
from eutonia.web import asked, limits
from eutonia.web.forms import Form
from eutonia.web.views import asked_for, jobs_of, page

router = APIRouter(include_in_schema=False)
_BEGIN = "parallel_tablets"


@router.get("/study")
def study_form(request: Request) -> Response:
    """Return a study as text: one that ships, or that of a job."""
    from eutonia.study.design import shipped

    known = shipped()
    job = jobs_of(request).store.job(request.query_params.get("from", ""))
    if job is not None and job.kind == "run":
        return shown(str(job.request["study"]), str(job.request["replicates"]))
    like = request.query_params.get("like", _BEGIN)
    like = like if like in known else _BEGIN
    return shown(known[like].read_text(encoding="utf-8"), "40", like=like)


@router.post("/study")
def study_asked(request: Request, sent: Form) -> Response:
    """Check a study, or run it where it may be run."""
    given = sent.fields
    text = given.get("study", "").replace("\r\n", "\n")
    replicates = given.get("replicates", "")[:20]
    try:
        study = asked.study_of(text, "study", jobs_of(request).store)
    except StudyError as error:
        return shown(text, replicates, 422, told=str(error))
    try:
        count = asked.replicates_of(replicates)
    except StudyError as error:
        return shown(text, replicates, 422, wrong_replicates=str(error))
    if given.get("do") == "check":
        return shown(text, replicates, valid=f"{study.name}: valid {study.kind}.")
    return asked_for(request, "run", {"study": text, "replicates": count})


def shown(
    text: str, replicates: str, status: int = 200, *, like: str = "", told: str = "", valid: str = "",
    wrong_replicates: str = "",
) -> Response:  # fmt: skip
    """Return the page of a study as text, with what is to be told of it."""
    from eutonia.study.design import shipped

    return page(
        "study.html.jinja", "/study", status, text=text, replicates=replicates, like=like, told=told, valid=valid,
        wrong_replicates=wrong_replicates, shipped=list(shipped()), most=limits.TEXT,
        most_replicates=limits.REPLICATES,
    )  # fmt: skip
