"""A pump program file: read, checked against what can be, and turned into a therapy.

What cannot be (a tablet's unit, a reservoir that does not exist, steps out of order) is refused with every fault
listed. What can be but should not is left to the rules.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError, model_validator

from eutonia import parameters
from eutonia.drug.pump import Device, Therapy
from eutonia.drug.pump.therapy import Programmed
from eutonia.exchange.pump_parts import Event, Flex, Implant, RefillEvent, TherapyHead
from eutonia.study import shelf, studyfile
from eutonia.study.fields import Part, described, refuse
from eutonia.study.studyfile import Problem
from eutonia.study.translate import faults_of


class PumpFile(Part):
    """A pump therapy as a file tells it."""

    therapy: TherapyHead = described("What the therapy is.")
    pump: Implant = described("The implant.")
    events: Annotated[tuple[Event, ...], Field(min_length=1, max_length=2000)] = described(
        "What happens, in any order.", alias="event"
    )

    @model_validator(mode="after")
    def _holds_together(self) -> PumpFile:
        found: list[Problem] = []
        for k, event in enumerate(self.events):
            if event.at_h < 0 or event.at_h > self.therapy.duration_h:
                why, allowed = "It lies outside the therapy.", f"0 h to {self.therapy.duration_h.text}"
                do = "Move it, or make therapy.duration longer."
                found.append(Problem(("event", k, "at"), why, event.at_h.text, allowed, do=do))
            if isinstance(event, Flex) and event.weekend is not None and self.therapy.begins is None:
                do = "Add begins to [therapy], such as begins = 2026-03-02."
                why = "Without a date nobody knows which day is a Saturday."
                found.append(Problem(("event", k, "weekend"), why, None, "a therapy with a date", do=do))
            if isinstance(event, RefillEvent) and (event.volume_ml or 0.0) > self.pump.reservoir_ml:
                text = event.volume_ml.text if event.volume_ml else ""
                allowed = f"at most {self.pump.reservoir_ml.text}"
                found.append(Problem(("event", k, "volume"), "It does not fit in.", text, allowed, do="Lower it."))
        happening = [event.event() for event in self.events]
        if not any(isinstance(event, Programmed) for event in happening):
            do = 'Add an [[event]] of kind "simple", "flex" or "scheduled bolus".'
            found.append(Problem(("event",), "Nothing is ever programmed.", None, "at least one program", do=do))
        if found:
            refuse(*found)
        return self

    def as_therapy(self) -> Therapy:
        """Return the therapy that the file tells."""
        head, implant = self.therapy, self.pump
        device = Device.named(implant.model)
        lasting = parameters.load("label_dosing").value("prolonged_effect")
        return Therapy(
            device=device,
            reservoir=float(implant.reservoir_ml),
            alarm_volume=device.alarm_volume if implant.alarm_volume_ml is None else float(implant.alarm_volume_ml),
            catheter_cm=float(implant.catheter_cm),
            tip=implant.tip,
            concentration=float(implant.concentration_ug_per_ml),
            origin=head.origin,
            events=tuple(sorted((event.event() for event in self.events), key=lambda event: event.at_h)),
            duration_h=float(head.duration_h),
            screening_ug=None if head.screening_ug is None else float(head.screening_ug),
            screening_lasted=head.screening_effect_h is not None and head.screening_effect_h > lasting,
            begins=head.begins,
            product=implant.product,
            name=head.name,
            title=head.title,
            note=head.note or "",
        )


def load_therapy(path_or_name: str | os.PathLike[str]) -> Therapy:
    """Read a pump program from a file, or one that ships by its name.

    Raises
    ------
    StudyError
        The file is missing, unreadable, not TOML, or asks for what cannot be; `.faults` lists it all.
    """
    path = file_of(path_or_name)
    content = studyfile.read_bytes(path)
    if not content.strip():
        do = "Copy one that ships: eutonia programs."
        raise studyfile.whole(str(path), "The file is empty.", "no text", "a pump program", do=do)
    return parse_therapy(studyfile.decode(content, str(path)), str(path))


def file_of(path_or_name: str | os.PathLike[str]) -> Path:
    """Return the file of a pump program, or of one that ships by its name."""
    return shelf.find(os.fspath(path_or_name), shipped(), "program")


def parse_therapy(text: str, name: str = "program.toml") -> Therapy:
    """Read a pump program from its text; `name` stands for the file in errors."""
    tables: dict[str, Any] = studyfile.read_toml(text, name)
    try:
        return PumpFile.model_validate(tables).as_therapy()
    except ValidationError as error:
        raise studyfile.error(name, faults_of(error, tables, studyfile.lines_of(text), PumpFile)) from None


def shipped() -> dict[str, Path]:
    """Return the pump programs that come with the package, by name."""
    return shelf.shipped("programs")
