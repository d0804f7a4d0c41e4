"""The laboratory of the API: examinations of a case, fits of recordings, a spinal segment, and files to be named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from eutonia.errors import RecordingError
from eutonia.web import limits
from eutonia.web.asked import study_of
from eutonia.web.service import PREFIX, PROBLEMS, JobTold, RequestBody, StudyText, begun
from eutonia.web.views import jobs_of

if TYPE_CHECKING:
    from eutonia.inference.recording import Recording

router = APIRouter(prefix=PREFIX, responses=PROBLEMS)

Short = Annotated[str, Field(max_length=100)]
_MOST_TRACES = 6


class ExamineAsked(RequestBody):
    """A case to be examined at one time."""

    study: StudyText
    test: Short = Field("bedside", description="bedside, nerve, all, or one test by name.")
    at: Short | None = Field(None, description='Such as "day 90"; the end of the case if left out.')
    limb: Short | None = Field(None, description="leg or arm; both when left out.")


class RecordedTrace(RequestBody):
    """A recording of one movement."""

    name: Short = Field(description="What it is called in errors.")
    table: str = Field(
        max_length=limits.RECORDINGS, description="CSV as text: time_s, angle_deg and, for a stretch, torque_Nm."
    )


class FitAsked(RequestBody):
    """Recordings of one person to be fitted."""

    traces: list[RecordedTrace] = Field(min_length=1, max_length=_MOST_TRACES)
    test: Short = Field(description="pendulum or ramp.")
    joint: Short = "knee"
    weight: Short | None = Field(None, description='Such as "71 kg", instead of what the tables say.')
    height: Short | None = Field(None, description='Such as "175 cm".')
    shank_length: Short | None = Field(None, description='Such as "42 cm".')
    seed: int = Field(0, ge=0, le=2**31 - 1, strict=True)


class SegmentAsked(RequestBody):
    """A spinal segment to be examined."""

    bias: Short = Field("3 mV", description="What still comes down from the brain to excite it, with its unit.")
    csf: Short = Field("0 ng/mL", description="Baclofen in the spinal fluid, steady for long.")
    protocol: Short = "h-reflex"
    cells: int = Field(1000, ge=400, le=limits.CELLS, strict=True)
    seed: int = Field(1, ge=0, le=2**31 - 1, strict=True)


class FileTold(BaseModel):
    """A file that is kept: the name by which a study may name it."""

    name: str


_BYTES = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}


@router.post(
    "/files",
    response_model=FileTold,
    status_code=201,
    openapi_extra={"requestBody": {"content": _BYTES, "required": True}},
)
async def keep(request: Request) -> FileTold:
    """Keep a lesion mask (NIfTI), and return the name by which the text of a study may name it."""
    from starlette.concurrency import run_in_threadpool

    from eutonia.web.clinic import mask_name

    def kept(content: bytes) -> FileTold:
        name = mask_name(content)
        jobs_of(request).store.put(name, content)
        return FileTold(name=name)

    return await run_in_threadpool(kept, await request.body())


@router.post("/examine", status_code=202, response_model=JobTold)
def examine(request: Request, asked: ExamineAsked, response: Response) -> JobTold:
    """Examine the person of a case at one time: a job, whose files are those of `eutonia examine`."""
    from eutonia.trial.examine_case import check

    check(study_of(asked.study, "study", jobs_of(request).store), asked.test, asked.at, asked.limb)
    return begun(request, response, "examine", asked.model_dump())


@router.post("/fit-stretch", status_code=202, response_model=JobTold)
def fit_stretch(request: Request, asked: FitAsked, response: Response) -> JobTold:
    """Fit recordings of one person: a job, whose files are those of `eutonia fit-stretch`."""
    given = [(one.name, one.table.encode()) for one in asked.traces]
    sizes = {"weight": asked.weight, "height": asked.height, "shank_length": asked.shank_length}
    check_fit(given, asked.test, asked.joint, sizes)
    kept = keep_traces(request, given)
    return begun(request, response, "fit", asked.model_dump(exclude={"traces"}) | {"traces": kept})


def keep_traces(request: Request, given: list[tuple[str, bytes]]) -> list[str]:
    """Keep recordings, and return the names under which they are kept."""
    return [jobs_of(request).store.keep(content, ".csv") for _, content in given]


def check_fit(given: list[tuple[str, bytes]], test: str, joint: str, sizes: Mapping[str, str | None]) -> None:
    """Refuse recordings that cannot be read or fitted, with the sizes of a body by their names; "" is none.

    Raises
    ------
    RecordingError
        What `check_traces` refuses, or what `eutonia fit-stretch` would say.
    """
    from eutonia.inference.stretch_fit import check

    check(check_traces(given), test, joint, {name: text or None for name, text in sizes.items()})


def check_traces(given: list[tuple[str, bytes]]) -> list[Recording]:
    """Return recordings that came.

    Raises
    ------
    RecordingError
        None, too many, too much, or one that cannot be read.
    """
    from eutonia.inference.recording import parse

    size = sum(len(content) for _, content in given)
    if not 1 <= len(given) <= _MOST_TRACES or size > limits.RECORDINGS:
        raise RecordingError(
            f"{len(given)} recordings of {size:,} bytes. Allowed: 1 to {_MOST_TRACES} of {limits.RECORDINGS:,} bytes "
            "together. Nearest: one of 10 seconds. Choose files, or use the command eutonia fit-stretch."
        )
    return [parse(content, name[:80] or "recording") for name, content in given]


@router.post("/segment", status_code=202, response_model=JobTold)
def segment(request: Request, asked: SegmentAsked, response: Response) -> JobTold:
    """Examine a spiking spinal segment: a job, whose files are those of `eutonia segment`."""
    check_segment(asked)
    return begun(request, response, "segment", asked.model_dump())


def check_segment(asked: SegmentAsked) -> None:
    """Refuse a segment that nobody has.

    Raises
    ------
    EutoniaError
        What `eutonia segment` would say.
    """
    from eutonia.api.segment import check

    check(asked.bias, asked.csf, asked.protocol, asked.cells)
