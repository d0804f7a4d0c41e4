"""A study file as text: reading it safely, finding the line of a key, and wording what is wrong with it."""

from __future__ import annotations

import re
import textwrap
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eutonia.errors import StudyError, nearest

Key = tuple[str | int, ...]
Lines = Mapping[Key, int]

# Guard rails of the program, not of the science: a study file is a page or two of text.
LARGEST_FILE_BYTES = 1_000_000
DEEPEST_NESTING = 64
LONGEST_HEADER = 1000
SCREEN_LINES = 24
SCREEN_COLUMNS = 100
MOST_FAULTS = 6

_PLACE = re.compile(r"^(?P<what>.*) \(at line (?P<line>\d+), column (?P<column>\d+)\)$", re.DOTALL)
_HEADER = re.compile(r"^\s*(\[\[?)(.*?)\]\]?\s*(?:#.*)?$")
_PART = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|\'([^\']*)\'|([A-Za-z0-9_-]+))\s*(\.|=|$)')
_TOKEN = re.compile(r'"""|\'\'\'|"(?:[^"\\]|\\.)*"|\'[^\']*\'|[\[\]{}]|#.*')


@dataclass(frozen=True, slots=True)
class Problem:
    """What a check found, with the key relative to the part that was checked."""

    at: Key
    why: str
    given: object = None
    allowed: str = ""
    nearest: tuple[str, ...] = ()
    do: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong in a study file: where, what was given and why not, what is allowed, what to do."""

    key: str
    line: int | None
    given: str
    why: str
    allowed: str
    nearest: tuple[str, ...]
    do: str
    within: str = ""

    def __str__(self) -> str:
        """Word the fault in a few short lines."""
        return "\n".join(self.lines(()))

    def lines(self, others: Sequence[Fault]) -> list[str]:
        """Return the lines of the message; `others` are faults that read the same and are named by their lines only."""
        place = f"line {self.line}, {self.key}" if self.line else self.key
        head = f"- {place}{f' ({self.within})' if self.within else ''}"
        also = [str(fault.line) for fault in others if fault.line]
        more = f" and {len(also) - 5} others" if len(also) > 5 else ""
        parts = [f"Given: {self.given}." if self.given else "", self.why]
        parts += [f"Allowed: {self.allowed}." if self.allowed else ""]
        parts += [f"Nearest: {', '.join(self.nearest)}." if self.nearest else "", f"Do: {self.do}" if self.do else ""]
        parts += [f"The same on line {', '.join(also[:5])}{more}." if also else ""]
        body = " ".join(part for part in parts if part)
        indent = "  "
        return [
            _shorten(head, SCREEN_COLUMNS),
            *textwrap.wrap(body, SCREEN_COLUMNS, initial_indent=indent, subsequent_indent=indent),
        ]


def error(file: str, faults: Sequence[Fault]) -> StudyError:
    """Return one StudyError for all faults of a file; it fits on a screen and carries them as `.faults`."""
    head = f"{file} has {len(faults)} faults:" if len(faults) > 1 else f"{file} cannot be used:"
    lines = [*textwrap.wrap(head, SCREEN_COLUMNS, break_on_hyphens=False)]
    groups = _alike(faults)
    shown = 0
    for first, others in groups[:MOST_FAULTS]:
        block = first.lines(others)
        if shown and len(lines) + len(block) > SCREEN_LINES - 1:
            break
        lines += block
        shown += 1
    left = sum(1 + len(others) for _, others in groups[shown:])
    if left:
        lines.append(f"... and {left} more. Mend these first, then run it again; eutonia check --all-faults shows all.")
    failure = StudyError("\n".join(lines))
    failure.faults = tuple(faults)
    return failure


def _alike(faults: Sequence[Fault]) -> list[tuple[Fault, list[Fault]]]:
    """Put faults of one kind together: the first, and the others that read the same but for their place."""
    groups: dict[tuple[object, ...], tuple[Fault, list[Fault]]] = {}
    for fault in faults:
        words = (fault.key.rpartition(".")[2], fault.given, fault.why, fault.allowed, fault.do)
        if words in groups:
            groups[words][1].append(fault)
        else:
            groups[words] = (fault, [])
    return list(groups.values())


def whole(
    file: str, why: str, given: str = "", allowed: str = "", close: Sequence[str] = (), do: str = ""
) -> StudyError:
    """Return the error of a file that is wrong as a whole, such as one that is missing or binary."""
    return error(file, [Fault("the file", None, given, why, allowed, tuple(close), do)])


def read_bytes(path: Path) -> bytes:
    """Return the bytes of a study file; refuse what cannot be one."""
    name = str(path)
    try:
        if path.is_dir():
            inside = sorted(item.name for item in path.glob("*.toml"))[:5]
            do = f"Name one of them: {', '.join(inside)}." if inside else "It holds no .toml file: name another place."
            raise whole(name, "It is a folder.", "a folder", "one study file (.toml)", do=do)
        if not path.is_file():
            raise whole(
                name, "It is no ordinary file.", "a device or pipe", "one study file (.toml)", do="Name a file."
            )
        size = path.stat().st_size
        if size > LARGEST_FILE_BYTES:
            given, allowed = f"{size / 1e6:.1f} MB", f"at most {LARGEST_FILE_BYTES / 1e6:.0f} MB"
            do = "Is this a table of data? Name the study file (.toml)."
            raise whole(name, "A study is a page or two of text.", given, allowed, do=do)
        return path.read_bytes()
    except OSError as failure:
        reason = failure.strerror or type(failure).__name__
        do = "Check the permissions and the place of the file."
        raise whole(name, f"The system says: {reason}.", "a file that cannot be read", do=do) from None


def decode(content: bytes, file: str) -> str:
    """Return the text of a study file, which is UTF-8."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        do = 'Save it again as "UTF-8" (in Windows Notepad: Save as, Encoding).'
        raise whole(file, "The text is stored as UTF-16.", "UTF-16 text", "UTF-8 text", do=do)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as failure:
        line = content.count(b"\n", 0, failure.start) + 1
        do = "Is this the right file? If it is text, save it again as UTF-8."
        byte = f"byte 0x{content[failure.start]:02x} on line {line}"
        raise whole(file, "It is a binary file, or text in another encoding.", byte, "UTF-8 text", do=do) from None
    if "\x00" in text:
        do = "Is this the right file? Name the study file (.toml)."
        raise whole(file, "It is a binary file.", "a zero byte", "UTF-8 text", do=do)
    if not text.strip():
        do = 'Start with [study], kind = "trial" or "case", or copy one that ships: eutonia studies.'
        raise whole(file, "The file is empty.", "no text", "a study", do=do)
    return text


def read_toml(text: str, file: str) -> dict[str, Any]:
    """Return the tables of a TOML text; a slip of grammar becomes a fault with its line and the usual cause."""
    try:
        tables = tomllib.loads(text)
        if _depth(tables) > DEEPEST_NESTING:
            raise RecursionError
    except RecursionError:
        do = "Look for brackets that are opened again and again."
        raise whole(file, "Brackets are nested too deeply.", allowed="a few levels", do=do) from None
    except ValueError as failure:  # TOMLDecodeError is one; so are a digit string and a date that Python refuses
        raise error(file, [_grammar(str(failure), text)]) from None
    return tables


def _depth(value: object) -> int:
    """Return how deeply tables and lists are nested."""
    deepest, waiting = 0, [(value, 1)]
    while waiting:
        item, depth = waiting.pop()
        deepest = max(deepest, depth)
        inside = item.values() if isinstance(item, Mapping) else item if isinstance(item, list) else ()
        waiting += [(child, depth + 1) for child in inside]
    return deepest


def _grammar(message: str, text: str) -> Fault:
    """Explain a fault of TOML grammar by the line on which it stands."""
    lines = text.split("\n")
    match = _PLACE.match(message)
    what = match["what"] if match else message.removesuffix(" (at end of document)")
    number = min(int(match["line"]), len(lines)) if match else len(lines)
    column = int(match["column"]) if match else 1
    line = lines[number - 1].strip() if lines else ""
    place = f'"{_shorten(line, 60)}"' if line else "an empty line"
    return Fault(
        key=f"column {column}",
        line=number,
        given=place,
        why=f"TOML cannot be read here: {_shorten(what[:1].lower() + what[1:], 120)}.",
        allowed='key = "text", key = 1.5, key = true, [table] or [[table]]',
        nearest=(),
        do=_grammar_advice(what, line, text),
    )


def _grammar_advice(what: str, line: str, text: str) -> str:
    if "overwrite" in what or "twice" in what or "declare" in what:
        return "A key or table stands there twice: remove one, or write [[table]] for a list of tables."
    if re.search(r"=\s*[+-]?[\d.]+\s*[A-Za-zµμ%/]", line) and "xpected '='" not in what:
        return "Put a number with its unit in quotation marks."
    if "Invalid value" in what:
        return 'Put text in straight quotation marks: key = "text"; true and false are in small letters.'
    if "Unterminated" in what or "Unclosed" in what or text.count('"') % 2:
        return "A quotation mark or bracket is opened and not closed: close it."
    if "=" in what:
        return "Between a key and its value stands one equals sign."
    return "Mend that line; compare it with a study that ships."


def lines_of(text: str) -> dict[Key, int]:
    """Return the line (from 1) of each table and key of a valid TOML text; keys in inline tables have none."""
    found: dict[Key, int] = {}
    counts: dict[Key, int] = {}
    table: Key = ()
    depth, fence = 0, ""
    for number, line in enumerate(text.split("\n"), start=1):
        rest = line
        if depth == 0 and not fence:
            header = _HEADER.match(line) if len(line) < LONGEST_HEADER else None
            if header:
                table = _enter(_split(header[2])[0], header[1] == "[[", counts)
                for length in range(1, len(table) + 1):
                    found.setdefault(table[:length], number)
                continue
            names, rest = _split(line)
            for length in range(1, len(names) + 1) if names else ():
                found.setdefault((*table, *names[:length]), number)
        depth, fence = _follow(rest, depth, fence)
    return found


def _enter(names: tuple[str, ...], is_list: bool, counts: dict[Key, int]) -> Key:
    """Return the full key of a table header, with the index of each list of tables that it passes through."""
    path: Key = ()
    for position, name in enumerate(names):
        path = (*path, name)
        if is_list and position == len(names) - 1:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path


def _split(line: str) -> tuple[tuple[str, ...], str]:
    """Split a dotted key from the start of a line; return its names and what follows the equals sign."""
    names: list[str] = []
    position = 0
    while match := _PART.match(line, position):
        names.append(next(text for text in match.groups()[:3] if text is not None))
        position = match.end()
        if match[4] != ".":
            return tuple(names), line[position:]
    return (), line


def _follow(text: str, depth: int, fence: str) -> tuple[int, str]:
    """Follow brackets and long strings through a line; return the depth and the open fence after it."""
    position = 0
    while position < len(text):
        if fence:
            end = text.find(fence, position)
            if end < 0:
                return depth, fence
            position, fence = end + len(fence), ""
            continue
        match = _TOKEN.search(text, position)
        if match is None:
            break
        token, position = match[0], match.end()
        if token in ('"""', "'''"):
            fence = token
        elif token in "[{":
            depth += 1
        elif token in "]}":
            depth = max(0, depth - 1)
    return depth, fence


def locate(raw: object, path: Sequence[str | int], lines: Mapping[Key, int]) -> tuple[str, int | None, str]:
    """Turn the place of a fault into its key as text, its line, and the names of the parts around it.

    Steps of `path` that the file does not have (the tag of a variant) are dropped, except a last, missing key.
    """
    value: Any = raw
    kept: list[str | int] = []
    names: list[str] = []
    for position, step in enumerate(path):
        found, inner = _inside(value, step)
        if found:
            value = inner
        elif position < len(path) - 1 or isinstance(step, int):
            continue
        kept.append(step)
        if isinstance(value, Mapping) and isinstance(step, int) and isinstance(value.get("name"), str):
            names.append(f'{kept[-2] if len(kept) > 1 else ""} "{_shorten(value["name"], 24)}"')
    line = next((lines[key] for end in range(len(kept), 0, -1) if (key := tuple(kept[:end])) in lines), None)
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{_shorten(step, 40)}" for step in kept)
    return text.lstrip(".") or "the file", line, ", ".join(names)


def at(raw: object, path: Sequence[str | int]) -> object:
    """Return the value at a place, skipping the steps that the file does not have; None if the last is missing."""
    value: Any = raw
    found = True
    for step in path:
        found, inner = _inside(value, step)
        value = inner if found else value
    return value if found else None


def _inside(value: object, step: str | int) -> tuple[bool, Any]:
    """Return whether a table or list has this key or index, and what is there."""
    if isinstance(value, Mapping) and step in value:
        return True, value[step]
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        return True, value[step]
    return False, None


def show(value: object) -> str:
    """Return a value as a file would write it, shortened."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{_shorten(value, 60)}"'
    if isinstance(value, float):
        return repr(value).removesuffix(".0")
    if isinstance(value, Mapping):
        return "a table" if value else "an empty table"
    if isinstance(value, list | tuple):
        return _shorten("[" + ", ".join(show(item) for item in value[:8]) + (", ..." if value[8:] else "") + "]", 60)
    try:
        return _shorten(str(value), 60)
    except ValueError:  # Python refuses to print a whole number of thousands of digits
        return "a number of thousands of digits"


def near_file(given: str, folder: Path, others: Sequence[str]) -> list[str]:
    """Return the names nearest to a file that is not there: files of its folder first, then `others`."""
    try:
        beside = [item.name for item in folder.iterdir() if item.suffix == ".toml"] if folder.is_dir() else []
    except OSError:
        beside = []
    wanted = Path(given).name
    return list(dict.fromkeys([*nearest(wanted, beside), *nearest(wanted.removesuffix(".toml"), others)]))[:3]


def _shorten(text: str, length: int) -> str:
    flat = " ".join("".join(c if c.isprintable() or c.isspace() else "\ufffd" for c in text).split())
    return flat if len(flat) <= length else flat[: length - 3] + "..."
