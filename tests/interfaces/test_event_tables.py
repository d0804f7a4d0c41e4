"""Dosing tables that are wrong: every fault is named with row, column, value and rule, and nothing else escapes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from table_examples import events_of

from eutonia.drug import exposure
from eutonia.errors import DatasetError, EutoniaError
from eutonia.exchange.cells import parse_cells
from eutonia.exchange.settings import settings_of

HEADER = "ID,TIME,EVID,AMT,CMT,RATE,ADDL,II,SS,MDV,DV"
ROWS = ("1,0,1,10,1,0,2,8,0,1,.", "1,4,0,.,2,.,.,.,.,0,55", "2,0,1,20,1,0,0,12,1,1,.", "2,9,0,.,2,.,.,.,.,0,70")
GOOD = "\n".join((HEADER, *ROWS)) + "\n"
SCREEN_LINES, SCREEN_COLUMNS = 25, 110

# A cell of the good table and what stands there instead: name, line, column, value, words of the message.
CELLS = [
    ("clock time", 3, "TIME", "08:30", "clock time"),
    ("clock time with seconds", 3, "TIME", "08:30:00", "clock time"),
    ("a date", 3, "TIME", "2024-03-01", "not a date"),
    ("a word for a time", 3, "TIME", "noon", "TIME is a number"),
    ("no time", 3, "TIME", ".", "every record has a time"),
    ("an empty time", 3, "TIME", "", "every record has a time"),
    ("time runs back", 3, "TIME", "-1", "does not run back"),
    ("an endless time", 3, "TIME", "inf", "finite"),
    ("no number as time", 3, "TIME", "nan", "Write . for a missing value"),
    ("a time in seconds since 1970", 3, "TIME", "1700000", "lies within"),
    ("a huge number", 3, "DV", "1e30", "not beyond"),
    ("no person", 3, "ID", ".", "every record is of somebody"),
    ("a person twice", 5, "ID", "1", "stand together"),
    ("an event of no kind", 3, "EVID", "7", "0, 1, 2, 3, 4"),
    ("a negative event", 3, "EVID", "-1", "EVID is one of 0 to 4"),
    ("half an event", 3, "EVID", "0.5", "whole number"),
    ("no event", 3, "EVID", ".", "EVID says what a record is"),
    ("a dose that observes", 2, "EVID", "0", "only a dose has"),
    ("an amount on an observation", 3, "AMT", "10", "only a dose has an amount"),
    ("a rate on an observation", 3, "RATE", "10", "only a dose has RATE"),
    ("further doses on an observation", 3, "ADDL", "1", "only a dose has ADDL"),
    ("an interval on an observation", 3, "II", "8", "only a dose has II"),
    ("a steady state on an observation", 3, "SS", "1", "only a dose has SS"),
    ("a negative amount", 2, "AMT", "-10", "not negative"),
    ("a dose of nothing", 2, "AMT", "0", "a dose has an amount"),
    ("a dose without amount", 2, "AMT", ".", "a dose has an amount"),
    ("micrograms", 2, "AMT", "10000", "up to 2500 mg"),
    ("grams, or a digit too few", 2, "AMT", "0.01", "0.1 mg or more"),
    ("a unit in the cell", 2, "AMT", "10 mg", "unit belongs to the column"),
    ("thousands", 2, "AMT", '"1,000"', "Remove the comma"),
    ("a decimal comma", 2, "AMT", '"7,5"', "decimal point"),
    ("thousands by a blank", 2, "AMT", "1 000", "parts the thousands"),
    ("a Fortran exponent", 2, "AMT", "1D1", "exponent with e"),
    ("not available", 2, "AMT", "NA", "Write . for a missing value"),
    ("text as an amount", 2, "AMT", "ten", "AMT is a number"),
    ("below quantification", 3, "DV", "<5", "a bound is no number"),
    ("a level in words", 3, "DV", "BLQ", "a bound is no number"),
    ("a compartment too many", 2, "CMT", "4", "has 3 compartments"),
    ("a compartment switched off", 2, "CMT", "-1", "cannot be switched off"),
    ("half a compartment", 2, "CMT", "1.5", "whole number"),
    ("a rate below -2", 2, "RATE", "-3", "0, more than 0, -1, -2"),
    ("a fraction of -1", 2, "RATE", "-0.5", "0, more than 0, -1, -2"),
    ("a modelled rate that is none", 2, "RATE", "-1", "RATE_M"),
    ("a modelled duration that is none", 2, "RATE", "-2", "DUR_M"),
    ("an infusion without end", 4, "RATE", "0.00001", "at most 1,000 intervals"),
    ("fewer than no doses", 2, "ADDL", "-2", "not negative"),
    ("half a further dose", 2, "ADDL", "2.5", "whole number"),
    ("further doses without interval", 2, "II", "0", "further doses have an interval"),
    ("a negative interval", 2, "II", "-8", "not negative"),
    ("an interval for nothing", 2, "ADDL", "0", "an interval belongs to"),
    ("a steady state of no kind", 4, "SS", "3", "SS is 0, 1 or 2"),
    ("a steady state without interval", 4, "II", "0", "a steady state has an interval"),
    ("MDV of no kind", 3, "MDV", "2", "MDV is 0 or 1"),
    ("a dose with a DV", 2, "MDV", "0", "only an observation has a DV"),
]

# The fault of a change may be said of another column than the changed one.
SAID_OF = {"a dose that observes": "ADDL", "an interval for nothing": "II", "a steady state without interval": "SS"}

# Whole files: name, content, row, column, words.
FILES: list[tuple[str, str | bytes, int | None, str, str]] = [
    ("nothing", b"", None, "", "a header and at least one row"),
    ("blank lines", b"\n \n\n", None, "", "a header and at least one row"),
    ("comments only", b"# a\n@ b\n", None, "", "a header and at least one row"),
    ("a header only", HEADER, None, "", "at least one row below its header"),
    ("a picture", b"\x89PNG\r\n\x1a\n\0\0", None, "", "a text file"),
    ("a workbook", b"PK\x03\x04\0\0", None, "", "not .xlsx"),
    ("UTF-16", GOOD.encode("utf-16"), None, "", "Save it as UTF-8"),
    ("Latin-1", GOOD.replace("55", "5\xb5").encode("latin-1"), 3, "", "in UTF-8"),
    ("semicolons", GOOD.replace(",", ";"), 1, "", "semicolons"),
    ("tabs", GOOD.replace(",", "\t"), 1, "", "tabs"),
    ("blanks", GOOD.replace(",", " "), 1, "", "blanks"),
    ("no header", "\n".join(ROWS), 1, "", "the first line names the columns"),
    ("a header behind #", "#" + GOOD, 2, "", "the first line names the columns"),
    ("a column twice", GOOD.replace("MDV", "AMT"), 1, "AMT", "stands once"),
    ("a column without name", GOOD.replace("MDV", ""), 1, "number 10", "every column has a name"),
    ("no ID", GOOD.replace("ID,TIME", "SUBJ,TIME"), 1, "ID", "Rename SUBJ to ID"),
    ("no TIME", GOOD.replace("TIME", "TINE"), 1, "TIME", "Rename TINE to TIME"),
    ("a slip in a name", GOOD.replace("RATE", "RTAE"), 1, "RTAE", "looks like RATE"),
    ("amounts in ug", GOOD.replace("AMT", "AMT_ug"), 1, "AMT_UG", "never in ug"),
    ("two amounts", GOOD.replace("MDV", "AMT_mg"), 1, "AMT", "the amount stands in one column"),
    ("dates", GOOD.replace("MDV", "DATE"), 1, "DATE", "dates are not read"),
    ("a long row", GOOD.replace("55", "55,6"), 3, "", "as many cells as the header, 11; this one has 12"),
    ("a short row", GOOD.replace(",0,55", ",0"), 3, "", "this one has 10"),
    ("an unquoted decimal comma", GOOD.replace("55", "5,5"), 3, "", "this one has 12"),
    ("an open quotation", GOOD.replace("1,4,0", '"1,4,0'), 3, "", "readable as CSV"),
    ("no observation", "\n".join((HEADER, ROWS[0])), 2, "EVID", "at least one observation"),
    ("doses without end", GOOD.replace(",2,8,", ",999999999,0.00001,"), 2, "ADDL", "at most 100,000 doses"),
    ("a bad share", "ID,TIME,AMT,F\n1,0,10,-1\n1,2,.,.\n", 2, "F", "Bioavailability of a dose"),
    ("a negative lag", "ID,TIME,AMT,ALAG\n1,0,10,-1\n1,2,.,.\n", 2, "ALAG", "Lag before a dose"),
    ("a clearance of 0", "ID,TIME,AMT,CL\n1,0,10,0\n1,2,.,5\n", 2, "CL", "more than 0"),
    ("a clearance missing", "ID,TIME,AMT,CL\n1,0,10,5\n1,2,.,.\n", 3, "CL", "a value in every record"),
    ("kidneys below nothing", "ID,TIME,AMT,CRCL\n1,0,10,-5\n1,2,.,5\n", 2, "CRCL", "Creatinine clearance"),
    ("a slip in a covariate", "ID,TIME,AMT,CRLC\n1,0,10,5\n1,2,.,5\n", 1, "CRLC", "looks like CRCL"),
    ("dialysis as a mark", "ID,TIME,AMT,HD\n1,0,10,1\n1,2,.,0\n", 2, "HD", "not a mark"),
    ("a child", "ID,TIME,AMT,AGE\n1,0,10,9\n1,2,.,9\n", 2, "AGE", "18 or more"),
    (
        "a constant infusion with more",
        f"{HEADER}\n1,0,1,0,1,5,2,0,1,1,.\n1,2,0,.,.,.,.,.,.,.,.\n",
        2,
        "ADDL",
        "further",
    ),
    (
        "a constant duration",
        f"{HEADER},DUR_M\n1,0,1,0,1,-2,0,0,1,1,.,3\n1,2,0,.,.,.,.,.,.,.,.,.\n",
        2,
        "RATE",
        "duration",
    ),
    ("a modelled rate of 0", "ID,TIME,AMT,RATE,RATE_M\n1,0,9,-1,0\n1,2,.,.,.\n", 2, "RATE_M", "more than 0"),
]


def changed(line: int, column: str, value: str) -> str:
    rows = [line.split(",") for line in (HEADER, *ROWS)]
    rows[line - 1][rows[0].index(column)] = value
    return "\n".join(",".join(row) for row in rows)


CASES: list[tuple[str, str | bytes, int | None, str, str]] = [
    (name, changed(line, column, value), line, SAID_OF.get(name, column), words)
    for name, line, column, value, words in CELLS
]
CASES += [(name, text, row, column, words) for name, text, row, column, words in FILES]


def read(content: bytes | str, model: str = "baclofen-oral", *given: str) -> object:
    chosen, values = settings_of(exposure.model(model), given)
    return events_of(parse_cells(content.encode() if isinstance(content, str) else content, "t.csv"), chosen, values)


def test_there_are_many_kinds_and_the_good_table_is_good() -> None:
    assert len({case[0] for case in CASES}) == len(CASES) >= 80
    assert len(read(GOOD).records) == 4  # type: ignore[attr-defined]
    modelled = "ID,TIME,AMT,RATE,RATE_M,DUR_M,ALAG,F\n1,0,9,-1,2,.,.,.\n1,1,9,-2,.,2,1,0.5\n1,2,.,.,.,.,.,.\n"
    assert len(read(modelled).records) == 3  # type: ignore[attr-defined]
    assert len(read(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode()).records) == 4  # type: ignore[attr-defined]


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_a_bad_table_says_where_what_and_what_to_do(
    case: tuple[str, str | bytes, int | None, str, str],
    folder: Path,
    run: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, content, row, column, words = case
    Path("bad.csv").write_bytes(content.encode() if isinstance(content, str) else content)
    assert run("exposure", "bad.csv", "--out", "out.csv") == 2
    shown = capsys.readouterr().err
    flat = " ".join(shown.split())
    assert shown.startswith("Error: bad.csv ")
    assert "Traceback" not in shown
    assert " ".join(words.split()) in flat
    assert len(shown.splitlines()) <= SCREEN_LINES
    assert max(map(len, shown.splitlines())) <= SCREEN_COLUMNS
    assert {path.name for path in folder.iterdir()} == {"bad.csv"}
    with pytest.raises(DatasetError) as caught:
        read(content)
    fault = next(one for one in caught.value.faults if words in f"{one.rule} {one.allowed} {one.do}")  # type: ignore[attr-defined]
    assert (fault.row, fault.column) == (row, column)  # type: ignore[attr-defined]
    assert all((fault.rule, fault.allowed, fault.do))  # type: ignore[attr-defined]
    value = next((one[3] for one in CELLS if one[0] == case[0] and one[0] not in SAID_OF), None)
    assert value is None or fault.value == value.strip('"')  # type: ignore[attr-defined]


def test_one_slip_is_one_fault() -> None:
    for name, line, column, value, _ in CELLS:
        with pytest.raises(DatasetError) as caught:
            read(changed(line, column, value))
        assert len(caught.value.faults) <= 4, name


def test_all_faults_come_at_once_and_all_of_them_go_to_a_file(
    folder: Path, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [f"1,{i},{i % 9},{-i},{i % 5},0,{-i},{i},{i % 4},0,x" for i in range(200)]
    Path("bad.csv").write_text("\n".join((HEADER, *rows)))
    assert run("check", "bad.csv", "--out", "faults.csv") == 2
    shown = capsys.readouterr().err
    assert "more. All of them" in shown
    assert len(shown.splitlines()) <= SCREEN_LINES
    faults = pl.read_csv("faults.csv")
    assert faults.columns == ["row", "column", "value", "rule", "allowed", "do"]
    assert faults.height > 500
    assert {path.name for path in folder.iterdir()} == {"bad.csv", "faults.csv"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("exposure", "good.csv", "--model", "baclofen-orl"), "Nearest: baclofen-oral"),
        (("exposure", "good.csv", "--set", "CLL=8"), "Nearest: CL"),
        (("exposure", "good.csv", "--set", "CL=8 kg"), "does not convert"),
        (
            ("exposure", "good.csv", "--set", "CL=133,3 mL/min"),
            'has no comma and no blank. Allowed: a number in L/h, mL/min. Write it as "133.3 mL/min"',
        ),
        (("exposure", "good.csv", "--set", "F=0,8"), 'Write it as "0.8"'),
        (("exposure", "good.csv", "--set", "CL=-8"), "more than 0"),
        (("exposure", "good.csv", "--set", "CL"), "NAME=VALUE"),
        (("exposure", "good.csv", "--set", "CL=8", "--set", "CL=9"), "twice"),
        (("exposure", "good.csv", "--set", "CL=fast"), "not a number"),
        (("exposure", "good.csv", "--set", "CL=\u0668"), "not a number"),
        (("exposure", "good.csv", "--set", "CL=nan"), "not a number"),
        (("exposure", "good.csv", "--set", "CL=1e-300"), "a billionth to a billion"),
        (("exposure", "good.csv", "--set", "CL=8 mL/h"), "Nearest: "),
        (("exposure", "good.csv", "--set", "CL=8 L/d"), "Nearest: L/h"),
        (("exposure", "good.csv", "--model", "one-compartment-transit", "--set", "NN=\u0663"), "whole number"),
        (("exposure", "good.csv", "--model", "two-compartment", "--set", "V2=8"), "VC and VP"),
        (("exposure", "good.csv", "--model", "one-compartment-oral", "--set", "CL=8"), "absorption rate"),
        (("exposure", "good.csv", "--model", "one-compartment-transit", "--set", "NN=2.5"), "whole number"),
        (("exposure", "good.csv", "--iov", "CL=20%"), "needs a column OCC"),
        (("exposure", "good.csv", "--iov", "CLL=20%"), "Nearest: CL"),
        (("exposure", "good.csv", "--iov", "CL=8 L/h"), 'variation above 0 and up to 200 %. Nearest: "CL=20 %"'),
        (("exposure", "good.csv", "--iov", "CL"), 'Nearest: "CL=20 %"'),
        (("exposure", "good.csv", "--iov", "CL=12,5 %"), 'Nearest: "CL=12.5 %"'),
        (("exposure", "good.csv", "--iov", "CL=20%", "--iov", "CL=30%"), "twice"),
        (("exposure", "good.csv", "--out", "out.xlsx"), "Nearest: out.csv"),
        (("exposure", "good.csv", "--out", "good.csv"), "the table that is read"),
        (("exposure", "good.csv", "--out", "nowhere/out.csv"), "folder that exists"),
        (("exposure", "good.csv", "--out", "."), "Nearest: levels.csv"),
        (("exposure", "good.csv", "--out", ""), "Nearest: levels.csv"),
        (("exposure", "good.csv", "--out", "~nosuchuser/out.csv"), "a home that exists"),
        (("exposure", "good.csv", "--out", f"{'x' * 245}.csv"), "name too long"),
        (("exposure", "missing.csv"), "there is no file"),
        (("exposure", "."), "cannot be read"),
        (("check", "case_ischaemic_tablets", "--model", "baclofen-oral"), "belong to a dosing table"),
        (("models", "baclofen"), "Nearest"),
    ],
)
def test_a_bad_command_line_teaches_and_leaves_nothing(
    words: tuple[str, ...],
    said: str,
    folder: Path,
    run: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("good.csv").write_text(GOOD)
    assert run(*words) == 2
    shown = capsys.readouterr().err
    assert said in " ".join(shown.split())
    assert "Traceback" not in shown
    assert {path.name for path in folder.iterdir()} == {"good.csv"}


def test_levels_of_the_default_model_are_those_of_its_equations(
    folder: Path, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("t.csv").write_text("id,time,amt,sex\n# ten milligrams\n7,0,10,1\n7,1.296875,.,1\n7,8,.,1\n")
    for out in ("out.csv", "out.parquet"):
        assert run("exposure", "t.csv", "--out", out) == 0
    shown = capsys.readouterr().out
    assert "not used: SEX" in shown
    table = pl.read_parquet("out.parquet")
    assert table.drop("REASON").equals(pl.read_csv("out.csv", schema_overrides=table.schema).drop("REASON"))
    assert table["ROW"].to_list() == [4, 5]
    assert table["ID"].to_list() == ["7", "7"]
    assert table["CONC_ng_per_mL"].to_list() == pytest.approx([138.67, 35.43], rel=2e-4)  # a matrix exponential
    given = sum(table[name] for name in table.columns if name.startswith("A_"))
    assert given.to_list() == pytest.approx([7.4, 7.4], rel=1e-10)
    assert run("check", "t.csv") == 0
    assert "1 people, 3 records, 2 observations" in capsys.readouterr().out


CELL = st.one_of(
    st.sampled_from(
        ["0", "1", "2", "3", "4", "-1", "-2", ".", "", "8", "1e9", "1e-300", "nan", "inf", "1e400", "C", "#"]
    ),
    st.floats().map(str),
    st.integers().map(str),
    st.text(max_size=6),
)


def refused_or_sound(content: bytes) -> None:
    """A table is either read, or refused with faults that are whole and fit on a screen."""
    try:
        events = read(content)
    except EutoniaError as error:
        refused = error
    else:
        refused = None
    if refused is not None:
        assert len(str(refused).splitlines()) <= SCREEN_LINES
        assert all(fault.rule and fault.allowed and fault.do for fault in getattr(refused, "faults", ()))
        return
    assert len(events.records) == len(events.lines) > 0  # type: ignore[attr-defined]


@given(st.binary(max_size=200))
def test_bytes_are_refused_or_sound(content: bytes) -> None:
    refused_or_sound(content)
    refused_or_sound(HEADER.encode() + b"\n" + content)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 10), CELL), min_size=1, max_size=5))
def test_a_changed_table_is_refused_or_sound(edits: list[tuple[int, int, str]]) -> None:
    rows = [line.split(",") for line in (HEADER, *ROWS)]
    for row, column, value in edits:
        rows[row][column] = value
    refused_or_sound("\n".join(",".join(row) for row in rows).encode("utf-8", "surrogatepass"))
