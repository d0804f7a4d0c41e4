"""Scores in parts: the table is that of the parts in their order, and a writer holds few of them at once."""

from __future__ import annotations

import dataclasses
import json
import pickle
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import report_examples as examples

from eutonia.report import exports, page
from eutonia.report.trial import aggregate
from eutonia.trial import scores
from eutonia.trial.scores import ScorePart, ScoreTable

PARTS, PEOPLE = 60, 500


class Read:
    """Makes the rows of parts, and knows which files were begun when the last of them was made."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.times, self.begun = folder, 0, set[str]()

    def rows(self, part: int) -> pl.DataFrame:
        self.times += 1
        self.begun |= {one.name for one in self.folder.iterdir() if part == PARTS - 1}
        who = np.arange(PEOPLE, dtype=np.int64)
        return pl.DataFrame({"patient": who, "replicate": (who // 250).astype(np.int32), "score": who * 0.5 + part})


@pytest.fixture
def read(tmp_path: Path) -> Read:
    return Read(tmp_path)


@pytest.fixture
def many(read: Read) -> ScoreTable:
    """Two arms at thirty visits."""
    parts = [
        ScorePart("only", ("drug", "sham")[k % 2], f"{k // 2} day", 24.0 * (k // 2), "leg", "ashworth", "mean", "human",
             partial(read.rows, k))
        for k in range(PARTS)
    ]  # fmt: skip
    return ScoreTable(parts, lambda: PEOPLE)


def test_a_table_is_written_as_it_comes_and_is_that_of_the_parts(
    many: ScoreTable, read: Read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scores, "_ROWS", 2 * PEOPLE)
    result = examples.trial(scores=many, patients=None, adverse=None, reactions=None)
    exports.write_tables(result, tmp_path, csv=True)
    assert read.times == 2 * PARTS
    assert read.begun == {"visits.parquet", "visits.csv"}, "a writer that first reads everything holds all of it"
    written = pl.read_parquet(tmp_path / "visits.parquet")
    text = [pl.col(name).cast(pl.String) for name in scores.TEXT]
    assert written.equals(many.table().with_columns(text))
    assert written.equals(pl.read_csv(tmp_path / "visits.csv", schema=written.schema))
    assert written.columns == list(scores.COLUMNS)
    assert written["score"].to_list() == [0.5 * who + k for k in range(PARTS) for who in range(PEOPLE)]
    told = json.loads(pl.read_parquet_metadata(tmp_path / "visits.parquet")["columns"])
    assert told["time_h"]["unit"] == "h"


def test_changes_are_read_from_two_visits_of_each_arm(many: ScoreTable, read: Read) -> None:
    result = examples.trial(scores=many, quantities=())
    (found,) = aggregate.responses(result)
    assert (found.first, found.last, [arm.arm for arm in found.arms]) == ("0 day", "29 day", ["drug", "sham"])
    assert [arm.mean for arm in found.arms] == [58.0, 58.0]
    assert read.times == 4
    # A toxin whose effect a study asks for at week 4 was shown at week 16, when it is gone.
    asked = dataclasses.replace(result, judged_at=(found.phase, 10 * 24.0))
    assert aggregate.responses(asked)[0].last == "10 day"


def test_a_page_does_not_make_the_table_of_all_scores(many: ScoreTable) -> None:
    result = examples.trial(scores=many)
    run = {**result.run, "study_text": 'route = "intrathecal infusion"'}
    asked = dataclasses.replace(result, run=run)
    assert "ten numbers that move" in page.html(asked)
    assert "visits" not in vars(asked), "every score is in memory"


def test_a_table_in_memory_has_the_same_parts(many: ScoreTable) -> None:
    held = ScoreTable.of(many.table())
    assert [(p.phase, p.arm, p.time_h) for p in held.parts] == [(p.phase, p.arm, p.time_h) for p in many.parts]
    assert pl.concat(held.frames()).equals(many.table())
    assert held.people == PEOPLE
    assert held.table(held.parts[3:5]).cast({"arm": pl.String})["arm"].unique().sort().to_list() == ["drug", "sham"]
    nothing = ScoreTable.of(many.table().clear())
    assert (nothing.is_empty, nothing.people) == (True, 0)


def test_scores_go_to_another_process(many: ScoreTable) -> None:
    assert pickle.loads(pickle.dumps(many)).table().equals(many.table())
