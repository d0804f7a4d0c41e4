"""What differs between two sets of numbers: two runs, two folders of sets, or one of them and what ships."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from eutonia import parameters
from eutonia.errors import ParameterError, UnitError
from eutonia.parameters import citations, folders, library, quantity

SHIPPED = "shipped"
_RECORDS = ("run.json", "program.json")


@dataclass(frozen=True)
class KnownNumbers:
    """Numbers by SET.NAME as text with unit, the digest of each set's file, and whether the numbers are all there are.

    A run holds the numbers that it rests on, and no others.
    """

    name: str
    by_name: Mapping[str, str]
    digests: Mapping[str, str]
    is_whole: bool
    overrides: tuple[str, ...] = ()


@dataclass(frozen=True)
class Difference:
    """Numbers that differ (name, here, there), names that one side alone has, and sets whose files differ."""

    changed: tuple[tuple[str, str, str], ...]
    only: tuple[tuple[str, str], ...]
    files: tuple[str, ...]
    overridden: tuple[tuple[str, str], ...] = field(default=())


def numbers_of(given: str) -> KnownNumbers:
    """Return the numbers of a run (its folder or record), of a folder of sets, or of "shipped".

    Raises
    ------
    ParameterError
        Nothing of that kind is there, or a record that is damaged.
    """
    path = Path(given)
    if given == SHIPPED and not path.exists():
        found = [record for name in parameters.sets() for record in parameters.load(name).records()]
        return KnownNumbers(SHIPPED, _texts(found), parameters.digests(), True)
    inside = [path / name for name in _RECORDS if (path / name).is_file()] if path.is_dir() else [path]
    if inside and inside[0].is_file():
        return _of_run(inside[0])
    if path.is_dir() and (files := sorted(path.glob("*.toml"))):
        return _of_sets(path, files)
    raise ParameterError(
        f'"{given}" holds no numbers. Allowed: a folder of a run, its run.json, a folder of parameter sets (.toml), or '
        f'"{SHIPPED}". Nearest: results/NAME. Name one of them.'
    )


def difference(one: KnownNumbers, other: KnownNumbers) -> Difference:
    """Return what differs; a number in another unit of its kind is the same number."""
    both = sorted(one.by_name.keys() & other.by_name.keys())
    changed = tuple(
        (name, one.by_name[name], other.by_name[name])
        for name in both
        if not _same(one.by_name[name], other.by_name[name])
    )
    only = tuple((name, side.name) for side, than in ((one, other), (other, one)) for name in _alone(side, than))
    files = sorted(
        name
        for name in one.digests.keys() | other.digests.keys()
        if one.digests.get(name) != other.digests.get(name) and one.digests and other.digests
    )
    told = tuple((side.name, name) for side in (one, other) for name in side.overrides)
    return Difference(changed, only, tuple(files), told)


def lines(found: Difference, one: KnownNumbers, other: KnownNumbers) -> list[str]:
    """Return a difference in words, a line each."""
    said = [f"{name}: {here} in {one.name}, {there} in {other.name}" for name, here, there in found.changed]
    said += [f"{name} is an override in {side}" for side, name in found.overridden]
    said += [f"{name} is in {side} alone" for name, side in found.only]
    said += [f"The file of the set {name} differs" for name in found.files]
    if not (one.is_whole and other.is_whole):
        said.append("A run tells the numbers that it rests on; others are compared by the files of their sets")
    amount = len(found.changed)
    head = f"{amount} numbers differ" if amount > 1 else f"{'One' if amount else 'No'} number differs"
    return [f"{head}.", *(f"{line}." for line in said)]


def _alone(one: KnownNumbers, other: KnownNumbers) -> list[str]:
    """Return the names that only one side has: a run that does not rest on a number says nothing of it."""
    return sorted(one.by_name.keys() - other.by_name.keys()) if other.is_whole or not one.is_whole else []


def _texts(records: list[parameters.Parameter]) -> dict[str, str]:
    return {f"{one.set}.{one.name}": quantity.shown(one.numbers, one.unit) for one in records}


def _of_run(file: Path) -> KnownNumbers:
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        numbers, digests = dict(told["rests_on"]), dict(told["parameter_digests"])
        overrides = tuple(str(row["name"]) for row in told["overrides"])
        if not all(isinstance(one, str) for one in (*numbers.values(), *digests.values())):
            raise TypeError("numbers are no texts")
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as trouble:
        raise ParameterError(
            f'"{file}" tells no numbers ({type(trouble).__name__}: {trouble!s:.80}). Allowed: the record of a run as '
            "this version writes it, whole. Nearest: the run done again. Run it again, with the same seed."
        ) from None
    name = str(file.parent) if file.name in _RECORDS and str(file.parent) != "." else str(file)
    return KnownNumbers(name, numbers, digests, False, overrides)


def _of_sets(folder: Path, files: list[Path]) -> KnownNumbers:
    found: list[parameters.Parameter] = []
    digests = {}
    for file in files:
        content = file.read_bytes()
        digests[file.stem] = hashlib.sha256(content).hexdigest()
        if file.stem not in folders.NOT_A_SET:
            read = library.read(content.decode("utf-8", errors="replace"), file.stem, citations.entries())
            found += read.records()
    return KnownNumbers(str(folder), _texts(found), digests, True)


def _same(one: str, other: str) -> bool:
    if one == other:
        return True
    last = other.rpartition(",")[2].split(maxsplit=1)
    unit = last[1] if len(last) > 1 else "1"
    try:
        return quantity.read(one, unit) == quantity.read(other, unit)
    except UnitError:
        return False
