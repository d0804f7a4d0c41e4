"""The clinic page: its form, what is wrong with it while it is filled in, and the way to the comparison."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, Request
from fastapi.responses import Response

from eutonia.errors import StudyError
from eutonia.web import clinic
from eutonia.web.clinic_fields import CHOICES, LABELS, NAMES, OPTIONS, START, Clinic
from eutonia.web.forms import Form, FormSent
from eutonia.web.views import asked_for, jobs_of, page, told_faults, way_back

router = APIRouter(include_in_schema=False)


@router.get("/clinic")
def form(request: Request) -> Response:
    """Return the form of the clinic, as the address says it is filled in."""
    asked = {key: value for key, value in request.query_params.items() if key in NAMES}
    return _page(asked or START, {}, 200)


@router.post("/clinic")
def compare(request: Request, sent: Form) -> Response:
    """Compare what the form asks for, or say at each field what is wrong with it."""
    fields, found = _read(request, sent)
    for name, content in found.own.items():
        if not found.faults or name == fields["mask"]:  # which no page can choose again for a person
            jobs_of(request).store.put(name, content)
    if found.faults:
        return _page(fields, found.faults, 422)
    asked = {"cases": found.texts, "against": None, "back": way_back("/clinic", fields)}
    return asked_for(request, "compare", asked)


@router.post("/clinic/faults")
def faults(request: Request, sent: Form) -> Response:
    """Return the faults of the form as it stands, by field."""
    return told_faults(_read(request, sent)[1].faults)


def _read(request: Request, sent: FormSent) -> tuple[dict[str, str], Clinic]:
    """Return the fields, with the name of a mask that came with them, and what they ask for; nothing is kept."""
    store, fields, wrong = jobs_of(request).store, sent.only(NAMES), ""
    own: dict[str, bytes] = {}
    if sent.fields.get("no_mask"):
        fields["mask"] = ""
    elif sent.files:
        try:
            fields["mask"] = clinic.mask_name(sent.files[0][1])
            own[fields["mask"]] = sent.files[0][1]
        except StudyError as error:
            fields["mask"], wrong = "", str(error)
    elif fields["mask"] and not store.own([fields["mask"]]):
        fields["mask"], wrong = "", "It is not kept any more. Allowed: a file. Choose the file again, or none."
    found = clinic.read(fields, store, own)
    if wrong:
        found.refuse("mask", wrong)
    return fields, found


def _page(fields: Mapping[str, str], told: Mapping[str, list[str]], status: int) -> Response:
    return page(
        "clinic.html.jinja",
        "/clinic",
        status,
        fields=fields,
        faults=told,
        labels=LABELS,
        choices=CHOICES,
        places=range(1, OPTIONS + 1),
    )
