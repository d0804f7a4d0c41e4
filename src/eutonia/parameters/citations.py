"""The literature behind the numbers: sources.bib, read once, and printed for what a run has used."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from types import MappingProxyType

from eutonia.errors import ParameterError, nearest
from eutonia.parameters import folders
from eutonia.parameters.record import ASSUMPTION

#: What a .bib file may hold beside entries.
_ASIDE = re.compile(r"@(?:comment|preamble|string)\s*\{", re.IGNORECASE)
_LARGEST_BYTES = 20_000_000
_HEAD = re.compile(r"@(\w+)\s*\{\s*([^\s,{}]+)\s*,")
_FIELD = re.compile(r"\s*([A-Za-z_]+)\s*=\s*")


@dataclass(frozen=True, slots=True)
class BibEntry:
    """One entry of sources.bib: its key, its kind (article, misc, ...), its fields and its text."""

    key: str
    kind: str
    fields: Mapping[str, str]
    text: str

    @property
    def title(self) -> str:
        """What was published, as far as the entry says."""
        return self.said("title") or self.key

    @property
    def described(self) -> str:
        """The reference as a list of references prints it."""
        parts = [self.said(name) for name in ("author", "title", "journal", "year", "doi", "note")]
        return ". ".join(part.rstrip(".") for part in parts if part)

    def said(self, field: str) -> str:
        """Return a field as people read it: without the braces that keep a name or a capital together in BibTeX."""
        return self.fields.get(field, "").replace("{", "").replace("}", "")


def entries() -> Mapping[str, BibEntry]:
    """Return every entry of sources.bib, by key: of ours first, then of those that others have brought."""
    return _entries(folders.now())


@functools.lru_cache(maxsize=8)
def _entries(_: int) -> Mapping[str, BibEntry]:
    found = dict(_ours())
    for file in folders.brought_bibliographies():
        for key, entry in read(folders.text_of(file), "sources.bib").items():
            if found.setdefault(key, entry) != entry:
                raise ParameterError(
                    f"{file!s:.200}: there is a source {key} already, and it is another: {found[key].title:.100}. "
                    "Allowed: each key once. Give it another key, here and in the sets."
                )
    return MappingProxyType(found)


@functools.cache
def _ours() -> Mapping[str, BibEntry]:
    return read(folders.text_of(resources.files("eutonia.parameters").joinpath("sources.bib")), "sources.bib")


def is_ours(key: str) -> bool:
    """Say whether a source stands in the sources.bib that ships."""
    return key in _ours()


def keys() -> tuple[str, ...]:
    """Return every key of sources.bib."""
    return tuple(entries())


def entry(key: str) -> BibEntry:
    """Return one entry of sources.bib."""
    found = entries()
    if key not in found:
        raise ParameterError(unknown_key(key, found))
    return found[key]


def unknown_key(key: str, known: Collection[str]) -> str:
    """Word a key that sources.bib lacks; it has too many to print them all."""
    close = nearest(key, known)
    hint = f" Nearest: {', '.join(close)}." if close else ""
    return (
        f'there is no source "{key}".{hint} Allowed: the {len(known)} keys of sources.bib, or "{ASSUMPTION}". '
        "Correct the key, or add the source."
    )


def bibtex(keys: Iterable[str]) -> str:
    """Return the BibTeX of these keys, sorted and without repeats; assumptions have none and are left out."""
    wanted = sorted(set(keys) - {ASSUMPTION})
    return "\n\n".join(entry(key).text for key in wanted) + ("\n" if wanted else "")


def beside(folder: Path) -> tuple[dict[str, BibEntry], list[str]]:
    """Return the entries of every .bib file of a folder by key, and what is wrong with those that cannot be read."""
    found: dict[str, BibEntry] = {}
    faults = []
    for path in sorted(folder.glob("*.bib")):
        try:
            if path.stat().st_size > _LARGEST_BYTES:
                faults.append(f"{path.name} is larger than {_LARGEST_BYTES / 1e6:.0f} MB")
                continue
            found |= read(path.read_text(encoding="utf-8-sig"), path.name)
        except (OSError, UnicodeDecodeError, ParameterError) as error:
            faults.append(f"{path.name} cannot be read ({error})")
    return found, faults


def cited(given: Iterable[str | None], name: str, folder: Path | None = None) -> dict[str, tuple[str, str]]:
    """Return the reference in words and the BibTeX of each source: a key, of a .bib file in `folder` or ours, or text.

    `name` begins the keys of those that are text.
    """
    keys = [key for key in dict.fromkeys(given) if key not in (None, ASSUMPTION)]
    known = dict(entries()) | (beside(folder)[0] if keys and folder is not None else {})
    names = {key: f"{name}_{number}".replace(" ", "_") for number, key in enumerate(keys, start=1)}
    found = {key: known.get(key) or as_text(key, names[key]) for key in keys}
    return {key: (entry.described, entry.text) for key, entry in found.items()}


def as_text(reference: str, key: str) -> BibEntry:
    """Return the entry of a reference that is written out as text."""
    note = reference.replace("{", "(").replace("}", ")")
    return BibEntry(reference, "misc", MappingProxyType({"note": reference}), f"@misc{{{key},\n  note = {{{note}}}\n}}")


def read(text: str, name: str) -> dict[str, BibEntry]:
    """Read BibTeX of the plain sort: @kind{Key, field = {text}, ...}, with % comments between entries."""
    found: dict[str, BibEntry] = {}
    position = text.find("@")
    while position >= 0:
        line_start = text.rfind("\n", 0, position) + 1
        if text[line_start:position].lstrip().startswith("%"):
            position = text.find("@", position + 1)
            continue
        if _ASIDE.match(text, position):
            position = text.find("@", _value(text, text.index("{", position), f"{name}, @comment")[1])
            continue
        head = _HEAD.match(text, position)
        if head is None:
            raise ParameterError(
                f'{name}, line {text.count(chr(10), 0, position) + 1}: "{text[position : position + 30]!s}" does not '
                "start an entry. Allowed: @article{Author_Year, field = {text}, ...}. Correct that line."
            )
        kind, key = head[1].lower(), head[2]
        if key in found:
            raise ParameterError(f'{name} holds the key "{key}" twice. A key names one source: rename or merge them.')
        fields, end = _fields(text, head.end(), f"{key} in {name}")
        found[key] = BibEntry(key, kind, MappingProxyType(fields), text[position:end])
        position = text.find("@", end)
    return found


def _fields(text: str, start: int, where: str) -> tuple[dict[str, str], int]:
    """Read the fields of one entry from `start`; return them and the position after the closing brace."""
    fields: dict[str, str] = {}
    position = start
    while True:
        while position < len(text) and text[position] in " \t\r\n,":
            position += 1
        if position < len(text) and text[position] == "}":
            return fields, position + 1
        match = _FIELD.match(text, position)
        if match is None:
            raise ParameterError(f"{where}: no closing brace. Allowed: field = {{text}}, ... }}. Close the entry.")
        value, position = _value(text, match.end(), where)
        fields[match[1].lower()] = value


def _value(text: str, start: int, where: str) -> tuple[str, int]:
    """Read one field's text: in balanced braces, in quotation marks, or a bare number."""
    if start < len(text) and text[start] == "{":
        depth = 0
        for position in range(start, len(text)):
            depth += (text[position] == "{") - (text[position] == "}")
            if depth == 0:
                return " ".join(text[start + 1 : position].split()), position + 1
    bare = re.compile(r'"([^"]*)"|(\w+)').match(text, start)
    if bare is None:
        raise ParameterError(f"{where}: a field is not closed. Allowed: field = {{text}}. Balance the braces.")
    return " ".join((bare[1] or bare[2] or "").split()), bare.end()
