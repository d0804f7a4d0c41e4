"""What there is to believe a run by: its records, the tests, published results, calibration data; nothing typed in."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eutonia import parameters
from eutonia.parameters import influence
from eutonia.parameters.record import DISTANCES, Parameter
from eutonia.report.credibility import domain
from eutonia.report.credibility.tests_of import TestFile

#: Statuses of numbers that nobody has read in a source.
UNREAD = ("assumed", "recalled")


@dataclass(frozen=True)
class AskedRun:
    """The run whose credibility is asked for; without a study it is the program as a whole.

    `people` has the values of people by column of the table of patients, `doses` those given by route and unit;
    `are_ends` where only the ends of a range are known.
    """

    study: str = ""
    title: str = "Eutonia as a whole"
    kind: str = "program"
    origin: str = ""
    question: str = ""
    scales: tuple[str, ...] = ()
    visits: tuple[str, ...] = ()
    arms: tuple[str, ...] = ()
    people: Mapping[str, Sequence[float]] = field(default_factory=dict)
    doses: Sequence[tuple[str, str, Sequence[float]]] = ()
    are_ends: bool = False
    intervals: str = ""
    run: Mapping[str, Any] = field(default_factory=dict)
    caveats: tuple[str, ...] = ()


@dataclass(frozen=True)
class Evidence:
    """All that was found."""

    asked: AskedRun
    records: tuple[Parameter, ...]
    tests: tuple[TestFile, ...]
    papers: Mapping[str, Any]
    criteria: Any
    calibration: tuple[Mapping[str, str], ...]
    influential: tuple[str, tuple[str, ...]] = ("", ())

    def by_status(self) -> dict[str, int]:
        """Return how many numbers have each status."""
        return dict(Counter(record.status for record in self.records).most_common())

    def by_distance(self) -> dict[str, int]:
        """Return in what sources differ from the use, by what that is called."""
        meant: dict[str, str] = {str(word): text for word, text in DISTANCES.items()}
        found = Counter(meant[word] for record in self.records for word in record.distance)
        return dict(found.most_common())

    def fitted_by(self) -> dict[str, int]:
        """Return how many numbers each script of the calibration fitted."""
        found = (re.match(r"calibration/\w+\.py", record.where) for record in self.records if record.status == "fitted")
        return dict(Counter(match[0] if match else "a script that is no more" for match in found).most_common())

    def unread_and_influential(self) -> list[str]:
        """Return which of the ten most influential numbers nobody has read in a source, with their status."""
        by_key = {f"{record.set}.{record.name}": record for record in self.records}
        found = (by_key[key] for key in self.influential[1] if key in by_key)
        return [f"{one.label[:1].lower()}{one.label[1:]} ({one.status})" for one in found if one.status in UNREAD]

    def graded(self, *, trials: bool) -> list[Mapping[str, Any]]:
        """Return the published results of trials, or of single papers, as the last build judged them."""
        return [one for one in self.papers["results"].values() if (one["crps"] is not None) == trials]

    def own_papers(self) -> list[Mapping[str, Any]]:
        """Return the published results of the study that is asked for, as the last build judged them."""
        mark = f"{self.asked.study}: "
        return [one for key, one in self.papers["results"].items() if self.asked.study and key.startswith(mark)]

    def domain(self) -> list[domain.Checked]:
        """Return the people and doses of the run beside what the calibration data have seen."""
        rows, people, are_ends = self.calibration, self.asked.people, self.asked.are_ends
        found = [
            domain.checked(what, unit, people.get(column, ()), seen(rows, self.asked.origin), are_ends=are_ends)
            for what, unit, column, seen in domain.PEOPLE
        ]
        for route, unit, given in self.asked.doses:
            seen = domain.doses(rows, route, unit)
            found.append(domain.checked(f"{route} dose", unit.replace("/d", "/day"), given, seen, are_ends=False))
        return found


def records_of(run: Mapping[str, Any]) -> tuple[Parameter, ...]:
    """Return the records that a run rests on, as they are now; all of them without a run."""
    if names := run.get("rests_on"):
        return influence.records(names)
    return tuple(record for name in parameters.sets() for record in parameters.load(name).records())


def rows_of(file: Path) -> tuple[Mapping[str, str], ...]:
    """Return the rows of the calibration data."""
    with file.open(encoding="utf-8", newline="") as opened:
        return tuple(csv.DictReader(opened))
