"""A table of real people beside a study: what is known of each before the trial, one row a person.

A person of the pool takes the row that their own luck picks, by the weights where there are some. Rows are taken whole,
so whatever goes together in the table goes together in the trial; what it has no column of is drawn as the study says.
Charted scores of the table are its entry level: mean and SD, as a `[[population.baseline]]` would say them.
"""

from __future__ import annotations

import hashlib
import io
import math
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from pydantic.json_schema import JsonSchemaValue

from eutonia import _bounds, _delimited, _quantities
from eutonia._bounds import Bounds
from eutonia.assessment.scales import SCALES
from eutonia.errors import nearest
from eutonia.study import shipped_files
from eutonia.study.fields import Checking, refuse
from eutonia.study.read_field import ReadField
from eutonia.study.studyfile import Problem

#: A table of fewer people than this tells nothing of how people differ.
FEWEST = 10
_MOST_BYTES = 200_000_000
_MISSING = ("", ".", "na", "nan", "null", "none")
_SEX = {"woman": 1.0, "female": 1.0, "f": 1.0, "w": 1.0, "man": 0.0, "male": 0.0, "m": 0.0}
_PARTED = {";": "semicolons between cells", "\t": "tabs between cells", "|": "bars between cells"}
_WEIGHTS = "sampling_weight"
_WEIGHT = Bounds(1e-12, 1e12, ("1e-12", "1e12"), "whoever stands for nobody is no row")


@dataclass(frozen=True)
class _Column:
    """What a column means: the key of the study that it stands for, canonical units in one of its own, and bounds."""

    key: str
    factor: float
    bounds: Bounds


def _in(unit: str, key: str, kind: str, bounds: Bounds) -> _Column:
    return _Column(key, _quantities.parse(f"1 {unit}", kind), bounds)


_SEXES = Bounds(0.0, 1.0, ("man", "woman"), "the model knows these two")
#: Every column that is read, beside charted scores: its name says its unit.
COLUMNS: Mapping[str, _Column] = {
    "age_year": _in("year", "age", "age", _bounds.AGE),
    "sex": _Column("women", 1.0, _SEXES),
    "weight_kg": _in("kg", "weight", "weight", _bounds.WEIGHT),
    "weight_lb": _in("lb", "weight", "weight", _bounds.WEIGHT),
    "creatinine_clearance_ml_per_min": _in("mL/min", "creatinine_clearance", "clearance", _bounds.CLEARANCE),
    "creatinine_clearance_l_per_h": _in("L/h", "creatinine_clearance", "clearance", _bounds.CLEARANCE),
    "days_since_onset": _in("day", "time_since_onset", "duration", _bounds.TIME),
    "months_since_onset": _in("month", "time_since_onset", "duration", _bounds.TIME),
    "years_since_onset": _in("year", "time_since_onset", "duration", _bounds.TIME),
    _WEIGHTS: _Column("", 1.0, _WEIGHT),
}
#: The unit in which a key of the study is written, by key.
UNITS = {"age": "year", "weight": "kg", "creatinine_clearance": "mL/min", "time_since_onset": "hour"}
# A column that begins so and is none of ours has lost its unit, or has another one: "age", "weightkg", not "agent".
_LIKE = re.compile(
    "(age|weight|creatinine|clearance|egfr|months|days|years|time_since|sampling|sex)(?![a-z])|(age|weight)(y|kg|lb)"
)

# Columns that are read, by name: scale and limb of a charted score, None for one of `COLUMNS`.
_Read = dict[str, tuple[str, str] | None]


@dataclass(frozen=True, eq=False)
class PeopleTable:
    """A table of people by the name that a study gives, and what was in it.

    Parameters
    ----------
    text, path, digest
        Name as the study gives it, file, and SHA-256 of its bytes.
    known
        Numbers of the people that are kept, by key of the study, in its unit; `women` is 1 or 0.
    scores
        Their charted scores, by scale and limb.
    weights
        How many people each stands for.
    left_out
        How many rows are left out, by the reason.
    ignored
        Columns that mean nothing here.
    tells
        Keys of the study, and scale and limb of entry levels, that the file leaves to the table.
    """

    text: str
    path: Path
    digest: str
    known: Mapping[str, Float[np.ndarray, " row"]]
    scores: Mapping[tuple[str, str], Float[np.ndarray, " row"]]
    weights: Float[np.ndarray, " row"]
    left_out: Mapping[str, int] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()
    tells: tuple[str | tuple[str, str], ...] = ()

    def __eq__(self, other: object) -> bool:
        """Tables of the same bytes under the same name are the same."""
        return isinstance(other, PeopleTable) and (self.text, self.digest) == (other.text, other.digest)

    def within(self, limits: Mapping[str, tuple[float, float]]) -> tuple[Bool[np.ndarray, " row"], dict[str, int]]:
        """Return who lies within the limits of the study, and how many rows are left out by which."""
        kept, out = np.ones(len(self.weights), dtype=bool), {}
        for key, (low, high) in limits.items():
            if key in self.known:
                slack = 1e-9 * max(abs(low), abs(high))
                inside = (self.known[key] >= low - slack) & (self.known[key] <= high + slack)
                if n := int(np.sum(kept & ~inside)):
                    out[f"{key} beyond {low:.6g} to {high:.6g} {UNITS[key]} of the study"] = n
                kept &= inside
        return kept, out

    def ranks(self, key: str, kept: Bool[np.ndarray, " row"]) -> Float[np.ndarray, "two row"]:
        """Return which share of the people that are taken lies below each row, and which share is level with it."""
        _, level = np.unique(self.known[key], return_inverse=True)
        amounts = np.bincount(level, np.where(kept, self.weights, 0.0))
        shares = amounts / amounts.sum()
        return np.stack([np.cumsum(shares) - shares, shares])[:, level]

    def pick(self, luck: Float[np.ndarray, " person"], kept: Bool[np.ndarray, " row"]) -> Int[np.ndarray, " person"]:
        """Return the row of each person, by their luck (0 to 1)."""
        ladder = np.cumsum(np.where(kept, self.weights, 0.0))
        # No row that is left out is ever reached: it adds nothing to the ladder, and the side is the right one.
        return np.minimum(np.searchsorted(ladder / ladder[-1], luck, side="right"), int(np.flatnonzero(kept)[-1]))

    def told(self, kept: Bool[np.ndarray, " row"], out: Mapping[str, int]) -> str:
        """Return in words how many rows are taken, which are left out and why, and how many people they amount to."""
        weights = self.weights[kept]
        rows = len(self.weights) + sum(self.left_out.values())
        reasons = {**self.left_out, **out}
        left = "; ".join(f"{n} left out: {why}" for why, n in reasons.items()) or "none left out"
        effective = weights.sum() ** 2 / np.sum(weights**2)
        told = f"People are drawn from {self.text}: {len(weights)} of {rows} rows ({left})"
        if np.ptp(weights) > 0.0:
            told += f", which by their weights amount to {effective:.1f} different people"
        ignored = f" Columns that are not read: {', '.join(self.ignored)}." if self.ignored else ""
        level = ["_".join(filter(None, one)) for one, scores in self.scores.items() if np.ptp(scores[kept]) == 0.0]
        alike = f" The same in all of them, and so no entry level: {', '.join(level)}." if level else ""
        return f"{told}. Lesions, and what the table has no column of, are drawn as the study says.{ignored}{alike}"


@dataclass(frozen=True)
class TableField(ReadField):
    """A field that names a table of people: a file in the folder of the study or below it."""

    def published(self) -> JsonSchemaValue:
        """Describe the name of the file in the published schema."""
        return {"type": "string", "minLength": 1, "pattern": r"\.(csv|parquet)$", "examples": ["registry.csv"]}

    def read_in(self, value: object, info: Checking, without: Collection[str] = ()) -> PeopleTable:
        """Read the table, or refuse what is none, with the way to mend it; columns of keys `without` are not read."""
        if isinstance(value, PeopleTable):
            return value
        allowed = 'a table beside the study, such as "registry.csv" or "registry.parquet"'
        if not isinstance(value, str) or not value.lower().endswith((".csv", ".parquet")) or "\0" in value:
            refuse(Problem((), "It names no table of people.", value, allowed, do="Name a .csv or .parquet file."))
        if (elsewhere := shipped_files.not_here(value, shipped_files.tables(), "table of people")) is not None:
            refuse(elsewhere)
        path = shipped_files.place_of(value, (info.context or {}).get("folder"), shipped_files.tables())
        if path is None:
            why = "A table lies in the folder of the study or below it, so that both can be passed on together."
            refuse(Problem((), why, value, allowed, do="Copy it beside the study file, and write its name alone."))
        try:
            with _delimited.opened(path, _MOST_BYTES) as stream:
                content = stream.read()
            cells = _parquet(content) if value.lower().endswith(".parquet") else _csv(content)
        except _delimited.DelimitedError as error:
            one = error.trouble
            given = one.given if one.line is None else f"line {one.line}: {one.given}"
            refuse(
                Problem((), f"{one.why[:1].upper()}{one.why[1:]}.", given, one.allowed, one.nearest, do=f"{one.do}.")
            )
        columns = _columns(cells, without)
        return _table(value, path, hashlib.sha256(content).hexdigest(), cells, columns)


def _csv(content: bytes) -> dict[str, list[str]]:
    # No line is a comment: the identity of a person may begin with any sign.
    rows = _delimited.rows(io.BytesIO(content), _MOST_BYTES, lambda line, text: None, signs=())
    _, header = next(rows, (0, []))
    if len(header) == 1 and (parted := next((word for sign, word in _PARTED.items() if sign in header[0]), None)):
        raise _delimited.refused(parted, "commas part the cells of a table", "Save it with commas between the cells")
    names, cells = _once(header), [row for _, row in rows]
    ragged = next((len(row) for row in cells if len(row) != len(names)), None)
    if ragged is not None:
        raise _delimited.refused(f"{ragged} cells", f"the header has {len(names)}", "Give each row a cell a column")
    return dict(zip(names, map(list, zip(*cells, strict=True)), strict=True)) if cells else {one: [] for one in names}


def _once(header: Sequence[str]) -> list[str]:
    """Return the names of columns without blanks around them; refuse one that stands there twice."""
    names = [name.strip() for name in header]
    if twice := next((name for name, n in Counter(filter(None, names)).items() if n > 1), None):
        do, allowed = "Remove one of them, or rename it", "each name once"
        raise _delimited.refused(twice, "two columns have this name", do, allowed=allowed)
    return names


def _parquet(content: bytes) -> dict[str, list[str]]:
    import polars as pl

    try:
        table = pl.read_parquet(io.BytesIO(content))
    except Exception as failure:
        raise _delimited.refused("a file", f"it is no Parquet ({failure})"[:200], "Write it anew") from None
    texts: dict[str, list[str]] = {}
    for name, column in zip(_once(table.columns), table.iter_columns(), strict=True):
        texts[name] = []
        if name in COLUMNS or _score_of(name) is not None:
            try:
                texts[name] = column.cast(pl.String, strict=False).fill_null("").to_list()
            except pl.exceptions.PolarsError:
                why, do = f"the column {name} holds {column.dtype}", "Write numbers or words in it"
                raise _delimited.refused(f"{column.dtype}", why, do, allowed="numbers or words") from None
    return texts


def _columns(names: Collection[str], without: Collection[str]) -> tuple[_Read, tuple[str, ...]]:
    """Return the columns that are read, each with scale and limb where it is a charted score, and those that are not;
    refuse columns that are not understood.
    """
    read: _Read = {}
    ignored: list[str] = []
    for name in names:
        charted = _score_of(name)
        if charted is not None or (name in COLUMNS and COLUMNS[name].key not in without):
            read[name] = charted
        elif name not in COLUMNS and (close := _almost(name)):
            why = f"The column {name} looks like one that is read, and its name does not say which, or in which unit."
            allowed, do = f"{', '.join(COLUMNS)}, or a charted score such as ashworth_leg", "Rename it, or remove it."
            refuse(Problem((), why, name, allowed, close, do=do))
        elif name:
            ignored.append(name)
    keys = [COLUMNS[name].key for name, charted in read.items() if charted is None]
    if twice := next((key for key in keys if keys.count(key) > 1), None):
        both = ", ".join(name for name in read if name in COLUMNS and COLUMNS[name].key == twice)
        refuse(Problem((), f"{twice} stands there twice.", both, "one column of it", do="Remove one."))
    if not read:
        allowed = f"{', '.join(COLUMNS)}, or a charted score such as ashworth_leg"
        refuse(Problem((), "No column tells anything of people.", ", ".join(names), allowed, do="Name its columns so."))
    return read, tuple(ignored)


def _almost(name: str) -> tuple[str, ...]:
    """Return the columns that a name may mean, which is not quite one of them; none where it means something else."""
    plain = name.casefold()
    scale = plain.removesuffix("_leg").removesuffix("_arm")
    if scale in SCALES and SCALES[scale].is_score:
        return (f"{scale}_leg", f"{scale}_arm") if SCALES[scale].of_limb else (scale,)
    return (tuple(nearest(plain, COLUMNS)) or tuple(COLUMNS)) if _LIKE.match(plain) else ()


def _table(
    text: str, path: Path, digest: str, cells: Mapping[str, Sequence[str]], columns: tuple[_Read, tuple[str, ...]]
) -> PeopleTable:
    """Return the table of cells as text: the numbers of who is kept."""
    read, ignored = columns
    known: dict[str, Float[np.ndarray, " row"]] = {}
    kept: Bool[np.ndarray, " row"] | None = None
    left_out: dict[str, int] = {}
    for name, numbers, bounds in _numbers(cells, read):
        kept = np.ones(len(numbers), dtype=bool) if kept is None else kept
        strange = f"is none of {', '.join(_SEX)}" if name == "sex" else "is no number"
        for which, why in ((np.isnan(numbers), "is missing"), (np.isinf(numbers), strange)):
            kept = _leave(kept, which, f"{name} {why}", left_out)
        kept = _leave(
            kept, (numbers < bounds.low) | (numbers > bounds.high), f"{name} beyond {bounds.allowed}", left_out
        )
        known[name] = numbers
    assert kept is not None
    _enough(kept, len(kept), left_out, "Mend the rows, or describe people by spreads.")
    of_study = {COLUMNS[name].key: known[name][kept] for name, charted in read.items() if charted is None}
    weights = of_study.pop("", np.ones(int(kept.sum())))
    charts = {charted: known[name][kept] for name, charted in read.items() if charted is not None}
    return PeopleTable(text, path, digest, of_study, charts, weights, left_out, ignored)


def _enough(kept: Bool[np.ndarray, " row"], rows: int, left_out: Mapping[str, int], do: str) -> None:
    """Refuse fewer people than tell how people differ."""
    if kept.sum() < FEWEST:
        most = sorted(left_out.items(), key=lambda reason: -reason[1])
        reasons = f" Left out: {'; '.join(f'{n}: {why}' for why, n in most)}." if most else ""
        why = f"So few people do not tell how people differ.{reasons}"
        refuse(Problem((), why, f"{int(kept.sum())} of {rows} rows", f"{FEWEST} rows or more", do=do))


def _numbers(
    cells: Mapping[str, Sequence[str]], read: _Read
) -> Iterator[tuple[str, Float[np.ndarray, " row"], Bounds]]:
    """Yield the numbers of each column that is read, in the unit of the study, and their bounds."""
    for name, charted in read.items():
        numbers = np.array([_number(cell, _SEX if name == "sex" else {}) for cell in cells[name]])
        if charted is None:
            yield name, COLUMNS[name].factor * numbers, COLUMNS[name].bounds
        else:
            scale = SCALES[charted[0]]
            ends = (f"{scale.lowest:g}", f"{scale.highest:g}")
            yield name, numbers, Bounds(scale.lowest, scale.highest, ends, scale.label)


def _number(cell: str, words: Mapping[str, float]) -> float:
    """Return a cell as a number; NaN where it is missing, infinite where it is none."""
    plain = cell.strip().casefold()
    if plain in _MISSING:
        return math.nan
    try:
        found = words[plain] if words else float(plain)
    except (KeyError, ValueError):
        return math.inf
    return found if math.isfinite(found) else math.inf


def _leave(
    kept: Bool[np.ndarray, " row"], which: Bool[np.ndarray, " row"], why: str, left_out: dict[str, int]
) -> Bool[np.ndarray, " row"]:
    """Return who is kept without these, and count them by the reason; each row counts once."""
    if n := int(np.sum(kept & which)):
        left_out[why] = n
    return kept & ~which


def _score_of(name: str) -> tuple[str, str] | None:
    """Return scale and limb of a column of charted scores, such as ashworth_leg; None for another column."""
    for limb in ("leg", "arm", ""):
        scale = name.removesuffix(f"_{limb}") if limb else name
        is_charted = (scale != name or not limb) and scale in SCALES and SCALES[scale].is_score
        if is_charted and SCALES[scale].of_limb == bool(limb):
            return scale, limb
    return None


def filled(tables: dict[str, Any], table: PeopleTable, limits: Mapping[str, tuple[float, float]]) -> dict[str, Any]:
    """Return the population of a study file with what the rows within its limits say where the file says nothing."""
    made = dict(tables)
    kept, out = table.within(limits)
    do = "Widen the limits of the study, or bring more people."
    _enough(kept, len(kept) + sum(table.left_out.values()), {**table.left_out, **out}, do)
    weights = table.weights[kept]
    known = {key: numbers[kept] for key, numbers in table.known.items()}
    for key, unit in UNITS.items():
        if key in known and key not in made:
            low, high = float(known[key].min()), float(known[key].max())
            high = high if high > low else low + max(low, 1.0) * 1e-6
            mean, sd = _moments(known[key], weights)
            numbers = {"mean": min(max(mean, low), high), "sd": sd, "min": low, "max": high}
            made[key] = {name: f"{number:.15g} {unit}" for name, number in numbers.items()}
    if "women" in known and "women" not in made:
        made["women"] = _moments(known["women"], weights)[0]
    rows = list(made.get("baseline", ())) if isinstance(made.get("baseline", ()), list | tuple) else []
    said, stated = {(row.get("scale"), row.get("limb", "")) for row in rows if isinstance(row, dict)}, len(rows)
    for (scale, limb), scores in table.scores.items():
        mean, sd = _moments(scores[kept], weights)
        if (scale, limb) not in said and sd > 0.0:
            rows.append({"scale": scale, "mean": mean, "sd": sd} | ({"limb": limb} if limb else {}))
    levels = [(row["scale"], row.get("limb", "")) for row in rows[stated:]]
    made["table"] = replace(table, tells=(*(key for key in made if key not in tables), *levels))
    return made | ({"baseline": rows} if rows else {})


def _moments(numbers: Float[np.ndarray, " row"], weights: Float[np.ndarray, " row"]) -> tuple[float, float]:
    """Return weighted mean and standard deviation, which is 0 where only rounding differs."""
    mean = float(np.average(numbers, weights=weights))
    sd = float(np.sqrt(np.average((numbers - mean) ** 2, weights=weights)))
    return mean, sd if sd > 1e-9 * abs(mean) else 0.0
