"""Pages of the laboratory: a spinal segment with two sliders, and the fit of a recording."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from eutonia.errors import EutoniaError
from eutonia.web.clinic_fields import with_unit
from eutonia.web.forms import Form
from eutonia.web.laboratory import SegmentAsked, check_fit, check_segment, check_traces, keep_traces
from eutonia.web.views import ask, asked_for, jobs_of, page, too_many, way_back

router = APIRouter(include_in_schema=False)

_SEGMENT = {"bias": "3", "csf": "0", "protocol": "h-reflex"}
#: Ends and steps of the sliders; the levels are those of a pump and a test dose.
SLIDERS = {"bias": (0.0, 5.0, 0.25, "mV"), "csf": (0.0, 600.0, 25.0, "ng/mL")}
_SEGMENT_LABELS = {
    "bias": "What the brain no longer damps: descending bias, mV",
    "csf": "Baclofen in the spinal fluid, ng/mL",
    "protocol": "What is done",
}
_PROTOCOLS = {
    "h-reflex": "H reflex: a shock to the nerve",
    "recruitment": "recruitment: shocks of rising strength",
    "depression": "depression: the same shock again",
    "inhibition": "inhibition by the opposing muscle",
    "f-wave": "F wave",
    "ramp": "a stretch of the calf",
    "rest": "nothing: at rest",
}
_FIT = {"test": "pendulum", "joint": "knee", "weight": "", "height": "", "shank_length": ""}
_FIT_LABELS = {
    "traces": "Recording, a table (.csv)",
    "test": "What was done",
    "joint": "Joint that was moved",
    "weight": "Weight, kg",
    "height": "Height, cm",
    "shank_length": "Length of the shank, cm",
}
_TESTS = {"pendulum": "pendulum test: the leg is let go", "ramp": "a stretch by hand or motor"}
_JOINTS = ("knee", "ankle", "hip", "elbow", "wrist", "fingers")
_UNITS = {"weight": "kg", "height": "cm", "shank_length": "cm"}


@router.get("/segment")
def segment_form(request: Request) -> Response:
    """Return the sliders, and beneath them what was found with these settings, as far as that is."""
    given = request.query_params
    fields = {key: given.get(key, start)[:20] for key, start in _SEGMENT.items()}
    return _segment(request, fields, {}, 200, given.get("job", ""))


@router.post("/segment")
def segment_asked(request: Request, sent: Form) -> Response:
    """Examine a segment with the settings of the sliders."""
    fields = {key: sent.fields.get(key, "").strip()[:20] for key in _SEGMENT}
    faults: dict[str, list[str]] = {}
    for key in ("bias", "csf"):
        low, high, _, unit = SLIDERS[key]
        try:
            wrong = not low <= float(fields[key]) <= high
        except ValueError:
            wrong = True
        if wrong:
            told = f'Given: "{fields[key]}". Allowed: {low:g} to {high:g} {unit}. Nearest: {_SEGMENT[key]}. Correct it.'
            faults[key] = [told]
    if fields["protocol"] not in _PROTOCOLS:
        faults["protocol"] = ["It is none of the list. Choose one of the list."]
    if faults:
        return _segment(request, fields, faults, 422)
    units = {key: f"{float(fields[key]):g} {SLIDERS[key][3]}" for key in ("bias", "csf")}
    asked = SegmentAsked(bias=units["bias"], csf=units["csf"], protocol=fields["protocol"], cells=1000, seed=1)
    check_segment(asked)
    back = f"/segment?{urlencode(fields)}"
    try:
        job = ask(request, "segment", asked.model_dump() | {"back": back})
    except EutoniaError as error:
        return too_many(error)
    return RedirectResponse(f"{back}&job={job.id}#found", status_code=303)


def _segment(
    request: Request, fields: Mapping[str, str], faults: Mapping[str, list[str]], status: int, name: str = ""
) -> Response:
    from eutonia.tone.segment import presets

    jobs = jobs_of(request)
    job = jobs.store.job(name)
    job = job if job is not None and job.kind == "segment" else None
    table = None if job is None else jobs.store.file(job.id, "numbers.csv")
    return page(
        "segment_form.html.jinja",
        "/segment",
        status,
        fields=fields,
        faults=faults,
        labels=_SEGMENT_LABELS,
        choices={"protocol": _PROTOCOLS},
        sliders=SLIDERS,
        severities=[(name, presets.preset(name)) for name in presets.PRESETS],
        job=job,
        reload=job is not None and not job.is_over,
        numbers=[] if table is None else _rows(table.content),
        files=[] if job is None else jobs.store.names(job.id),
    )


def _rows(content: bytes) -> list[tuple[str, str]]:
    """Return what was read, and its value in words, from the table of a segment."""
    import csv
    import io

    from eutonia.report.words import three_digits

    found = []
    for row in csv.DictReader(io.StringIO(content.decode("utf-8"))):
        try:
            value = three_digits(float(row["value"]))
        except ValueError:
            value = row["value"]
        found.append((row["what"], f"{value} {row['unit'] if row['unit'] != '1' else ''}".strip()))
    return found


@router.get("/fit")
def fit_form(request: Request) -> Response:
    """Return the form by which a recording is fitted."""
    return _fit({key: request.query_params.get(key, start)[:40] for key, start in _FIT.items()}, {}, 200)


@router.post("/fit")
def fit_asked(request: Request, sent: Form) -> Response:
    """Fit the recordings that came, or say what is wrong with them."""
    from eutonia.inference.body import size

    fields = {key: sent.fields.get(key, "").strip()[:40] for key in _FIT}
    faults: dict[str, list[str]] = {}
    sizes: dict[str, str] = {}
    for key, known in (("test", _TESTS), ("joint", _JOINTS)):
        if fields[key] not in known:
            faults[key] = [f'Given: "{fields[key]}". Allowed: {", ".join(known)}. Choose one of the list.']
    for key, unit in _UNITS.items():
        text = fields[key]
        if not text:
            continue
        sizes[key] = with_unit(text, unit)
        try:
            size(sizes[key], key)
        except EutoniaError as error:
            faults[key] = [str(error)]
    try:
        if not faults:
            check_fit(list(sent.files), fields["test"], fields["joint"], sizes)
        else:
            check_traces(list(sent.files))
    except EutoniaError as error:
        faults[_place(error)] = [str(error).replace(" --", " ").replace("(--", "(")]  # a form has no options
    if faults:
        return _fit(fields, faults, 422)
    traces = keep_traces(request, list(sent.files))
    back = way_back("/fit", fields)
    asked = {"test": fields["test"], "joint": fields["joint"], "traces": traces, "seed": 0, "back": back} | sizes
    return asked_for(request, "fit", asked)


def _place(error: EutoniaError) -> str:
    """Return the field of the form that a fault is of: what was said of the body, the joint, or the recording."""
    key = str(getattr(next(iter(getattr(error, "faults", ())), None), "key", ""))
    return key if key in _UNITS else "joint" if key == "the joint" else "traces"


def _fit(fields: Mapping[str, str], faults: Mapping[str, list[str]], status: int) -> Response:
    from eutonia.inference.zeros import ZEROS

    return page(
        "fit_form.html.jinja",
        "/fit",
        status,
        fields=fields,
        faults=faults,
        labels=_FIT_LABELS,
        choices={"test": _TESTS, "joint": {name: name for name in _JOINTS}},
        zeros=ZEROS,
    )
