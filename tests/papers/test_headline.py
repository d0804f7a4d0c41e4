"""The numbers that the project stands on: what is printed is what the program gives, and a change says what moved.

After a change that means to move them: `python calibration/drug.py --rounds 0 --write`, `python papers/build.py`.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path

import drug as calibration
import numpy as np
import pytest

import eutonia
from eutonia.report.papers import tables
from eutonia.trial.result import StudyResult

pytestmark = pytest.mark.xdist_group("headline")

ROOT = Path(__file__).parents[2]
PRINTED, HELD = ((ROOT / "papers" / name).read_text(encoding="utf-8") for name in ("README.md", "held.md"))
REPLICATES = 60
# Printed means are of 500 replicates, those here of 60: about a thirtieth of the interval's width apart.
SLACK = 0.12
NUMBER = r"(-?[\d.]+) \((-?[\d.]+) to (-?[\d.]+)\)"


def rows_of(section: str) -> dict[str, tuple[float, float, float]]:
    """Return what is predicted in each row of a table: mean, low, high."""
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in section.splitlines() if line.startswith("| ")]
    found = [(f"{row[0]}, {row[1]}", re.match(NUMBER, row[2])) for row in cells]
    return {key: tuple(map(float, match.groups())) for key, match in found if match}  # type: ignore[misc]


PREDICTED = [
    name for name, file in eutonia.shipped().items() if "\n[[published]]\n" in file.read_text(encoding="utf-8")
]


@pytest.fixture(scope="module", params=PREDICTED)
def trial(request: pytest.FixtureRequest) -> StudyResult:
    """A shipped trial, played again with the numbers of the records: draws of them cost the time of twenty trials."""
    return eutonia.run(eutonia.load_study(request.param).override(parameters="frozen"), replicates=REPLICATES)


def test_the_shipped_trials_come_out_as_printed(trial: StudyResult) -> None:
    _, _, after = HELD.partition(f"## {trial.title}\n")
    printed, now = rows_of(after.partition("\n## ")[0]), rows_of(tables.section(trial, ()))
    assert printed.keys() == now.keys()
    moved = []
    for key, (mean, low, high) in printed.items():
        if abs(now[key][0] - mean) > SLACK * (high - low) + 0.05 * abs(mean) * (high == low) + 0.005:
            moved.append(f"{key}: printed {mean:g} ({low:g} to {high:g}), now {now[key][0]:g}")
    assert not moved, "\n".join(moved)


def test_what_is_predicted_has_the_middle_of_the_held_numbers_and_wider_intervals() -> None:
    """A table that was built of other draws, or of none, does not go with the one that is played above."""
    predicted, held = rows_of(PRINTED.partition("# Numbers of single papers")[0]), rows_of(HELD)
    assert predicted.keys() == held.keys()
    pairs = [(predicted[key], held[key]) for key in held if held[key][2] > held[key][1]]
    wider = [(of[2] - of[1]) / (alone[2] - alone[1]) for of, alone in pairs]
    assert 1.05 < np.median(wider) < 1.6
    for key, (mean, low, high) in predicted.items():
        assert abs(mean - held[key][0]) < 0.25 * (high - low) + 0.01, key


def test_numbers_of_single_papers_come_out_as_printed() -> None:
    _, _, printed = PRINTED.partition("# Numbers of single papers")
    singles = [file.parent.name for file in (ROOT / "papers").glob("*/targets.csv")]
    _, _, now = eutonia.papers(singles).printed.partition("# Numbers of single papers")
    moved = [(old, new) for old, new in zip(printed.splitlines(), now.splitlines(), strict=True) if old != new]
    assert not moved


def frozen(kind: str) -> list[dict[str, str]]:
    with calibration.FROZEN.open(newline="", encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if row["kind"] == kind]


def test_fitted_records_are_those_that_their_script_was_frozen_with() -> None:
    assert [row["name"] for row in frozen("record")] == [one.name for one in calibration.PARAMETERS]
    moved = [
        f"{one.set}.{one.name}: frozen {row['value_or_published']}, shipped {one.shipped:g} {one.unit}"
        for one, row in zip(calibration.PARAMETERS, frozen("record"), strict=True)
        if one.shipped != pytest.approx(float(row["value_or_published"]), rel=1e-6)
    ]
    assert not moved, "\n".join(moved)


def test_calibration_targets_come_out_as_frozen() -> None:
    """Within a tenth of what each published number is known to."""
    now = calibration.shipped()
    moved = [
        f"{row['name']} ({row['unit_or_rows']}): frozen {row['predicted']}, now {now[row['name']]:.4g}"
        for row in frozen("target")
        if abs(now[row["name"]] - float(row["predicted"])) > 0.1 * float(row["tolerance"])
    ]
    assert len(frozen("target")) == len(calibration.TARGETS)
    assert not moved, "\n".join(moved)


def test_the_front_page_says_what_the_tables_say() -> None:
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    assert tables.front(PRINTED, page) == page
