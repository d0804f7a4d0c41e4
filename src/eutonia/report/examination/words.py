"""Findings of bedside tests in words and in numbers: for the page of an examination, and for that of a case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from eutonia._hours import HOURS_A_DAY
from eutonia._middle import MIDDLE_95
from eutonia.examination import TESTS
from eutonia.examination.findings import Finding
from eutonia.report import words

_FEWEST = 10  # people of whom a middle 95 % is told


@dataclass(frozen=True)
class FindingRow:
    """One finding in words: of what, what, its middle, the middle 95 %, and who shows it if not everybody."""

    of: str
    what: str
    middle: str
    interval: str
    who: str


def row(finding: Finding) -> FindingRow:
    """Return a finding in words."""
    known = finding.values[np.isfinite(finding.values)]
    who = "" if known.size == finding.values.size else f"in {known.size} of {finding.values.size}"
    of = words.label(finding.of)
    if not known.size:
        return FindingRow(of, finding.what, "none", "", who)
    if finding.unit == "share":
        return FindingRow(of, finding.what, f"{known.mean():.0%} of people", "", who)
    low, middle, high = quantiles(finding)
    if finding.grades:
        shown = [finding.grades[int(value)] for value in (low, middle, high)]
    elif finding.unit == "count":
        shown = [f"{value:.0f}" for value in (low, middle, high)]
    else:
        shown = list(words.alike((low, middle, high)))
    interval = "" if low == high or known.size < _FEWEST else f"{shown[0]} to {shown[2]}"
    return FindingRow(of, finding.what, words.with_unit(shown[1], finding.unit.replace("count", "")), interval, who)


def quantiles(finding: Finding) -> tuple[float, float, float]:
    """Return low end, middle and high end of the people who show the finding; of grades and counts, those that
    people have.
    """
    known = finding.values[np.isfinite(finding.values)]
    if finding.grades or finding.unit == "count":
        low, middle, high = np.quantile(known, MIDDLE_95, method="inverted_cdf").tolist()
    else:
        low, middle, high = np.quantile(known, MIDDLE_95).tolist()
    return low, middle, high


def sections(found: Sequence[tuple[float, Finding]]) -> list[tuple[str, str, str, list[FindingRow]]]:
    """Return label, how, when and rows of each test of a case."""
    done = groupby(found, key=lambda one: (one[0], one[1].test))
    return [
        (TESTS[test].label, TESTS[test].how, f"day {at_h / HOURS_A_DAY:.4g}", [row(one) for _, one in each])
        for (at_h, test), each in done
    ]


def summary(one: Finding) -> dict[str, Any]:
    """Return a finding as plain data: where, what, unit, people who show it, middle and middle 95 %."""
    known = int(np.isfinite(one.values).sum())
    low, middle, high = quantiles(one) if known else (None, None, None)
    grade = one.grades[int(middle)] if one.grades and middle is not None else ""
    about = {"test": one.test, "key": one.key, "of": one.of, "finding": one.what, "unit": one.unit, "people": known}
    return about | {"low": low, "median": middle, "high": high, "grade": grade}
