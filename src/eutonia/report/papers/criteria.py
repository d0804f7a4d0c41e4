"""What a prediction is judged by beside its interval: a clinical margin for each kind of statistic, stated before."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from eutonia.assessment.scales import SCALES
from eutonia.errors import ParameterError, unknown
from eutonia.parameters.library import parse_toml
from eutonia.study.published import Statistic

Equivalence = Literal["equivalent", "within the margin", "outside"]
#: Kinds of numbers of single papers, beside the statistics of trials.
OF_A_PAPER, SHARE_OF_A_PAPER = "number of a paper", "share of a paper"
_STATISTICS = (*get_args(Statistic), OF_A_PAPER, SHARE_OF_A_PAPER)
_BASELINES = ("no_change", "calibration_mean")


@dataclass(frozen=True, slots=True)
class Margin:
    """How far apart a prediction and a published number may lie, for some statistics (and kinds of scales).

    Either `absolute` (in the unit of the number) or `relative` (a share of the published number) is given.
    """

    name: str
    statistics: tuple[str, ...]
    scales: tuple[str, ...]
    absolute: float | None
    relative: float | None
    reason: str

    def of(self, published: float) -> float:
        """Return the margin in the unit of the published number."""
        return self.absolute if self.absolute is not None else float(self.relative or 0.0) * abs(published)


@dataclass(frozen=True, slots=True)
class Criteria:
    """All margins, the day on which they were stated, and the digest of the file that states them."""

    stated: datetime.date
    confidence: float
    margins: tuple[Margin, ...]
    baselines: Mapping[str, Any]
    sha256: str

    def margin(self, statistic: str, scale: str = "") -> Margin:
        """Return the margin of a statistic of a scale.

        Raises
        ------
        ParameterError
            No margin is stated for it.
        """
        kind = SCALES[scale].kind if scale in SCALES else ""
        for one in self.margins:
            if statistic in one.statistics and (not one.scales or kind in one.scales):
                return one
        known = sorted({name for one in self.margins for name in one.statistics})
        raise ParameterError(
            f'criteria.toml states no margin for "{statistic}"{f" of {scale}" if scale else ""}. Allowed: a statistic '
            f"that it names: {', '.join(known)}. Nearest: {known[0]}. State one before the number is predicted."
        )


def equivalence(predicted: float, published: float, half_width: float | None, margin: float) -> Equivalence:
    """Return whether a prediction is the same as a published number for the purpose of a clinic.

    Parameters
    ----------
    predicted, published, margin
        In one unit.
    half_width
        Half the interval of the difference: z times the standard error of the published number; two one-sided tests
        are both met where the whole interval lies within the margin. None where no error is known: nothing is sure.
    """
    apart = abs(predicted - published)
    if half_width is not None and apart + half_width <= margin:
        return "equivalent"
    return "within the margin" if apart <= margin else "outside"


def read(file: Path) -> Criteria:
    """Read and check criteria.toml.

    Raises
    ------
    ParameterError
        No such file, one that is no UTF-8, a field that is missing or unknown, or a statistic with two margins.
    """
    try:
        content = file.read_bytes()
    except OSError as trouble:
        raise ParameterError(
            f'"{file}" cannot be read ({trouble.strerror}). Allowed: a folder of papers with its criteria.toml. '
            "Nearest: the one that ships. Leave the folder out, or name one that has the file."
        ) from None
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as trouble:
        raise ParameterError(
            f"{file.name}: byte {trouble.start + 1} is no UTF-8. Allowed: a text in UTF-8. Nearest: the same text, "
            "saved as UTF-8. Save it so."
        ) from None
    tables = parse_toml(text, file.stem)
    _refuse_unknown("field", tables, ("stated", "confidence", "margin", "baseline"), file.name)
    stated, confidence = tables.get("stated"), tables.get("confidence")
    if not isinstance(stated, datetime.date) or isinstance(stated, datetime.datetime):
        raise ParameterError(
            f"{file.name}: stated is {stated!r}. Allowed: the day on which the criteria were stated, without quotation "
            f"marks. Nearest: stated = {datetime.date.today().isoformat()}. Write it."
        )
    if not isinstance(confidence, float) or not 0.5 < confidence < 1.0:
        raise ParameterError(
            f"{file.name}: confidence is {confidence!r}. Allowed: a number between 0.5 and 1. Nearest: 0.90. Write it."
        )
    margins = tuple(_margin(name, table, file.name) for name, table in _tables(tables.get("margin"), file.name).items())
    _each_once(margins, file.name)
    baselines = _tables(tables.get("baseline"), file.name)
    if set(baselines) != set(_BASELINES):
        raise ParameterError(
            f"{file.name}: baselines are {', '.join(baselines) or 'none'}. Allowed: {' and '.join(_BASELINES)}. "
            "Correct the names."
        )
    return Criteria(stated, confidence, margins, baselines, hashlib.sha256(content).hexdigest())


def _tables(table: object, file: str) -> dict[str, dict[str, Any]]:
    if not isinstance(table, dict) or not table or not all(isinstance(one, dict) for one in table.values()):
        raise ParameterError(
            f"{file}: {table!r:.60} stands where margins or baselines are. Allowed: tables. Nearest: [margin.grades]. "
            "Write some."
        )
    return table


def _margin(name: str, table: Mapping[str, Any], file: str) -> Margin:
    where = f"margin.{name} in {file}"
    _refuse_unknown("field", table, ("statistics", "scales", "absolute", "relative", "reason"), where)
    statistics, size = table.get("statistics", []), [table.get(key) for key in ("absolute", "relative")]
    _refuse_unknown("statistic", statistics, _STATISTICS, where)
    given = [one for one in size if one is not None]
    if (
        len(given) != 1
        or not isinstance(given[0], float)
        or given[0] <= 0.0
        or not statistics
        or not table.get("reason")
    ):
        raise ParameterError(
            f"{where}: statistics {statistics!r:.60}, absolute {size[0]!r}, relative {size[1]!r}. Allowed: one "
            "statistic or more, one of absolute and relative, above 0, and a reason. Nearest: absolute = 0.5. Write it."
        )
    return Margin(name, tuple(statistics), tuple(table.get("scales", ())), size[0], size[1], table["reason"])


def _refuse_unknown(what: str, given: Iterable[str], known: Sequence[str], where: str) -> None:
    for one in given:
        if one not in known:
            raise ParameterError(f"{where}: {unknown(what, one, known)}")


def _each_once(margins: Sequence[Margin], file: str) -> None:
    taken: dict[tuple[str, str], str] = {}
    for one in margins:
        for key in ((statistic, scale) for statistic in one.statistics for scale in one.scales or ("",)):
            if taken.setdefault(key, one.name) != one.name:
                raise ParameterError(
                    f'{file}: "{key[0]}" has the margins {taken[key]} and {one.name}. Allowed: one. Take one out.'
                )
