"""Several treatments of one person beside each other: `eutonia compare` and its verb."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import xarray as xr
from rich.console import Console
from study_examples import ANNA, ANNAS_PUMP

import eutonia
from eutonia.errors import StudyError
from eutonia.report.case import options as report
from eutonia.study.same_person import MOST_OPTIONS, check_options

pytestmark = pytest.mark.xdist_group("slow clock")

PERSON = f"""
{ANNA}{ANNAS_PUMP}[assessment]
side = "affected"
limbs = ["leg", "arm"]
scales = ["ashworth", "pain", "walking_speed"]
rater = "noiseless"
[case]
duration = "150 day"
examine_every = "10 day"
"""
INFUSION = '[[event]]\nat = "{at} day"\nkind = "infusion"\nrate = "{rate} ug/day"\n'
KIDNEYS = '[[event]]\nat = "110 day"\nkind = "creatinine clearance"\nvalue = "30 mL/min"\n'


def text(name: str, rate: float = 100.0, *, at: int = 120, weight: str = "70 kg", more: str = "") -> str:
    person = PERSON.replace('"anna"', f'"{name}"').replace("A made-up person", f"Pump at {rate:g}")
    return person.replace('"70 kg"', f'"{weight}"') + INFUSION.format(at=at, rate=rate) + more


def case(name: str, rate: float = 100.0, **more: str) -> eutonia.CaseStudy:
    study = eutonia.parse_study(text(name, rate, **more))
    assert isinstance(study, eutonia.CaseStudy)
    return study


@pytest.fixture(scope="module")
def found() -> eutonia.api.options.OptionComparison:
    return eutonia.compare_options([case("less"), case("more", 300.0), case("less_again")])


def test_the_same_treatment_under_another_name_differs_by_nothing(found: eutonia.api.options.OptionComparison) -> None:
    twin = found.frame().filter(pl.col("option") == "less_again")
    assert twin.height
    assert not twin.select("difference", "difference_low", "difference_high").to_numpy().any()


def test_a_number_on_the_screen_is_not_broken_in_two(
    found: eutonia.api.options.OptionComparison, monkeypatch: pytest.MonkeyPatch
) -> None:
    hours = report.OptionRow(
        "Hours without drug", "", (("1\u202f440 h", "", "+1\u202f440 (+1\u202f440 to +1\u202f440)"),) * 3
    )
    monkeypatch.setattr(report, "tables", lambda _: [("Risks", [hours])])
    shown = io.StringIO()
    report.show(found, Console(file=shown, width=60), None)
    assert shown.getvalue().count("1440") == 4 * 3


def test_differences_are_those_of_two_runs_person_by_person(found: eutonia.api.options.OptionComparison) -> None:
    last = {}
    for name, rate in (("less", 100.0), ("more", 300.0)):
        course = eutonia.run(case(name, rate)).course["walking_speed"].transpose("time_h", "patient").to_numpy()
        last[name] = course[np.isfinite(course).all(axis=1)][-1]
    low, middle, high = np.quantile(last["more"] - last["less"], (0.025, 0.5, 0.975))
    row = found.frame().row(
        by_predicate=(pl.col("option") == "more") & (pl.col("what") == "walking_speed") & (pl.col("measure") == "last"),
        named=True,
    )
    assert (row["difference_low"], row["difference"], row["difference_high"]) == pytest.approx((low, middle, high))
    assert row["value"] == pytest.approx(np.median(last["more"]))
    # The interval of the differences is not that of two groups of strangers.
    assert row["difference_high"] - row["difference_low"] < 0.9 * (np.ptp(last["more"]) + np.ptp(last["less"]))


def test_more_drug_takes_more_tone_and_risks_more(found: eutonia.api.options.OptionComparison) -> None:
    of = found.frame().filter(pl.col("option") == "more")
    leg = of.row(
        by_predicate=(pl.col("what") == "ashworth") & (pl.col("limb") == "leg") & (pl.col("measure") == "mean"),
        named=True,
    )
    assert leg["difference_high"] <= 0.0
    assert leg["difference"] < -0.1
    drowsy = of.row(by_predicate=pl.col("what") == "risk_drowsiness", named=True)
    assert drowsy["difference_low"] > 0.0


def test_a_mean_is_taken_from_the_first_treatment_on(found: eutonia.api.options.OptionComparison) -> None:
    assert found.span_h == (120 * 24.0, 150 * 24.0)
    course = found.results["less"].course["pain"].transpose("time_h", "patient")
    values, at = course.to_numpy(), course["time_h"].to_numpy()
    kept = np.isfinite(values).all(axis=1) & (at >= 120 * 24.0)
    width = np.diff(at[kept])
    mean = (0.5 * (values[kept][1:] + values[kept][:-1]) * width[:, None]).sum(axis=0) / width.sum()
    row = found.frame().row(
        by_predicate=(pl.col("option") == "less") & (pl.col("what") == "pain") & (pl.col("measure") == "mean"),
        named=True,
    )
    assert row["value"] == pytest.approx(np.median(mean))


def test_a_person_told_in_other_units_is_the_same_person() -> None:
    other = text("b", weight="70.0 kg").replace('at = "100 day"', 'at = "2400 hour"')
    cases = [eutonia.parse_study(one) for one in (text("a"), other)]
    assert check_options(cases, None)[1] == "a"


REFUSED: dict[str, tuple[list[str], str | None, tuple[str, ...]]] = {
    "one": ([text("a")], None, ("1 option is given", "2 to 7")),
    "too many": ([text(f"a{k}") for k in range(MOST_OPTIONS + 1)], None, ("8 options are given", "Nearest: 7")),
    "of one name": ([text("a"), text("a", 200.0)], None, ('called "a"', "[study] name")),
    "another weight": ([text("a"), text("b", weight="71 kg")], None, ("a and b", "[patient] weight", "70", "71")),
    "another seed": ([text("a"), text("b").replace("seed = 4", "seed = 5")], None, ("[study] seed", "4", "5")),
    "another chart": ([text("a"), text("b").replace("score = 3.2", "score = 3")], None, ("[[charted]]",)),
    "kidneys that fail in one": ([text("a"), text("b", more=KIDNEYS)], None, ("creatinine clearance",)),
    "no such option": ([text("less"), text("more", 300.0)], "les", ('"les"', "less")),
}


@pytest.mark.parametrize("which", list(REFUSED))
def test_what_is_no_comparison_is_refused_before_any_run(which: str) -> None:
    files, against, said = REFUSED[which]
    with pytest.raises(StudyError) as refused:
        eutonia.compare_options([eutonia.parse_study(one) for one in files], against=against)
    for words in (*said, "Allowed: "):
        assert words in str(refused.value)


def test_the_command_writes_one_page_and_what_other_programs_read(
    run: Callable[..., int], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, rate in (("less", 100.0), ("more", 300.0)):
        Path(f"{name}.toml").write_text(text(name, rate), encoding="utf-8")
    assert run("compare", "less.toml", "more.toml", "--against", "more", "--out", "both") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "Differences are from More" in said
    assert "not a medical device" in said
    assert {one.name for one in (folder / "both").iterdir()} == set(report.NAMES)
    table = pl.read_parquet("both/options.parquet")
    assert set(table["option"]) == {"less", "more"}
    assert set(table.filter(pl.col("option") == "more")["difference"]) == {0.0}
    with xr.open_dataset("both/courses.nc", engine="h5netcdf") as courses:
        assert list(courses["option"].values) == ["less", "more"]
        assert courses["ashworth"].attrs["units"] == "score"
    page = Path("both/report.html").read_text(encoding="utf-8")
    for words in ("points", "Dose, mcg/day", "not a medical device", "eutonia compare less.toml more.toml"):
        assert words in page
    assert "Dose, mg/day" not in page
    assert run("compare", "less.toml", "meythaler_2001", "--out", "other") == 2
    assert "is a trial" in capsys.readouterr().err
    assert not Path("other").exists()


def test_a_pump_program_is_treatment_and_a_look_is_none() -> None:
    """A program counted for nothing: no moment, and means from the onset on; a look began them instead."""
    head, _, rest = PERSON.partition("[pump]")
    person = (head + rest[rest.index("[assessment]") :]).replace('"anna"', '"none"')
    look = '[[event]]\nat = "110 day"\nkind = "examination"\ntest = "pendulum"\n'
    dialysis = '[[event]]\nat = "105 day"\nkind = "dialysis"\nevery = "2 day"\nuntil = "109 day"\n'
    seen = person.replace('"none"', '"seen"') + look + dialysis
    pumped = person.replace('"none"', '"pumped"') + '[therapy]\nprogram = "first_pump"\nimplanted = "120 day"\n'
    found = eutonia.compare_options([eutonia.parse_study(one) for one in (person, seen, pumped)])
    assert dict(found.contacts) == {"none": 0, "seen": 4, "pumped": 5}  # programmed on days 0, 1, 2, 3 and 21
    assert found.span_h == (120 * 24.0 + 10.0, 150 * 24.0)
    assert [Path(one["file"]).name for one in found.run["inputs"]] == ["first_pump.toml"]
