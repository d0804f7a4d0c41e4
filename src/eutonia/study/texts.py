"""Texts and names of a study file: visible characters, one line, and names that may be those of a folder."""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated, NoReturn

from pydantic import AfterValidator, Field, Strict
from pydantic_core import PydanticCustomError

from eutonia._bounds import LONGEST_NAME, LONGEST_TEXT
from eutonia.study.studyfile import Problem

OF_STUDY = "study_problems"
# Blanks of typography that may stand in a text.
_BLANKS = ("\u00a0", "\u2009", "\u202f")


def refuse(*problems: Problem) -> NoReturn:
    """Raise all problems found in a part as one validation error."""
    raise PydanticCustomError(OF_STUDY, "the study does not hold together", {"problems": problems})


# What a name of a study, and so of a folder, may hold: it begins with a letter or digit, and no slash is in it.
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_LAYOUT = ("\n", "\t", "\r")


def plain_text(value: str) -> str:
    """Refuse characters that are not seen, or that turn the direction of what follows."""
    hidden = next((c for c in value if unicodedata.category(c)[0] in "CZ" and c not in (" ", *_LAYOUT, *_BLANKS)), None)
    if hidden is not None:
        given = f"the character U+{ord(hidden):04X}"
        refuse(Problem((), "It holds a character that cannot be seen.", given, "visible characters", do="Remove it."))
    return value


def _one_line(value: str) -> str:
    """Refuse a name of more than one line."""
    if any(c in value for c in _LAYOUT):
        refuse(Problem((), "A name stands on one line.", value, "text without line breaks", do="Make it one line."))
    return plain_text(value)


def _file_name(value: str) -> str:
    """Refuse a name that could not be that of a folder on every system."""
    if _FILE_NAME.fullmatch(value) and not value.endswith("."):
        return value
    close = re.sub(r"[^A-Za-z0-9._-]+", "_", value).strip("._-")
    why = "Results are filed under this name, so it is one of a folder."
    allowed = "letters a to z and A to Z, digits, . _ - (a letter or digit first)"
    do = f'Write "{close}".' if close else "Choose another name."
    refuse(Problem((), why, value, allowed, (f'"{close}"',) if close else (), do))


Text = Annotated[str, Strict(), Field(min_length=1, max_length=LONGEST_TEXT), AfterValidator(plain_text)]
Name = Annotated[
    str, Strict(), Field(min_length=1, max_length=LONGEST_NAME, pattern=r"^\S([\s\S]*\S)?$"), AfterValidator(_one_line)
]
FileName = Annotated[
    str,
    Strict(),
    Field(min_length=1, max_length=LONGEST_NAME, json_schema_extra={"pattern": f"^{_FILE_NAME.pattern}$"}),
    AfterValidator(_file_name),
]
