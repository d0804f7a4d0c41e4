"""Long tables: read in whole stretches and computed while they are read, the same whatever the stretches, at a cost
that grows with the rows by little and in memory that hardly does.
"""

from __future__ import annotations

import io
import math
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from eutonia import _delimited
from eutonia._delimited import Plain
from eutonia.drug import exposure
from eutonia.errors import DatasetError, EutoniaError
from eutonia.exchange.cells import parse_cells
from eutonia.exchange.events import Reading, TablePart

pytestmark = pytest.mark.interfaces

PIECES = (
    *("1,2,3", "4,5,6", "7,8,9", "10,.,", ",,", "a b,c , d", "#1,2,3", " @1,2,3", "# note", "", "  ", "1,2", "1,2,3,4"),
    *(
        '"1",2,3',
        '"a,b",2,3',
        '"two\nlines",2,3',
        '"x',
        "J\u00fcrgen,2,3",
        "\u00a0,2,3",
        "\u00a0#1,2,3",
        "1,2,3\r",
        "\x1f1,2,3",
    ),
)


def text(luck: random.Random) -> bytes:
    rows = ["a,b,c", *(luck.choice(PIECES[:3]) if luck.random() < 0.7 else luck.choice(PIECES) for _ in range(30))]
    end = luck.choice(("\n", "\n", "\r\n"))
    return (luck.choice(("", "\ufeff", "\n", "# head\n")) + end.join(rows) + luck.choice(("", end))).encode()


def told(read: Callable[..., object], content: bytes) -> tuple[list[tuple[int, list[str]]], list[tuple[int, str]], str]:
    """Rows, comments and the refusal of a text."""
    comments: list[tuple[int, str]] = []
    rows: list[tuple[int, list[str]]] = []
    try:
        for piece in read(io.BytesIO(content), 10_000_000, lambda line, said: comments.append((line, said))):  # type: ignore[attr-defined]
            rows += piece.rows() if isinstance(piece, Plain) else [piece]
    except EutoniaError as refusal:
        return rows, comments, str(refusal)
    return rows, comments, ""


@pytest.mark.parametrize("block", [8, 40, 8_000_000])
def test_stretches_are_the_rows_whatever_is_read_together(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(150):
        content = text(random.Random(seed))
        monkeypatch.setattr(_delimited, "_BLOCK", 8_000_000)
        expected = told(_delimited.rows, content)
        monkeypatch.setattr(_delimited, "_BLOCK", block)
        assert told(_delimited.rows, content) == expected, content
        found = told(_delimited.stretches, content)
        assert found[1:] == expected[1:], content
        assert [(line, [cell.strip() for cell in row]) for line, row in found[0]] == [
            (line, [cell.strip() for cell in row]) for line, row in expected[0]
        ], content


def test_plain_rows_come_in_one_stretch() -> None:
    pieces = list(_delimited.stretches(io.BytesIO(b"a,b\n1,2\n3,4\n5,6\n"), 100, lambda line, said: None))
    assert [type(one) for one in pieces] == [tuple, Plain]
    assert (pieces[1].line, pieces[1].count) == (2, 3)  # type: ignore[union-attr]


ROWS = """ID,TIME,EVID,AMT,CMT,RATE,ADDL,II,CRCL,DV
1,0,1,10,1,0,5,8,90,.
1,0.5,0,.,.,.,.,.,90,55
1,9,0,.,.,.,.,.,60,50
2,0,1,20,2,4,0,0,80,.
2,3,0,.,.,.,.,.,80,1
"a, b",0,1,5,1,0,0,0,80,.
"a, b",1,0,.,.,.,.,.,80,.
#3,0,1,5,1,0,0,0,80,.
4,0,1,10,1,0,5,8,90,.
4,0.5,0,.,.,.,.,.,90,55
"""


def test_levels_do_not_depend_on_what_is_read_together(
    run: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("t.csv").write_text(ROWS)
    for form in ("csv", "parquet"):
        outs = []
        for block in (8_000_000, 60, 10):
            monkeypatch.setattr(_delimited, "_BLOCK", block)
            assert run("exposure", "t.csv", "--out", f"{block}.{form}") == 0
            outs.append(Path(f"{block}.{form}"))
        tables = [pl.read_csv(one) if form == "csv" else pl.read_parquet(one) for one in outs]
        assert tables[0].height == 5
        assert all(one.equals(tables[0]) for one in tables)
        assert form == "parquet" or len({one.read_bytes() for one in outs}) == 1


def test_a_fault_in_the_last_row_leaves_nothing_written_and_is_told_with_its_cell(
    run: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The people before it have been computed by then."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(_delimited, "_BLOCK", 60)
    Path("t.csv").write_text(ROWS.removesuffix("90,55\n") + "90,5o5\n")
    Path("out.csv").write_text("older")
    assert run("exposure", "t.csv", "--out", "out.csv") == 2
    said = capsys.readouterr().err
    assert "row 11, column DV" in said
    assert "5o5" in said
    assert Path("out.csv").read_text() == "older"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["out.csv", "t.csv"]


def test_people_with_a_fault_that_their_durations_show_are_not_computed() -> None:
    """An infusion of ten million intervals was refused after its steps had been made, in minutes and gigabytes."""
    text = b"ID,TIME,EVID,AMT,CMT,RATE,II,SS\n1,0,1,10,1,0.000001,1,1\n1,1,0,.,.,.,.,.\n"
    computed: list[TablePart] = []
    reading = Reading(parse_cells(text, "t.csv"), exposure.model(), {})
    with pytest.raises(DatasetError, match="at most 1,000 intervals"):
        computed.extend(reading.parts())
    assert not computed


_COST = """
import csv, resource, sys
from eutonia import _delimited
from eutonia.cli import main
_delimited._BLOCK = 1_000_000
def used():
    now = resource.getrusage(resource.RUSAGE_SELF)
    return now.ru_utime + now.ru_stime, 1024 * now.ru_maxrss
for name in ("few", "some", "many"):
    before = used()
    sys.argv = ["eutonia", "exposure", f"{name}.csv", "--quiet", "--out", f"{name}.out.csv"]
    try:
        main()
    except SystemExit as end:
        assert not end.code, end.code
    after = used()
    print(after[0] - before[0], after[1] - before[1])
before = used()
with open("many.csv") as file:
    for row in csv.DictReader(file):
        pass
print(used()[0] - before[0])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is counted in kilobytes on Linux")
def test_a_long_table_costs_little_a_row_and_no_memory_a_row(tmp_path: Path) -> None:
    """A row costs about twice what Python's own reader of tables needs to split it (it was six times that; three were
    seen in slow hours of a machine), start-up left out. A table is worked on in stretches, here of 1 MB: what one of
    them takes is the same for a long table and a longer one (it was 10 to 30 bytes a byte).
    """
    for name, people in (("few", 5), ("some", 300), ("many", 1_500)):
        with (tmp_path / f"{name}.csv").open("w") as file:
            file.write("ID,TIME,EVID,AMT,CMT,ADDL,II,CRCL\n")
            for person in range(people):
                crcl = 60 + person % 40
                file.write(f"{person},0,1,10,1,60,8,{crcl}\n")
                file.write("".join(f"{person},{hour},0,.,.,.,.,{crcl}\n" for hour in range(400)))
    made = subprocess.run(
        [sys.executable, "-c", _COST], capture_output=True, text=True, check=True, cwd=tmp_path
    ).stdout.split()
    assert float(made[4]) / float(made[6]) < 4.0, made
    assert float(made[5]) / (tmp_path / "many.csv").stat().st_size < 3.0, made


def test_models_tells_what_one_dose_does(run: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    """Text-book numbers of Simon 2018: CL/F 11.6 L/h, V/F 72.8 L, ka 1.64 /h."""
    assert run("models", "baclofen-oral-simon-2018") == 0
    k, ka = 11.6 / 72.8, 1.64
    tmax = math.log(ka / k) / (ka - k)
    cmax = 1e4 * ka / (72.8 * (ka - k)) * (math.exp(-k * tmax) - math.exp(-ka * tmax))
    said = capsys.readouterr().out
    assert f"10 mg in the typical person: {cmax:.3g} ng/mL at the highest, {tmax:.2g} h after the dose" in said
    assert f"half-life {math.log(2) / k:.2g} h; area under the curve {1e4 / 11.6:.3g} ng/mL h" in said
    assert run("models", "two-compartment-oral") == 0  # no typical person: its numbers must be given
    assert "typical person" not in capsys.readouterr().out
