"""The page of a trial as a form, with what is wrong with it while it is filled in."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, Request
from fastapi.responses import Response

from eutonia.web import limits, trial_form
from eutonia.web.forms import Form
from eutonia.web.study_page import shown
from eutonia.web.views import asked_for, page, told_faults, way_back

router = APIRouter(include_in_schema=False)


@router.get("/trial")
def form(request: Request) -> Response:
    """Return the form of a trial, as the address says it is filled in."""
    asked = {key: value[:200] for key, value in request.query_params.items() if key in trial_form.NAMES}
    return _page(asked or trial_form.START, {}, 200)


@router.post("/trial")
def run(request: Request, sent: Form) -> Response:
    """Run what the form asks for or show it as text; or say at each field what is wrong with it."""
    fields = sent.only(trial_form.NAMES)
    text, faults = trial_form.study_of(fields)
    if faults:
        return _page(fields, faults, 422)
    if sent.fields.get("do") == "text":
        return shown(text, fields["replicates"])
    asked = {"study": text, "replicates": int(fields["replicates"]), "back": way_back("/trial", fields)}
    return asked_for(request, "run", asked)


@router.post("/trial/faults")
def faults(sent: Form) -> Response:
    """Return the faults of the form as it stands, by field."""
    return told_faults(trial_form.study_of(sent.only(trial_form.NAMES))[1])


def _page(fields: Mapping[str, str], told: Mapping[str, list[str]], status: int) -> Response:
    return page(
        "trial_form.html.jinja",
        "/trial",
        status,
        fields=fields,
        faults=told,
        labels=trial_form.LABELS,
        choices=trial_form.CHOICES,
        arms=range(1, trial_form.ARMS + 1),
        most_replicates=limits.REPLICATES,
        most_people=limits.PEOPLE,
    )
