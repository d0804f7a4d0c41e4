"""Dosing tables as other programs write them: an ID is text, nothing is left out uncounted, and no column of another
program changes in silence what is given.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from table_examples import Events, events_of

from eutonia.drug import exposure
from eutonia.errors import DatasetError
from eutonia.exchange.cells import MOST_BYTES, parse_cells
from eutonia.exchange.exposure import expose

pytestmark = pytest.mark.interfaces

LEVEL = 104.9007  # ng/mL, two hours after 10 mg in the adult of Simon 2018
SIMON = "baclofen-oral-simon-2018"
IV = "one-compartment"


def read(text: str, model: str = SIMON, **given: float) -> Events:
    return events_of(parse_cells(text.encode(), "t.csv"), exposure.model(model), given)


def levels(text: str) -> dict[str, float]:
    """The one level of each person."""
    table = expose(read(text, SIMON), exposure.model(SIMON))
    assert table["ID"].is_unique().all()
    return dict(zip(table["ID"].to_list(), table["CONC_ng_per_mL"].to_list(), strict=True))


def refused(text: str, model: str = SIMON, **given: float) -> str:
    with pytest.raises(DatasetError) as caught:
        read(text, model, **given)
    return " ".join(str(caught.value).split())


IDS = [
    ("A", "B", "C", "D"),
    ("1e2", "100"),
    ("1234567890123456", "1234567890123457"),
    ("1", "1.0", "01", "0x1", "+1"),
    ("007", "7"),
    ("a", "A"),
    ("NA", "NaN", "inf", "null", "None", "TRUE"),
    ("J\u00fcrgen", "Ju\u0308rgen", "\u5f20\u4f1f", "\u0661"),
    ("site 1 no 2", "site 1  no 2"),
    ("1_0", "10"),
    ("9" * 400, "9" * 401),
    ("2024-03-01", "08:30", "1/2"),
    ('"#1"', '"@2"', '"C"', "x"),
    ('"Doe, J"', '"Doe ""Joe"""', "5'8"),
]


@pytest.mark.parametrize("ids", IDS, ids=[",".join(ids)[:20] for ids in IDS])
def test_an_id_is_text_from_the_first_byte_to_the_last_output(
    ids: tuple[str, ...], folder: Path, run: Callable[..., int]
) -> None:
    rows = [f"{one},0,{10 * i},.\n{one},2,.,5" for i, one in enumerate(ids, start=1)]
    text = "\n".join(["ID,TIME,AMT,DV", *rows])
    plain = [one[1:-1].replace('""', '"') if one.startswith('"') else one for one in ids]
    if any(one.startswith("@") for one in plain):
        assert "takes this one for a formula" in refused(text)
        text, plain = text.replace('"@2"', "m2"), [one.replace("@2", "m2") for one in plain]
    assert read(text).records.n_people == len(ids)
    assert levels(text) == pytest.approx({one: LEVEL * i for i, one in enumerate(plain, start=1)}, rel=1e-5)
    Path("t.csv").write_text(text, encoding="utf-8")
    for out in ("out.csv", "out.parquet"):
        assert run("exposure", "t.csv", "--out", out, "--quiet") == 0
    assert pl.read_csv("out.csv", schema_overrides={"ID": pl.String})["ID"].to_list() == plain
    assert pl.read_parquet("out.parquet")["ID"].to_list() == plain


def test_ids_that_look_alike_or_like_nothing_are_told() -> None:
    two = "ID,TIME,AMT\n{0},0,10\n{0},2,.\n{1},0,10\n{1},2,.\n"
    for one, other in (("1e2", "100"), ("1", "01"), ("a", "A"), ("J\u00fcrgen", "Ju\u0308rgen"), ("a b", "ab")):
        assert f'these are different people: "{one}" and "{other}"' in " ".join(read(two.format(one, other)).told)
    assert read(two.format("1", "2")).told == ()
    assert "name of a person: ID NA" in " ".join(read(two.format("NA", "2")).told)


@pytest.mark.parametrize("formula", ["=1+1", "=cmd|' /C calc'!A0", "+A1", "-A1", "@SUM(A1)", '"\t=1"'])
def test_no_output_holds_a_cell_that_a_spreadsheet_computes(
    formula: str, folder: Path, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("t.csv").write_text(f"SEQ,ID,TIME,AMT\n1,{formula},0,10\n2,{formula},2,.\n3,4,0,{formula}\n4,4,1,.\n")
    assert run("check", "t.csv", "--out", "faults.csv") == 2
    assert "formula" in capsys.readouterr().err
    cells = [cell for row in pl.read_csv("faults.csv", infer_schema=False).rows() for cell in row if cell]
    assert any(formula.strip('"\t') in cell for cell in cells)
    assert [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t"))] == []


LEFT_OUT = [
    # what stands beside person 7: the table, lines left out, people left out, words
    ("a column C behind others", "SEQ,C,ID,TIME,AMT\n1,.,7,0,10\n2,C,7,1,99\n3,.,7,2,.\n", 1, (), "line 3"),
    ("a last column C", "ID,TIME,AMT,C\n7,0,10,\n7,1,99,C\n8,0,99,c\n8,2,.,C\n7,2,.,.\n", 3, ("8",), "line 3, 4, 5"),
    ("a first column C", "C,ID,TIME,AMT\n.,7,0,10\nC,9,1,junk\n.,7,2,.\n", 1, ("9",), "C marks"),
    ("a first column of another name", "SEQ,ID,TIME,AMT\n1,7,0,10\nC,7,1,99\n3,7,2,.\n", 1, (), "line 3"),
    ("a short row marked C", "SEQ,ID,TIME,AMT\n1,7,0,10\nC,7,1\n3,7,2,.\n", 1, (), "line 3"),
    ("#", "ID,TIME,AMT\n7,0,10\n#7,1,99\n#8,1,99\n7,2,.\n", 2, ("8",), "begins with # or @"),
    ("@", "ID,TIME,AMT\n7,0,10\n @7,1,99\n7,2,.\n", 1, (), "begins with # or @"),
    ("an odd quotation mark in a comment", 'ID,TIME,AMT\n7,0,10\n#7,1," x\n7,2,.\n', 1, (), "begins with #"),
    ("empty cells", "ID,TIME,AMT\n7,0,10\n,,\n7,2,.\n , ,\n", 2, (), "all their cells are empty"),
]  # fmt: skip


@pytest.mark.parametrize("case", LEFT_OUT, ids=[case[0] for case in LEFT_OUT])
def test_what_is_left_out_is_not_given_and_is_counted_everywhere(
    case: tuple[str, str, int, tuple[str, ...], str],
    folder: Path,
    run: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, text, rows, people, words = case
    assert levels(text) == pytest.approx({"7": LEVEL}, rel=1e-5)
    left = read(text).left
    assert (left.rows, left.people) == (rows, people)
    Path("t.csv").write_text(text)
    for command in (("check", "t.csv"), ("exposure", "t.csv", "--out", "out.csv")):
        assert run(*command) == 0
        shown = " ".join(capsys.readouterr().out.split())
        assert f"{rows} row{'s' * (rows > 1)} left out" in shown
        assert words in shown
        assert all(f"{len(people)} people left out with all their rows: {one}" in shown for one in people)
    record = json.loads(Path("out.csv.run.json").read_text(encoding="utf-8"))
    assert record["left_out"] == {"rows": rows, "people": list(people), "comments": 0}


def test_a_comment_that_is_no_row_is_counted_as_that() -> None:
    left = read("# made, by me\nID,TIME,AMT\n# ten\n7,0,10\n@ two\n7,2,.\n").left
    assert (left.rows, left.people, left.comments) == (0, (), 3)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ID,TIME,AMT\n1,0,10\n1,2,.\nC,0,99\nC,2,.\n", "C among IDs that are numbers"),
        ("ARM,ID,TIME,AMT\nA,1,0,10\nA,1,2,.\nC,2,0,10\nC,2,2,.\n", "switches a record off"),
        ("ID,TIME,AMT,C\n1,0,10,0.5\n1,1,10,C\n1,2,.,0.7\n", "switches a record off"),
        ("ID,TIME,AMT,EXCL\n1,0,10,0\n1,1,99,1\n1,2,.,0\n", "whether a row marked by EXCL is given"),
        ("ID,TIME,AMT,EXCL\n1,0,10,0\n1,1,99,vomited\n1,2,.,0\n", "whether a row marked by EXCL is given"),
        ("ID,TIME,AMT,COMMENT\n1,0,10,.\n1,1,99,C\n1,2,.,fine\n", "whether a row marked by COMMENT is given"),
        ("ID,TIME,AMT,IGNORE\n1,0,10,.\n1,1,99,@\n1,2,.,.\n", "whether a row marked by IGNORE is given"),
        ('ID,TIME,AMT,NOTE\n1,0,10,"\n1,24,10,\n1,48,10,"\n1,49,.,\n', "it swallows rows"),
        ('ID,TIME,AMT,NOTE\n1,0,10,"\n1,24,10,\n1,49,.,\n', "readable as CSV"),
    ],
)
def test_a_mark_that_may_mean_two_things_is_refused(text: str, words: str) -> None:
    assert words in refused(text)


def test_a_note_of_several_lines_is_a_cell() -> None:
    events = read('ID,TIME,AMT,NOTE\n1,0,10,"nausea\nand sleep"\n1,2,.,"a ""b"""\n')
    assert events.lines.tolist() == [2, 4]
    assert events.records.amount.tolist() == [10, 0]


@pytest.mark.parametrize("name", ["TINF", "Tinf", "DUR", "DURATION", "TINF_h", "DUR (h)"])
def test_the_duration_of_an_infusion_is_read(name: str) -> None:
    """As in Monolix and rxode2: the rate is amount over duration, whatever else the table says."""
    given = {"CL": 5.0, "V": 10.0}
    text = f"ID,TIME,AMT,{name},Y\n1,0,100,2,.\n1,1,.,.,5\n1,2,.,0,5\n1,3,.,.,5\n"
    events = read(text, IV, **given)
    assert f"{name.upper()} read as the hours that an infusion lasts: 1 infusions" in " ".join(events.told)
    found = expose(events, exposure.model(IV))["CONC_mg_per_L"].to_numpy()
    rate = 100 / 2 / 5 * (1 - np.exp(-0.5 * np.array([1.0, 2.0])))
    np.testing.assert_allclose(found, [*rate, rate[1] * np.exp(-0.5)], rtol=1e-10)
    same = expose(read(text.replace(name, "RATE").replace("100,2", "100,50"), IV, **given), exposure.model(IV))
    np.testing.assert_allclose(found, same["CONC_mg_per_L"].to_numpy(), rtol=1e-12)


@pytest.mark.parametrize(("start", "lasts"), [(0.5, 2e-9), (0.5, 1e-8), (90_000.0, 1e-6), (900_000.0, 1e-9)])
def test_an_infusion_too_short_for_the_clock_is_given_whole(start: float, lasts: float) -> None:
    """Of one shorter than the digits of its time nothing was given, or some of it."""
    text = f"ID,TIME,AMT,TINF\n1,{start},10,{lasts}\n1,{start + 1},.,.\n"
    table = expose(read(text, IV, CL=5.0, V=10.0), exposure.model(IV))
    given = table["A_CENTRAL_mg"][0] + table["A_ELIMINATED_mg"][0]
    assert given == pytest.approx(10.0, rel=1e-6)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ID,TIME,AMT,TINF,RATE\n1,0,100,2,50\n1,2,.,.,.\n", "a rate or a duration (TINF), not both"),
        ("ID,TIME,AMT,TINF,DUR\n1,0,100,2,2\n1,2,.,.,.\n", "here TINF and DUR do"),
        ("ID,TIME,AMT,TINF,DUR_M\n1,0,100,2,2\n1,2,.,.,.\n", "here TINF and DUR_M do"),
        ("ID,TIME,AMT,DUR\n1,0,100,5\n1,2,.,5\n", "only a dose has one"),
        ("ID,TIME,AMT,TINF\n1,0,100,-2\n1,2,.,.\n", "more than 0"),
        ("ID,TIME,AMT,TINF_min\n1,0,100,30\n1,2,.,.\n", "Convert it to h and call it TINF"),
        ("ID,TIME,AMT,TINF\n1,0,100,2 h\n1,2,.,.\n", "unit belongs to the column"),
    ],
)
def test_a_duration_that_is_unclear_is_refused(text: str, words: str) -> None:
    assert words in refused(text, IV, CL=5.0, V=10.0)


FOREIGN = [
    ("F1", "Rename it to F "), ("F2", "Rename it to F "), ("ALAG1", "Rename it to ALAG "), ("TLAG", "ALAG"),
    ("LAG", "ALAG"), ("D1", "Rename it to DUR_M"), ("R1", "Rename it to RATE_M"), ("TAU", "Rename it to II"),
    ("NDOSES", "Rename it to ADDL"), ("EGFR", "Rename it to CRCL"), ("CLCR", "CRCL"), ("DIALYSIS", "HD"),
    ("KEL", "Rename it to CL"), ("V2", "Rename it to V "), ("INFUSION_TIME", "Rename it to TINF"),
    ("TINFMIN", "Rename it to TINF"), ("INF_RATE", "Rename it to RATE "), ("ADDITIONAL", "Rename it to ADDL"),
    ("II_day", "Convert it to h and call it II,"), ("RATE_H", "call it RATE,"), ("CL [mL/min]", "call it CL,"),
    ("RATE [mg/h]", "call the column RATE_mg_per_h"), ("RATE.ug/h", "call the column RATE_mg_per_h"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "words"), FOREIGN)
def test_a_name_of_another_program_is_refused_with_the_right_one(name: str, words: str) -> None:
    text = f"ID,TIME,AMT,{name}\n1,0,10,1\n1,2,.,.\n"
    assert words in refused(text)
    assert read(text.replace(name, f"_{name}")).unused == (f"_{name.upper()}",)


@pytest.mark.parametrize("marks", [("0", "1", "0"), (".", "X", "."), ("", "#", ""), (".", "C?", ".")])
def test_another_mark_in_a_column_c_is_refused(marks: tuple[str, str, str]) -> None:
    """A record that somebody switched off was given, and C called a column that is not used."""
    text = "ID,TIME,AMT,C\n1,0,10,{}\n1,1,99,{}\n1,2,.,{}\n"
    assert "whether a row marked by C is given is not known" in refused(text.format(*marks))
    assert read(text.format("0", "80.5", "1")).unused == ("C",)  # a column of concentrations


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("SUBJECT,TIME,AMT", "Rename SUBJECT to ID"),
        ("USUBJID,TIME,AMT", "Rename USUBJID to ID"),
        ("ID,TIME_MIN,AMT", "Convert it to h and rename TIME_MIN to TIME"),
        ("ID,TAFD,AMT", "Rename TAFD to TIME"),
        ("ID,TIME,DOSE [ug]", "Is DOSE [UG] the amount of each dose? Divide by 1000 and call the column AMT_mg"),
        ("ID,TIME,AMT [ug]", "Divide by 1000 and call the column AMT_mg"),
    ],
)
def test_a_column_that_is_missing_is_named_where_it_has_another_name(header: str, words: str) -> None:
    assert words in refused(f"{header}\n1,0,10\n1,2,.\n")


def test_body_weight_has_its_name_where_the_model_needs_it() -> None:
    text = "ID,TIME,AMT,{}\n1,0,10,20\n1,2,.,20\n"
    child = "baclofen-oral-he-2014"
    assert "WEIGHT of other programs is called WT" in refused(text.format("WEIGHT"), child)
    assert "Convert it to kg and call it WT" in refused(text.format("WT_LB"), child)
    assert "Convert it to year and call it AGE" in refused(text.format("AGE_MO"), child, WT=20.0)
    assert read(text.format("WT"), child).values["WT"].tolist() == [20, 20]
    assert read(text.format("WEIGHT")).unused == ("WEIGHT",)


@pytest.mark.parametrize(
    ("column", "cells", "words", "fine"),
    [
        ("ADM", ("2", "."), "which administration", ("1", ".")),
        ("ROUTE", ("IV", "."), "enters at DEPOT", ("oral", ".")),
        ("AMTU", ("mcg", "."), "amounts are in mg", ("mg", ".")),
        ("DOSE_UNIT", ("g", "g"), "amounts are in mg", ("mg", "mg")),
        ("UNITS", ("ug", "ng/mL"), "amounts are in mg", ("mg", "ng/mL")),
        ("TIMEU", ("day", "day"), "times are in h", ("h", "hours")),
        ("CONT", ("1", "0"), "a record stands in one row", ("0", "0")),
        ("CMT", ("GUT", "."), "1 DEPOT, 2 CENTRAL", ("depot", "CENTRAL")),
    ],
)
def test_a_column_that_would_change_what_is_given_is_looked_at(
    column: str, cells: tuple[str, str], words: str, fine: tuple[str, str]
) -> None:
    text = f"ID,TIME,AMT,{column}\n1,0,10,{{}}\n1,2,.,{{}}\n"
    assert words in refused(text.format(*cells))
    assert levels(text.format(*fine)) == pytest.approx({"1": LEVEL}, rel=1e-5)


def test_compartments_have_names() -> None:
    events = read("ID,TIME,AMT,CMT\n1,0,10,Central\n1,1,5,2\n1,2,.,DEPOT\n")
    assert events.records.into.tolist() == [1, 1, 0]
    assert "CMT read by name: 1 DEPOT, 2 CENTRAL." in events.told


def test_days_beside_times_of_the_day_are_refused() -> None:
    assert "does not begin anew every day" in refused("ID,DAY,TIME,AMT\n1,1,8,10\n1,2,8,10\n1,3,8,.\n")
    assert read("ID,DAY,TIME,AMT\n1,1,8,10\n1,2,32,10\n1,3,56,.\n").records.time.tolist() == [8, 32, 56]


def test_days_are_those_of_each_person() -> None:
    """A table of several people with a column of days was a fault of the program."""
    head = "ID,DAY,TIME,AMT\n1,3,0,10\n1,4,24,.\n2,1,0,10\n2,2,24,.\n3,7,0,10\n"
    assert read(f"{head}3,8,25,.\n").records.time.tolist() == [0, 24, 0, 24, 0, 25]
    assert "row 7, column DAY" in refused(f"{head}3,8,0,.\n")


def test_bounds_in_place_of_levels_are_told() -> None:
    told = " ".join(read("ID,TIME,AMT,DV,CENS\n1,0,10,.,0\n1,2,.,5,1\n").told)
    assert "CENS marks 1 values of DV as bounds" in told


@pytest.mark.parametrize("name", ["DOSE", "Dose", "DOSE_mg", "AMOUNT", "EXDOSE"])
def test_a_table_that_doses_nobody_is_refused_with_the_likely_column(name: str) -> None:
    said = refused(f"ID,TIME,{name},DV\n1,0,10,.\n1,2,.,80\n")
    assert "this one doses nobody" in said
    assert f"Is {name.upper()} the amount of each dose? Rename it to AMT" in said
    said = refused(f"ID,TIME,{name},EVID\n1,0,10,1\n1,2,.,0\n")
    assert f"Is {name.upper()} the amount of each dose? Rename it to AMT" in said
    said = refused(f"ID,TIME,AMT,{name},EVID\n1,0,.,10,1\n1,2,.,.,0\n")
    assert f"Is {name.upper()} the amount of each dose? Write it in AMT" in said
    assert "doses nobody" in refused("ID,TIME,DV\n1,0,.\n1,2,80\n")
    assert "AMT_ug" in refused("ID,TIME,DOSE\n1,0,10\n1,2,.\n", "baclofen-intrathecal")


def test_who_is_observed_and_never_dosed_is_named() -> None:
    events = read("ID,TIME,AMT\na,0,10\nA,2,.\nb,0,10\nb,2,.\n")
    assert "Observed and never dosed: 1 of 3 people: A." in events.told
    assert events.undosed == ("A",)


@pytest.mark.parametrize("lag", [6.0, 8.0, 13.5, 24.0])
def test_a_steady_state_with_a_long_lag_is_the_physical_one_and_said_to_differ(lag: float) -> None:
    """The exception from NONMEM 7.6: at the record's time, and after, there is what doses given for ever have left."""
    see = "".join(f"1,{time},.,,,,\n" for time in (0.5, 5, 7.9, 20))
    ever = read(f"ID,TIME,AMT,SS,II,ADDL,ALAG\n1,0,10,1,8,9,{lag}\n{see}")
    assert any("NONMEM 7.6" in word for word in ever.told) == (lag >= 8)
    doses = "".join(f"1,{time},10,,,,{lag}\n" for time in range(-480, 1, 8))
    later = f"{see}1,8,10,,,,{lag}\n1,16,10,,,,{lag}\n".splitlines(keepends=True)
    later.sort(key=lambda row: float(row.split(",")[1]))
    given = read(f"ID,TIME,AMT,SS,II,ADDL,ALAG\n{doses}{''.join(later)}")
    found = [expose(events, exposure.model(SIMON))["CONC_ng_per_mL"].to_numpy() for events in (ever, given)]
    np.testing.assert_allclose(found[0], found[1], rtol=1e-9)


def test_devices_pipes_and_what_is_too_large_are_refused_at_once(
    folder: Path, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo("pipe.csv")
    Path("loop.csv").symlink_to("loop.csv")
    with Path("huge.csv").open("wb") as stream:
        stream.truncate(MOST_BYTES + 1)
    refusals = [("/dev/zero", "no ordinary file"), ("pipe.csv", "no ordinary file"), ("loop.csv", "cannot be read")]
    refusals += [("huge.csv", "larger than 2,000 MB"), (".", "cannot be read"), ("x" * 300, "cannot be read")]
    for name, words in refusals:
        assert run("exposure", name) == 2
        shown = " ".join(capsys.readouterr().err.split())
        assert words in shown, name
        assert "Traceback" not in shown


_READ = """
import resource, sys
from eutonia.drug import exposure
from eutonia.exchange.events import Reading
from eutonia.exchange.cells import parse_cells, read_cells
model = exposure.model()
list(Reading(parse_cells(b"ID,TIME,AMT\\n1,0,10\\n1,2,.\\n", "t.csv"), model, {}).parts())
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
parts = list(Reading(read_cells(sys.argv[1]), model, {}).parts())
print(1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before), sum(len(one.records) for one in parts))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is counted in kilobytes on Linux")
def test_reading_takes_a_few_times_the_size_of_the_file(folder: Path) -> None:
    """It took 83 bytes a byte; here a narrow table of 600,000 records."""
    rows = [f"{i // 60},{i % 60}.25,{i % 4 // 3},{'10.5' if i % 4 == 3 else '.'},{i % 7}.125" for i in range(600_000)]
    Path("t.csv").write_text("\n".join(["ID,TIME,EVID,AMT,DV", *rows]))
    made = subprocess.run([sys.executable, "-c", _READ, "t.csv"], capture_output=True, text=True, check=True)
    taken, records = map(int, made.stdout.split())
    assert records == 600_000
    assert taken < 8 * Path("t.csv").stat().st_size, taken / Path("t.csv").stat().st_size


@pytest.mark.parametrize("mark", ["*", "X", "x", "!", "C"])
@pytest.mark.parametrize("columns", ["SEQ,ID,TIME,AMT", "ID,SEQ,TIME,AMT"])
@pytest.mark.parametrize("quoted", [False, True])
def test_a_mark_among_the_numbers_of_records_is_not_passed_over(mark: str, columns: str, quoted: bool) -> None:
    """99 mg that somebody had marked were given, and the column was only named as not used."""
    first, person = columns.startswith("SEQ"), '"7"' if quoted else "7"
    rows = [(1, 0, 10), (mark, 1, 99), (3, 2, ".")]
    lines = [f"{n},{person},{t},{amount}" if first else f"{person},{n},{t},{amount}" for n, t, amount in rows]
    text = "\n".join([columns, *lines, ""])
    assert read(text.replace(f"\n{mark},", "\n2,").replace(f",{mark},", ",2,")).left.rows == 0
    if first and mark == "C":
        assert read(text).left.rows == 1  # the mark that is read, in the first column
        return
    with pytest.raises(DatasetError, match="row 3, column SEQ") as told:
        read(text)
    assert f'"{mark}"' in str(told.value)


def test_what_is_taken_from_the_model_holds_the_share_of_a_dose_that_arrives() -> None:
    """It was left out: dose over the clearance that was told gave a third more than the table."""
    table, share = "ID,TIME,AMT,DV\n1,0,10,.\n1,2,.,5\n", exposure.model(SIMON).bioavailability
    assert share != 1.0
    assert read(table).assumed["F"] == share
    assert "F" not in read(table, F=0.5).assumed
    assert "F" not in read("ID,TIME,AMT,DV,F\n1,0,10,.,0.5\n1,2,.,5,0.5\n").assumed
