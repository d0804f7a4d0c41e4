"""Dosing tables for the spinal fluid: no amount is ever read in the unit of another route."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from table_examples import Events, events_of

from eutonia import parameters
from eutonia.drug import exposure
from eutonia.errors import DatasetError
from eutonia.exchange.cells import parse_cells
from eutonia.exchange.settings import settings_of

pytestmark = pytest.mark.interfaces

MODEL = "baclofen-intrathecal"
GOOD = "ID,TIME,EVID,AMT_ug,CMT,RATE_ug_per_h\n1,0,1,50,8,0\n1,1,0,.,.,.\n1,24,1,96,3,4\n1,48,0,.,.,.\n"
AMOUNTS = [
    # name of the column of amounts, or another change of the good table; where it is said, and words of the message
    ("no unit of amounts", "AMT_ug", "AMT", "AMT", "Rename it to AMT_ug if it is in ug; multiply by 1000 first"),
    ("milligrams", "AMT_ug", "AMT_mg", "AMT_MG", "Multiply by 1000 and call the column AMT_ug"),
    ("grams", "AMT_ug", "AMT_g", "AMT_G", "Multiply by 1e+06 and call the column AMT_ug"),
    ("nanograms", "AMT_ug", "AMT (ng)", "AMT (NG)", "Divide by 1000 and call the column AMT_ug"),
    ("another word for ug", "AMT_ug", "AMT_mcg", "AMT_MCG", "Keep it and call the column AMT_ug"),
    ("amounts by weight", "AMT_ug", "AMT_ug_per_kg", "AMT_UG_PER_KG", "Convert it to ug"),
    ("no underscore", "AMT_ug", "AMTMG", "AMTMG", "Multiply by 1000"),
    ("no unit of rates", "RATE_ug_per_h", "RATE", "RATE", "Rename it to RATE_ug_per_h if it is in ug/h"),
    ("milligrams an hour", "RATE_ug_per_h", "RATE_mg_per_h", "RATE_MG_PER_H", "Multiply by 1000"),
    ("micrograms a day", "RATE_ug_per_h", "RATE_ug/day", "RATE_UG/DAY", "Convert it to ug/h"),
    ("a rate without time", "RATE_ug_per_h", "RATE_mg", "RATE_MG", "Convert it to ug/h"),
    ("no unit of modelled rates", "RATE_ug_per_h", "RATE_M", "RATE_M", "RATE_M_ug_per_h"),
    ("modelled milligrams", "RATE_ug_per_h", "RATE_M_mg_per_h", "RATE_M_MG_PER_H", "Multiply by 1000"),
    ("a slip in the name", "AMT_ug", "ATM_ug", "ATM_UG", "Rename it to AMT_UG"),
    ("a unit in the cell", "50,8", "50 ug,8", "AMT_UG", "unit belongs to the column"),
    ("far more than anybody had", "50,8", "13951,8", "AMT_UG", "Divide by 1000 if it is in ng"),
    ("a milligram in the column of ug", "50,8", "0.05,8", "AMT_UG", "Multiply by 1000 if it is in mg"),
    ("far more than anybody had, in a day", "96,3,4", "80001,3,3400", "AMT_UG", "at once or in a day"),
    ("a dose to nowhere", "96,3,4", "96,.,4", "CMT", "a dose says where it enters"),
    ("a dose to CMT 0", "96,3,4", "96,0,4", "CMT", "a dose says where it enters"),
    ("a place too many", "96,3,4", "96,10,4", "CMT", "has 9 compartments"),
]


def read(text: str, model: str = MODEL, *given: str) -> Events:
    chosen, values = settings_of(exposure.model(model), given)
    return events_of(parse_cells(text.encode(), "t.csv"), chosen, values)


@pytest.mark.parametrize("case", AMOUNTS, ids=[case[0] for case in AMOUNTS])
def test_a_wrong_unit_or_place_is_refused_with_what_to_do(
    case: tuple[str, str, str, str, str],
    folder: Path,
    run: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, before, after, column, words = case
    assert GOOD.count(before) == 1
    Path("bad.csv").write_text(GOOD.replace(before, after))
    assert run("exposure", "bad.csv", "--model", MODEL, "--out", "out.csv") == 2
    shown = " ".join(capsys.readouterr().err.split())
    assert words in shown
    assert "Traceback" not in shown
    assert {path.name for path in folder.iterdir()} == {"bad.csv"}
    with pytest.raises(DatasetError) as caught:
        read(GOOD.replace(before, after))
    assert column in {fault.column for fault in caught.value.faults}  # type: ignore[attr-defined]
    assert len(caught.value.faults) <= 4


@pytest.mark.parametrize(
    "name",
    ["AMT_ug", "AMT_\u00b5g", "AMT_\u03bcg", "AMT_mcg", "RATE_ug_per_h", "RATE_\u00b5g/h", "RATE_ugh", "RATE_M_ug"],
)
def test_no_oral_model_reads_micrograms(name: str) -> None:
    with pytest.raises(DatasetError) as caught:
        read(f"ID,TIME,{name}\n1,0,10\n1,1,0\n", "baclofen-oral")
    said = " ".join(str(caught.value).split())
    assert "never in ug" in said or "never in mcg" in said
    assert "--model baclofen-intrathecal" in said


def test_a_column_that_names_its_unit_is_read_and_two_are_refused() -> None:
    for micro in ("\u00b5", "\u03bc", "u"):
        assert read(GOOD.replace("ug", f"{micro}g")).records.amount.tolist() == [50, 0, 96, 0]
    oral = "ID,TIME,AMT_mg,RATE_mg_per_h\n1,0,10,5\n1,1,.,.\n"
    assert read(oral, "baclofen-oral").records.rate.tolist() == [5, 0]
    with pytest.raises(DatasetError, match=r"the amount stands in one column.*AMT_mg"):
        read(oral.replace("TIME", "TIME,AMT").replace("1,0", "1,0,9").replace("1,1", "1,1,0"), "baclofen-oral")


def test_values_with_units_come_to_those_of_the_model() -> None:
    modelled = GOOD.replace("3,4", "3,-1")
    assert read(modelled, MODEL, "RATE_M=144 ug/day").records.modelled_rate[2] == pytest.approx(6.0)
    with pytest.raises(DatasetError, match="does not convert to ug/h"):  # milligrams do not enter the spinal fluid
        read(modelled, MODEL, "RATE_M=0.006 mg/h")
    for bad, why in (("0.006 mg/h", "convert"), ("1,5", "no comma"), ("fast", "number with a unit")):
        with pytest.raises(DatasetError, match=why) as told:
            read(modelled, MODEL, f"RATE_M={bad}")
        assert not re.search(r"plain|without|RATE_M=8\"|as \"1.5\"", str(told.value)), "never a number without its unit"
    removed = parameters.load("intrathecal").value("csf_clearance_rate", "1/h")
    with pytest.raises(DatasetError, match=r'without a unit\. Allowed: in ug, never in mg\. Nearest: "6 ug/h"'):
        read(modelled, MODEL, "RATE_M=6")
    assert read(modelled, MODEL, "RATE_M=6 ug/h", "VCSF=100 mL").values["KCSF"][0] == removed
    with pytest.raises(DatasetError, match="RATE_M_ug_per_h"):
        read(modelled)
    for bad in ("LPOUT=1.5", "KCSF=0", "DISP=-1", "VCSF=90 ug", "KA=1"):
        with pytest.raises(DatasetError):
            read(GOOD, MODEL, bad)


def test_levels_along_the_line(folder: Path, run: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    rows = ["1,0,1,0,3,4.1666666667,1,.", "1,0,0,.,.,.,.,55", "1,0,1,50,8,.,.,.", "1,0,0,.,.,.,.,."]
    Path("t.csv").write_text("\n".join(["ID,TIME,EVID,AMT_ug,CMT,RATE_ug_per_h,SS,DV", *rows]))
    assert run("check", "t.csv", "--model", MODEL) == 0
    assert "Amounts are in ug" in capsys.readouterr().out
    assert run("exposure", "t.csv", "--model", MODEL, "--out", "out.csv") == 0
    assert "PLASMA" in capsys.readouterr().out
    table = pl.read_csv("out.csv")
    assert [name for name in table.columns if "mg" in name] == []
    steady, later = table.to_dicts()
    # The label: lumbar to cisternal about 4:1, clearance about 30 mL/h, plasma at most 5 ng/mL, on 100 ug/day.
    assert steady["CONC_SAC_ng_per_mL"] / steady["CONC_CISTERNAL_ng_per_mL"] == pytest.approx(4.0, abs=1.0)
    assert 4167 / steady["CONC_SAC_ng_per_mL"] == pytest.approx(30.0, abs=5.0)
    assert steady["CONC_PLASMA_ng_per_mL"] == pytest.approx(4.1666666667 / 8.436, rel=1e-3)
    more = {name: later[name] - steady[name] for name in steady if name.startswith("A_")}
    assert more["A_SAC_ug"] == pytest.approx(
        50 * (1 - parameters.load("intrathecal").value("lumbar_puncture_spread", "1"))
    )
    assert sum(more.values()) == pytest.approx(50.0, rel=1e-10)

    assert run("models", MODEL) == 0
    told = capsys.readouterr().out
    for words in ("3 TIP (T10-T11)", "8 PUNCTURE", "AMT_ug, RATE_ug_per_h", "DISP", "cm^2/h", "ug/h"):
        assert words in told
    assert run("models") == 0
    assert MODEL in capsys.readouterr().out


def test_a_larger_fluid_dilutes_and_keeps_the_amounts() -> None:
    from eutonia.exchange.exposure import expose

    line = exposure.model(MODEL)
    (fluid,) = (one.default for one in line.quantities if one.name == "VCSF")
    usual, large = (expose(read(GOOD, MODEL, *given), line) for given in ((), (f"VCSF={2 * fluid:.6g}",)))
    assert large["A_SAC_ug"].to_list() == usual["A_SAC_ug"].to_list()
    assert (2 * large["CONC_SAC_ng_per_mL"]).to_list() == pytest.approx(usual["CONC_SAC_ng_per_mL"].to_list())
    assert large["CONC_PLASMA_ng_per_mL"].to_list() == usual["CONC_PLASMA_ng_per_mL"].to_list()
