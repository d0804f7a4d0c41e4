"""What the builds before gave: results on record, which criterion each was graded by, and what moved since."""

from __future__ import annotations

import dataclasses
import datetime
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter

from eutonia.errors import EutoniaError
from eutonia.report.papers.criteria import Criteria
from eutonia.report.papers.judged import Judged

# Fewer or more replicate trials move a mean by about this share of the width of its interval, and that is no news.
_CHANCE = 0.12
_MOST_TOLD = 40


class _Build(BaseModel):
    version: str
    date: str
    replicates: int
    criteria: str
    parameters: str
    sets: dict[str, str]


class _Result(BaseModel):
    criterion: str
    confidence: float
    since: datetime.date


class _Record(BaseModel):
    build: _Build
    moved: list[str]
    results: dict[str, _Result]


_OF_A_ROW = [one.name for one in dataclasses.fields(Judged) if one.name not in ("source", "key")]


def read(file: Path) -> dict[str, Any]:
    """Return the record of the last build; an empty one where there was none.

    Raises
    ------
    EutoniaError
        The file is damaged.
    """
    if not file.is_file():
        return {"build": {}, "moved": [], "results": {}}
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        _Record.model_validate(found)
        of_a_row = TypeAdapter(Judged)
        for name, one in found["results"].items():
            source, _, key = name.partition(": ")
            own = {"source": source, "key": key} | {column: one[column] for column in _OF_A_ROW}
            of_a_row.validate_python(own)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as trouble:
        said = " ".join(str(trouble).split())
        raise EutoniaError(
            f'"{file}" is damaged ({type(trouble).__name__}: {said:.160}). Allowed: the record of the last build, as '
            "it was written. Nearest: the file of the last release. Restore it: without it nobody can tell which came "
            "first, a result or its criterion."
        ) from None
    return dict(found)


def refuse_future(criteria: Criteria, today: datetime.date) -> None:
    """Refuse criteria of a day to come, before anything is computed.

    Raises
    ------
    EutoniaError
        They are.
    """
    if criteria.stated > today:
        raise EutoniaError(
            f"criteria.toml was stated on {criteria.stated}, and today is {today}. Allowed: a day before the build, or "
            f"its own. Nearest: {today}. Correct the date: a criterion stands before what it judges."
        )


def refuse_younger(rows: Sequence[Judged], criteria: Criteria, before: Mapping[str, Any]) -> None:
    """Refuse criteria that are younger than a result that they judge.

    Raises
    ------
    EutoniaError
        A number of which a result is on record has another criterion now.
    """
    for row in rows:
        old = before["results"].get(f"{row.source}: {row.key}")
        if old is None or old["published"] != row.published:
            continue
        same = abs(old["margin"] - row.margin) <= 1e-9 * max(row.margin, 1.0)
        if not same or old["confidence"] != criteria.confidence:
            raise EutoniaError(
                f"{row.source}, {row.key}: the criterion is ± {row.margin:g} at {criteria.confidence:g}, and the "
                f"result on record since {old['since']} was graded by ± {old['margin']:g} at {old['confidence']:g}. "
                f"Allowed: the criterion that stood before the result. Nearest: ± {old['margin']:g}. Put it back: what "
                "is younger than a result judges only numbers that nobody has predicted yet."
            )


def results(
    rows: Sequence[Judged], criteria: Criteria, before: Mapping[str, Any], today: datetime.date
) -> dict[str, Any]:
    """Return results as plain data, each with the day since which one is on record; those not built again stay."""
    found = dict(before["results"])
    for row in rows:
        key = f"{row.source}: {row.key}"
        since = found.get(key, {}).get("since", today.isoformat())
        own = {name: _short(getattr(row, name)) for name in _OF_A_ROW}
        found[key] = own | {"criterion": criteria.sha256, "confidence": criteria.confidence, "since": since}
    return dict(sorted(found.items()))


def _short(value: object) -> object:
    """Return a number with the digits that mean anything, so that builds can be laid beside each other."""
    return float(f"{value:.6g}") if isinstance(value, float) else value


def moved(
    rows: Sequence[Judged],
    build: Mapping[str, Any],
    before: Mapping[str, Any],
) -> list[str]:
    """Return in sentences what is no longer as the last build had it; none where nothing was built before."""
    old_build = before["build"]
    if not old_build:
        return []
    told = []
    for name, what in (("version", "Eutonia"), ("replicates", "replicate trials")):
        if old_build.get(name) != build[name]:
            told.append(f"{what}: {old_build.get(name)}, now {build[name]}.")
    sets = build["sets"]
    changed = sorted(
        name for name in {*sets, *old_build.get("sets", {})} if sets.get(name) != old_build["sets"].get(name)
    )
    if changed:
        told.append(f"Parameter sets with other numbers: {', '.join(changed)}.")
    same_number = old_build.get("replicates") == build["replicates"]
    lines = [line for row in rows if (line := _moved_row(row, before["results"], same_number))]
    more = len(lines) - _MOST_TOLD
    told += lines[:_MOST_TOLD] + ([f"{more} more numbers moved."] if more > 0 else [])
    return told or [f"nothing moved (build of {old_build['date']})."]


def _moved_row(row: Judged, before: Mapping[str, Any], same_number: bool) -> str:
    old = before.get(f"{row.source}: {row.key}")
    if old is None:
        return f"{row.source}, {row.key}: new, {row.predicted:.3g} {row.unit}".strip() + "."
    slack = 0.0 if same_number else _CHANCE * (row.high - row.low)
    now, then = f"{row.predicted:.3g}", f"{old['predicted']:.3g}"
    verdicts = [
        f"{was}, now {now_is}"
        for was, now_is in ((old["grade"], row.grade), (old["equivalence"], row.equivalence))
        if was != now_is
    ]
    if now == then or abs(row.predicted - old["predicted"]) <= slack:
        return f"{row.source}, {row.key}: {'; '.join(verdicts)}." if verdicts and same_number else ""
    verdict = f" ({'; '.join(verdicts)})" if verdicts else ""
    return f"{row.source}, {row.key}: {then}, now {now}{verdict}."


def write(file: Path, content: Mapping[str, Any]) -> None:
    """Write the record of a build."""
    file.write_text(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
