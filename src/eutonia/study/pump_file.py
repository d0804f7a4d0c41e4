"""A pump program file: read, checked against what can be, and turned into a therapy.

What cannot be (a tablet's unit, a reservoir that does not exist, steps out of order) is refused with every fault
listed. What can be but should not is left to the rules.
"""

from __future__ import annotations

import dataclasses
import datetime
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError

from eutonia import parameters
from eutonia.drug.pump import Device, Therapy
from eutonia.drug.pump.therapy import Event as HappeningEvent
from eutonia.drug.pump.therapy import Programmed, conflicts, rank
from eutonia.study import shipped_files, studyfile
from eutonia.study.fields import Part, described
from eutonia.study.parts import reservoir_fits
from eutonia.study.pump_events import (
    MOST_CALLS,
    ActivationEvent,
    Event,
    Flex,
    PatientBolusEvent,
    PocketFillEvent,
    PumpRefillEvent,
    ReplacementEvent,
)
from eutonia.study.pump_parts import Dated, Implant, TherapyHead, When
from eutonia.study.studyfile import Problem
from eutonia.study.translate import faults_of

_DECIMALS = 9


class PumpFile(Part):
    """A pump therapy as a file tells it."""

    therapy: TherapyHead = described("What the therapy is.")
    pump: Implant = described("The implant.")
    events: Annotated[tuple[Event, ...], Field(min_length=1, max_length=2000)] = described(
        "What happens, in any order.", alias="event"
    )

    def _problems(self) -> Iterable[Problem]:
        found = self._days()
        if not found:  # without a day 0 nobody knows when what is dated happens
            found = [*self._times(), *self._order(), *self._implants()]
        if not any(isinstance(one, Programmed) for _, one in self._happening()):
            do = 'Add an [[event]] of kind "simple", "flex" or "scheduled bolus".'
            found.append(Problem(("event",), "Nothing is ever programmed.", None, "at least one program", do=do))
        return found

    @property
    def begins(self) -> datetime.date | None:
        """Date of day 0, if the file tells it."""
        return self.therapy.begins or self.pump.implanted

    def hours(self, when: When) -> float:
        """Return a time in h since midnight of day 0; a dated one needs a day 0."""
        if not isinstance(when, Dated):
            return round(float(when), _DECIMALS)  # "0.1 day" and "2.4 hour" are one time
        return when.hours_since(self.begins or when.moment.date())

    def _happening(self) -> list[tuple[int, HappeningEvent]]:
        """Return what happens, each with the place of the event that says so."""
        found: list[tuple[int, HappeningEvent]] = []
        for k, event in enumerate(self.events):
            at = self.hours(event.at)
            if isinstance(event, ActivationEvent):
                calls = event.events(at, None if event.until is None else self.hours(event.until))
                found += [(k, call) for call in calls]
            else:
                found.append((k, event.event(at)))
        return found

    def _days(self) -> list[Problem]:
        """Find dates without a day 0, and two days 0."""
        begins, implanted = self.therapy.begins, self.pump.implanted
        found: list[Problem] = []
        if begins is not None and implanted is not None and begins != implanted:
            why = f"Day 0 is the day of the first filling, and therapy.begins says {begins}."
            do = "Write one of the two, or the same day in both."
            found.append(Problem(("pump", "implanted"), why, str(implanted), f"{begins}", do=do))
        if self.begins is None:
            do = "Add begins to [therapy], such as begins = 2026-03-02."
            for k, event in enumerate(self.events):
                if isinstance(event, Flex) and event.weekend is not None:
                    why = "Without a date nobody knows which day is a Saturday."
                    found.append(Problem(("event", k, "weekend"), why, None, "a therapy with a date", do=do))
                if isinstance(event.at, Dated):
                    why = "Without the date of day 0 nobody knows when that is."
                    found.append(Problem(("event", k, "at"), why, event.at.text, "a therapy with a date", do=do))
        return found

    def _times(self) -> list[Problem]:
        """Find what happens outside the therapy, and calls that never end or come before any is allowed."""
        end, found = float(self.therapy.duration_h), []
        allowed_from = min(
            (self.hours(one.at) for one in self.events if isinstance(one, PatientBolusEvent)), default=None
        )
        for k, event in enumerate(self.events):
            at = self.hours(event.at)
            if at < 0 or at > end:
                why, allowed = "It lies outside the therapy.", f"0 h to {self.therapy.duration_h.text}"
                if self.begins is not None:
                    allowed += f", from {self.begins} on"
                do = "Move it, or make therapy.duration longer."
                found.append(Problem(("event", k, "at"), why, event.at.text, allowed, do=do))
            if not isinstance(event, ActivationEvent):
                continue
            if allowed_from is None or at < allowed_from:
                why, do = "No bolus may be called yet.", 'Add an [[event]] of kind "patient bolus" before it.'
                found.append(Problem(("event", k, "at"), why, event.at.text, "calls after a patient bolus", do=do))
            if event.until is None or event.every_h is None:
                continue
            last = self.hours(event.until)
            if last < at or last > end:
                why = "It is before the first call." if last < at else "It lies outside the therapy."
                allowed = f"from {event.at.text} to the end of the therapy"
                found.append(Problem(("event", k, "until"), why, event.until.text, allowed, do="Move it."))
            elif len(event.events(at, last)) > MOST_CALLS:
                why, allowed = f"These are more than {MOST_CALLS} calls.", "fewer"
                do = "Check the unit; let them be less often, or end sooner."
                found.append(Problem(("event", k, "every"), why, event.every_h.text, allowed, do=do))
        return found

    def _order(self) -> list[Problem]:
        """Find events of one time that exclude each other."""
        happening = self._happening()
        found = []
        for first, second, why in conflicts([one for _, one in happening]):
            at, other = happening[second][0], happening[first][0]
            kinds = (self.events[k].kind for k in (other, at))
            told = 'event[{}], "{}", and "{}" are of one time: {}.'.format(other, *kinds, why)
            allowed = "at one time, what a clinic does one after the other"
            do = "Drop one of the two, or move it to the time at which it is done."
            found.append(Problem(("event", at, "at"), told, self.events[at].at.text, allowed, do=do))
        return list(dict.fromkeys(found))

    def _implants(self) -> list[Problem]:
        """Find volumes that do not fit into the pump that is in place, and pumps that are not made."""
        model, reservoir, found = self.pump.model, self.pump.reservoir_ml, []
        for k in dict.fromkeys(k for k, _ in sorted(self._happening(), key=lambda one: rank(one[1]))):
            event = self.events[k]
            if isinstance(event, ReplacementEvent):
                model, reservoir = event.model or model, event.reservoir_ml or reservoir
                for problem in reservoir_fits(model, reservoir, event.alarm_volume_ml):
                    found.append(dataclasses.replace(problem, at=("event", k, *problem.at)))
            volumes = (("volume", event.volume_ml),) if isinstance(event, PumpRefillEvent | PocketFillEvent) else ()
            if isinstance(event, PumpRefillEvent):
                volumes = (*volumes, ("found", event.found_ml))
            for key, volume in volumes:
                if volume is not None and volume > reservoir:
                    why, allowed = "It does not fit in.", f"at most {reservoir.text}"
                    found.append(Problem(("event", k, key), why, volume.text, allowed, do="Lower it."))
        return found

    def as_therapy(self) -> Therapy:
        """Return the therapy that the file tells."""
        head, implant = self.therapy, self.pump
        device = Device.named(implant.model)
        lasting = parameters.load("label_dosing").value("prolonged_effect", "h")
        return Therapy(
            device=device,
            reservoir=float(implant.reservoir_ml),
            alarm_volume=device.alarm_volume if implant.alarm_volume_ml is None else float(implant.alarm_volume_ml),
            catheter_cm=float(implant.catheter_cm),
            tip=implant.tip,
            concentration=float(implant.concentration_ug_per_ml),
            origin=head.origin,
            events=tuple(event for _, event in self._happening()),
            duration_h=float(head.duration_h),
            screening_ug=None if head.screening_ug is None else float(head.screening_ug),
            screening_lasted=head.screening_effect_h is not None and head.screening_effect_h > lasting,
            begins=self.begins,
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
    return parse_therapy(text_of(path), str(path))


def text_of(path: Path) -> str:
    """Return what stands in the file of a pump program."""
    content = studyfile.read_bytes(path)
    if not content.strip():
        do = "Copy one that ships: eutonia programs."
        raise studyfile.whole(str(path), "The file is empty.", "no text", "a pump program", do=do)
    return studyfile.decode(content, str(path))


def file_of(path_or_name: str | os.PathLike[str]) -> Path:
    """Return the file of a pump program, or of one that ships by its name."""
    return shipped_files.find(os.fspath(path_or_name), shipped(), "program")


def parse_therapy(text: str, name: str = "program.toml") -> Therapy:
    """Read a pump program from its text; `name` stands for the file in errors."""
    tables: dict[str, Any] = studyfile.read_toml(text, name)
    try:
        return PumpFile.model_validate(tables).as_therapy()
    except ValidationError as error:
        raise studyfile.error(name, faults_of(error, tables, studyfile.lines_of(text), PumpFile)) from None


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of pump programs, a description with every field."""
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    told = {"title": "Eutonia pump program", "description": "An implanted pump and what happens to it, in TOML."}
    return head | PumpFile.model_json_schema(by_alias=True) | told


def shipped() -> dict[str, Path]:
    """Return the pump programs that come with the package or with a text, by name."""
    return shipped_files.programs()
