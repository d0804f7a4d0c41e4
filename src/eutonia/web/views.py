"""Pages: each has an address, is made on the server, and works without scripts."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from importlib import resources
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

import eutonia
from eutonia.errors import EutoniaError
from eutonia.web.jobs import Jobs
from eutonia.web.store import Job, ResultFile

router = APIRouter(include_in_schema=False)

_SITE = (
    ("/", "Start"), ("/story", "Story"), ("/clinic", "Clinic"), ("/trial", "Trial"), ("/study", "Study"),
    ("/segment", "Segment"), ("/fit", "Recording"), ("/api", "For programs"),
)  # fmt: skip
_NAMES = {
    "run": "A study", "compare": "Options of one person", "story": "The story", "examine": "An examination",
    "fit": "A recording", "segment": "A spinal segment",
}  # fmt: skip
#: The page of each kind of result.
_PAGES = {"segment": "segment.html"}
_STATES = {
    "queued": "waits", "running": "runs", "done": "done", "refused": "cannot be computed", "failed": "failed",
    "cancelled": "cancelled",
}  # fmt: skip
_SCRIPTS = ("form.js", "study.js", "slider.js")
# The page of a text that is too long for an address: a browser that goes back to it shows it as it was left, which it
# does of no page that it may not keep. It keeps it for this reader alone, and asks again wherever it does not go back.
_KEPT, _KEEPS = ("/study",), {"cache-control": "private, no-cache"}
_SHOWN_JOBS = 8
_POLICY = re.compile(r'http-equiv="Content-Security-Policy" content="([^"]*)"')


def jobs_of(request: Request) -> Jobs:
    """Return the jobs of the server that was asked."""
    found: Jobs = request.app.state.jobs
    return found


def ask(request: Request, kind: str, asked: Mapping[str, Any]) -> Job:
    """Return the job that answers, which begins as soon as it can."""
    jobs = jobs_of(request)
    job = jobs.store.ask(kind, asked, eutonia.__version__)
    jobs.wake()
    return job


def page(template: str, here: str, status: int = 200, **more: Any) -> HTMLResponse:
    """Return one of the pages, filled in; every text in it stays text."""
    from eutonia.report import page as pages
    from eutonia.report import words
    from eutonia.report.drawing import svg

    shared = {
        "site": _SITE, "here": here, "palette": svg.PALETTE, "disclaimer": words.DISCLAIMER, "names": _NAMES,
        "states": _STATES, "version": eutonia.__version__, "reload": False,
    }  # fmt: skip
    made = pages.render(template, shared | more, homes=("eutonia.web", "eutonia.report"))
    return HTMLResponse(made, status_code=status, headers=_KEEPS if here in _KEPT else None)


def told(what: str, words: str, status: int) -> HTMLResponse:
    """Return a page that says one thing."""
    return page("told.html.jinja", "", status, what=what, told=words)


@router.get("/")
def home(request: Request) -> Response:
    """Return the first page: where to go, and what was asked lately."""
    newest = [job for job in jobs_of(request).store.newest(_SHOWN_JOBS + 1) if job.kind != "story"]
    return page("home.html.jinja", "/", jobs=newest[:_SHOWN_JOBS])


@router.get("/story")
def story(request: Request) -> Response:
    """Return the story, which is made once and kept."""
    job = ask(request, "story", {})
    found = jobs_of(request).store.file(job.id, "story.html")
    return _state(request, job, back="/") if found is None else file_answer(found)


def too_many(error: EutoniaError) -> Response:
    """Return a page that says that it is too much at once."""
    return told("Too many at once", str(error), 503)


def asked_for(request: Request, kind: str, asked: Mapping[str, Any]) -> Response:
    """Return the way to the answer of a question."""
    try:
        job = ask(request, kind, asked)
    except EutoniaError as error:
        return too_many(error)
    return RedirectResponse(f"/results/{job.id}", status_code=303)


@router.get("/results/{name}")
def result(request: Request, name: str) -> Response:
    """Return how far a job is, or the way to its result."""
    job = jobs_of(request).store.job(name)
    if job is None:
        return told("There is no such result", "It was let go, or the address is wrong. Ask again.", 404)
    if job.kind == "story":
        return RedirectResponse("/story", status_code=303)
    return _state(
        request, job, back=job.request.get("back") or (f"/study?from={job.id}" if job.kind == "run" else "/api")
    )


def way_back(path: str, fields: Mapping[str, str]) -> str:
    """Return the address of a form as it was filled in."""
    return f"{path}?{urlencode({key: value for key, value in fields.items() if value})}"


def told_faults(faults: Mapping[str, list[str]]) -> Response:
    """Return the faults of a form by field, as people in clinics read them."""
    from eutonia.report.words import clinic

    return JSONResponse({name: [clinic(one) for one in told] for name, told in faults.items()})


def _state(request: Request, job: Job, back: str) -> Response:
    return page(
        "result.html.jinja",
        "",
        job=job,
        back=back,
        report=_PAGES.get(job.kind, "report.html"),
        reload=not job.is_over,
        files=jobs_of(request).store.names(job.id),
    )


@router.post("/results/{name}/cancel")
def cancel(request: Request, name: str) -> Response:
    """End a job, and return to its page."""
    jobs_of(request).store.cancel(name)
    return RedirectResponse(f"/results/{name}" if name.isalnum() else "/", status_code=303)


@router.get("/results/{name}/{file}")
def result_file(request: Request, name: str, file: str) -> Response:
    """Return one file of a result."""
    found = jobs_of(request).store.file(name, file)
    return (
        told("There is no such file", "It was let go, or the address is wrong.", 404)
        if found is None
        else file_answer(found)
    )


def file_answer(found: ResultFile) -> Response:
    """Return a file; a page brings its own policy, which is no looser than that of the server."""
    headers = {}
    if found.media.startswith("text/html"):
        own = _POLICY.search(found.content[:4000].decode("utf-8", errors="replace"))
        policy = html.unescape(own[1]) if own is not None else "default-src 'none'"
        headers["content-security-policy"] = f"{policy}; frame-ancestors 'none'"
    else:
        headers["content-disposition"] = f'attachment; filename="{found.name}"'
    return Response(found.content, media_type=found.media, headers=headers)


@router.get("/api")
def api(request: Request) -> Response:
    """Return what programs may ask."""
    return page("api.html.jinja", "/api", routes=_told_routes(request.app))


def _told_routes(app: FastAPI) -> list[tuple[str, str, str]]:
    """Return method, path and meaning of every question, from the API's own description."""
    paths = app.openapi()["paths"]
    return [
        (
            method.upper(),
            path,
            str(one.get("description") or one.get("summary", "")).partition("\n")[0].replace("`", ""),
        )
        for path, methods in paths.items()
        for method, one in methods.items()
    ]


@router.get("/static/{name}")
def static(name: str) -> Response:
    """Return one of our own scripts."""
    if name not in _SCRIPTS:
        return told("There is no such file", "The address is wrong.", 404)
    content = resources.files("eutonia.web").joinpath("templates", name).read_bytes()
    return Response(content, media_type="text/javascript; charset=utf-8")
