"""The numbers that move the predictions of a kind of study most, as `calibration/influence.py` found them."""

from __future__ import annotations

import csv
import functools
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from eutonia.parameters.folders import sets as shipped_sets
from eutonia.parameters.library import load
from eutonia.parameters.record import Parameter
from eutonia.parameters.used import unrecorded

#: The table that ships, its columns, and how many numbers of each study it keeps.
FILE = Path(__file__).parent / "data" / "influence.csv"
COLUMNS = ("kind", "study", "rank", "record", "share")
MOST = 10
#: What the text of a study holds where drug is given into the spinal fluid.
_BY_PUMP = re.compile(r'^\s*route = "intrathecal|^\[+pump|^program = ', re.MULTILINE)


def kind_of(kind: str, text: str) -> str:
    """Return the kind of a study ("trial" or "case") by the text of its file: with a "pump" or with "tablets"."""
    return f"{kind} with {'pump' if _BY_PUMP.search(text) else 'tablets'}"


@functools.cache
def _rows() -> tuple[Mapping[str, str], ...]:
    with FILE.open(encoding="utf-8", newline="") as opened:
        return tuple(csv.DictReader(opened))


def most(study: str, kind: str) -> tuple[str, tuple[str, ...]]:
    """Return whose numbers these are, and the ten that move its predictions most: the study's own, or of its kind.

    Nothing is known of a study of a kind that no table has: both are empty then.
    """
    for column, wanted in (("study", study), ("kind", kind)):
        found = [row for row in _rows() if row[column] == wanted]
        if found:
            first = found[0]["study"]
            own = sorted((row for row in found if row["study"] == first), key=lambda row: int(row["rank"]))
            return first, tuple(row["record"] for row in own)
    return "", ()


def records(names: Iterable[str]) -> tuple[Parameter, ...]:
    """Return the records of these names as they are now; one that is no more is left out."""
    found = (name.partition(".")[::2] for name in names)
    sets = {of: load(of) for of in shipped_sets()}
    with unrecorded():
        return tuple(sets[of][name] for of, name in found if of in sets and name in sets[of])
