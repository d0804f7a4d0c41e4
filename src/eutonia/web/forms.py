"""What a form brings: its fields as text, and its files as bytes, kept in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import Depends, Request
from starlette.datastructures import UploadFile

_MOST_FIELDS, _MOST_FILES, _LONGEST = 80, 6, 200
#: Fields that may be longer than a line.
_LONG = ("study",)


@dataclass(frozen=True)
class FormSent:
    """The fields of a form by name, the last of each, and its files: name and bytes of each, without empty ones."""

    fields: Mapping[str, str] = field(default_factory=dict)
    files: tuple[tuple[str, bytes], ...] = ()

    def only(self, names: tuple[str, ...]) -> dict[str, str]:
        """Return the fields of these names; a missing one is empty."""
        return {name: self.fields.get(name, "") for name in names}


async def sent(request: Request) -> FormSent:
    """Return what a form brings; a body that is none brings nothing.

    Raises
    ------
    HTTPException
        A body of parts that is damaged, or has more of them than a form of ours.
    """
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        fields, files = {}, []
        async with request.form(max_files=_MOST_FILES, max_fields=_MOST_FIELDS, max_part_size=300_000) as parts:
            for name, value in parts.multi_items():
                if isinstance(value, UploadFile):
                    content = await value.read()
                    files += [(value.filename or "", content)] if content else []
                else:
                    fields[name] = value
    else:
        body, files = await request.body(), []
        try:
            fields = dict(parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=_MOST_FIELDS))
        except ValueError:
            fields = {}
    kept = {name: value if name in _LONG else value[:_LONGEST] for name, value in fields.items()}
    return FormSent({name: "".join(map(_whole, value)) for name, value in kept.items()}, tuple(files))


def _whole(letter: str) -> str:
    """Return a letter, or what stands for half of one, which no file and no page could hold."""
    return "\ufffd" if "\ud800" <= letter <= "\udfff" else letter


Form = Annotated[FormSent, Depends(sent)]
