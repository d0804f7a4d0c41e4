"""A pump program that a study names: a file beside the study or one that ships, put on the clock of the study."""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass, field
from pathlib import Path

from pydantic.json_schema import JsonSchemaValue

from eutonia import parameters
from eutonia.drug.pump import Therapy
from eutonia.errors import StudyError
from eutonia.study import pump_file, shipped_files
from eutonia.study.fields import Checking, refuse
from eutonia.study.read_field import ReadField
from eutonia.study.studyfile import Problem


@dataclass(frozen=True)
class NamedProgram:
    """A pump program by the name or path that a case gives, the file that this is, and what stood in it."""

    text: str
    path: Path
    content: str = field(repr=False)

    @property
    def therapy(self) -> Therapy:
        """What stands in it, by the numbers of the science that hold now."""
        return _parsed(self.content, str(self.path))


@parameters.remembered
def _parsed(content: str, name: str) -> Therapy:
    return pump_file.parse_therapy(content, name)


@dataclass(frozen=True)
class ProgramField(ReadField):
    """A field that names a pump program: a file beside the case, or one that ships."""

    def published(self) -> JsonSchemaValue:
        """Describe the name of the file in the published schema."""
        return {"type": "string", "minLength": 1, "examples": ["flex_night", "program.toml"]}

    def read_in(self, value: object, info: Checking) -> NamedProgram:
        """Read the program, or refuse what is none with its first fault."""
        if isinstance(value, NamedProgram):
            return value
        do = 'Name a file beside this one, or a program that ships (eutonia programs): "flex_night".'
        if not isinstance(value, str) or not value.strip():
            refuse(Problem((), "It names no pump program.", value, '"program.toml" or "flex_night"', do=do))
        if (elsewhere := shipped_files.not_here(value, pump_file.shipped(), "pump program")) is not None:
            refuse(elsewhere)
        folder = (info.context or {}).get("folder")
        beside = None if folder is None else os.path.join(folder, value)
        try:
            path = pump_file.file_of(beside if beside is not None and os.path.isfile(beside) else value)
            found = NamedProgram(value, path, pump_file.text_of(path))
            _parsed(found.content, str(path))  # which refuses what cannot be played
            return found
        except StudyError as error:
            faults = [str(fault).removeprefix("- ").replace("\n", " ") for fault in error.faults]
            more = f" {len(faults) - 1} more faults follow." if len(faults) > 1 else ""
            why = f"It cannot be played: {' '.join(faults[0].split()) if faults else error}{more}"
            is_file = os.path.isfile(beside or value)
            do = f"Mend it there; eutonia check {value} shows every fault." if is_file else do
            refuse(Problem((), why, value, "a pump program that eutonia check finds valid", do=do))


def on_clock(therapy: Therapy, begun_h: float, end_h: float) -> Therapy:
    """Return a therapy whose day 0 is at an hour of the clock of a study, up to the end of the study, h."""
    events = (dataclasses.replace(one, at_h=one.at_h + begun_h) for one in therapy.events)
    kept = tuple(one for one in events if one.at_h <= end_h)
    return dataclasses.replace(therapy, events=kept, duration_h=end_h, starts_h=begun_h)
