"""A trial that says its analysis: its tables, its panel, its line on the screen; one without; and a null trial."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import scipy.stats
from report_examples import trial
from rich.console import Console

import eutonia
from eutonia.report import files, page
from eutonia.report.trial import analysis_words, tables
from eutonia.study.design import parse_study
from eutonia.trial.result import Analysed, StudyResult

pytestmark = pytest.mark.xdist_group("slow clock")

TEXT = (Path(__file__).parent / "parallel_tablets.toml").read_text(encoding="utf-8").replace(', "adverse"]', "]")
PLAN = """
[analysis]
[[analysis.endpoint]]
scale = "modified_ashworth"
limb = "leg"
method = "ANCOVA"
estimand = "hypothetical"
[[analysis.endpoint]]
role = "secondary"
scale = "modified_ashworth"
limb = "leg"
measure = "responder"
improvement = "minimal important change"
estimand = "composite"
[[analysis.endpoint]]
role = "secondary"
scale = "modified_ashworth"
limb = "leg"
measure = "time to improvement"
estimand = "hypothetical"
"""


@pytest.fixture(scope="module")
def result() -> StudyResult:
    return eutonia.run(parse_study(TEXT + PLAN).override(n=15, pool=1024), replicates=5)


@pytest.fixture(scope="module")
def folder(result: StudyResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return files.write(result, tmp_path_factory.mktemp("analysis") / "tablets", csv=True)


def test_the_table_has_a_row_for_each_trial_and_endpoint(folder: Path) -> None:
    table = pl.read_parquet(folder / "analysis.parquet")
    assert table.height == 5 * 3
    assert table["replicate"].n_unique() == 5
    assert (folder / "analysis.csv").exists()
    one = pl.read_parquet(folder / "operating_characteristics.parquet")
    assert one["endpoint"].to_list() == table["endpoint"].unique(maintain_order=True).to_list()
    assert json.loads((folder / "summary.json").read_text())["analysis"][0]["trials"] == 5
    curve = pl.read_parquet(folder / "time_to_event.parquet")
    # Whoever waits improves, leaves, or waits on; those who waited last are censored there.
    gone = curve.group_by("arm").agg(pl.col("events").sum() + pl.col("censored").sum(), pl.col("at_risk").first())
    np.testing.assert_allclose(gone["events"], gone["at_risk"])
    units = json.loads(pl.read_parquet_metadata(folder / "operating_characteristics.parquet")["columns"])
    assert set(units) == set(one.columns)


def slopes(visits: pl.DataFrame, replicate: int, arm: str) -> tuple[float, float, int]:
    """Return estimate, standard error and people of an analysis of covariance, by another program's least squares."""
    mine = visits.filter(pl.col("replicate") == replicate).drop_nulls(["6 week", "0 week"])
    before, given = mine["0 week"].to_numpy(), (mine["arm"] == arm).to_numpy().astype(float)
    change = mine["6 week"].to_numpy() - before
    rest = [values - np.polynomial.Polynomial.fit(before, values, 1)(before) for values in (change, given)]
    found = scipy.stats.linregress(rest[1], rest[0])
    # The residuals of both have lost one number more, the slope of the first score.
    return found.slope, found.stderr * np.sqrt((mine.height - 2) / (mine.height - 3)), mine.height


def read(folder: Path) -> pl.DataFrame:
    visits = pl.read_parquet(folder / "visits.parquet").filter(
        (pl.col("scale") == "modified_ashworth") & (pl.col("limb") == "leg") & (pl.col("item") == "mean")
    )
    return visits.pivot(on="visit", index=["replicate", "patient", "arm"], values="score")


def test_whoever_reads_the_visits_finds_the_same(folder: Path) -> None:
    ours = pl.read_parquet(folder / "analysis.parquet").filter(pl.col("method") == "ANCOVA")
    assert ours.height == 5
    wide = read(folder)
    for row in ours.iter_rows(named=True):
        estimate, se, people = slopes(wide, row["replicate"], "20 mg")
        assert row["estimate"] == pytest.approx(estimate, abs=1e-9)
        assert row["se"] == pytest.approx(se, rel=1e-9)
        assert row["n_arm"] + row["n_against"] == people


def test_report_and_screen_say_difference_interval_estimand_and_that_a_rate_needs_more(
    result: StudyResult, folder: Path
) -> None:
    text = (folder / "report.html").read_text(encoding="utf-8")
    for words in ("Leg Modified Ashworth, change at 6 weeks", "20 mg less placebo", "as if nobody had left", "ANCOVA"):
        assert words in text
    for words in ("Share that has improved", "Censored there", "log-rank test, and Cox"):
        assert words in text
    assert "no rate from 5 replicate trials; it needs 40 or more" in text
    out = io.StringIO()
    tables.show(result, Console(file=out, width=100))
    shown = " ".join(out.getvalue().split())
    assert "Leg Modified Ashworth, change at 6 weeks, 20 mg less placebo: " in shown
    assert "needs 40 or more" in shown


def characteristics(alike: bool, **changes: float | str) -> Analysed:
    """Return what 200 trials of one endpoint found."""
    one = {"endpoint": "leg Ashworth, change at 6 week", "role": "primary", "method": "MMRM", "unit": "score"}
    numbers = {"estimate": -0.31, "estimate_sd": 0.1, "estimate_low": -0.5, "estimate_high": -0.12, "width": 0.4}
    rates = {"coverage": 0.951, "coverage_error": 0.015, "rejected": 0.864, "rejected_error": 0.024}
    more = {"truth": -0.3, "alike": alike, "estimate_bias": -0.01, "estimate_bias_error": 0.007, "rejected_alone": 0.9}
    counts = {"trials": 200, "no_answer": 0, "unbounded": 0, "fell_back": 3, "people": 60.0, "estimand": "hypothetical"}
    counts |= {"rescue": "", "measure": "change", "carried_over": None, "carried_over_error": None}
    first = {
        "replicate": 0,
        "arm": "tablets",
        "against": "placebo",
        "scale": "ashworth",
        "limb": "leg",
        "estimate": -0.4,
        "low": -0.6,
        "high": -0.2,
    }
    row = pl.DataFrame([{**one, **numbers, **rates, **more, **counts, **changes}])
    return Analysed(pl.DataFrame([{**first, "p": 0.0004}]), row, 0.05, "hierarchical")


def test_rates_are_told_with_their_error_and_by_their_name() -> None:
    power = trial(analysed=characteristics(alike=False))
    (line,) = analysis_words.lines(power)
    said = "tablets less placebo: −0.31 (95% of trials −0.50 to −0.12), power 86.4%\u00a0±\u00a02.4."
    assert line.endswith(said)
    text = page.html(power)
    assert "In 3 of 200 trials the covariance that was asked for could not be fitted" in text
    assert "p below 0.001" in text
    assert "finds a difference in 86 of 100, as often as trials are usually planned for" in text
    for share, words in ((0.5, "less often than the 80%"), (0.08, "not clearly more often than chance")):
        assert words in analysis_words.plain(characteristics(alike=False, rejected=share))[0]
    assert (
        "nobody differs in it between the arms, and 86.4% of trials say that they do"
        in analysis_words.plain(characteristics(alike=True))[0]
    )
    (null,) = analysis_words.endpoints(characteristics(alike=True))
    assert null.rate_name == "Type I error"
    (ratio,) = analysis_words.endpoints(characteristics(alike=False, unit="1"))
    assert ratio.difference == "−0.31", "a ratio, such as stance support, is no share of people"
    (poor,) = analysis_words.endpoints(characteristics(alike=False, coverage=0.8))
    assert "do not rely on it" in " ".join(poor.notes)


def test_a_study_without_an_analysis_has_none(tmp_path: Path) -> None:
    out = files.write(trial(), tmp_path / "without")
    assert not (out / "analysis.parquet").exists()
    assert "analysis" not in json.loads((out / "summary.json").read_text())
    assert 'id="analysis"' not in (out / "report.html").read_text(encoding="utf-8")


def test_a_null_trial_errs_at_its_level_from_inside_and_from_its_files(tmp_path: Path) -> None:
    """Two arms of the same tablets, analysed by us and, from visits.parquet, by another program. As if everybody
    were in both arms it would reject never.
    """
    same = TEXT.replace("placebo = true", TEXT[TEXT.index("[[phase.arm.treatment]]") :]).replace("allocation = 2\n", "")
    text = same.replace('name = "placebo"', 'name = "the same"').replace('"2 week", ', "")
    plan = PLAN.replace('limb = "leg"', 'limb = "leg"\narm = "20 mg"\nagainst = "the same"')
    trials = 150
    found = eutonia.run(parse_study(text + plan).override(n=14, pool=1024, parameters="frozen"), replicates=trials)
    assert found.analysed is not None
    row = found.analysed.characteristics.row(0, named=True)
    assert row["alike"]
    assert row["truth"] == 0.0
    assert row["rejected"] == pytest.approx(0.05, abs=3 * row["rejected_error"])
    assert row["coverage"] == pytest.approx(0.95, abs=3 * row["coverage_error"])
    wide = read(files.write(found, tmp_path / "null"))
    outside = [slopes(wide, k, "20 mg") for k in range(trials)]
    p = np.array([2 * scipy.stats.t.sf(abs(one) / se, n - 3) for one, se, n in outside])
    assert np.mean(p <= 0.05) == pytest.approx(row["rejected_alone"])
    assert scipy.stats.kstest(p, "uniform").pvalue > 0.001
