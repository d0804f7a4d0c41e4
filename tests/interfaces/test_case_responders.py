"""How likely a response is for one chart, what it hangs on, and what a dose brings: benefit, harm, where they cross."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from rich.console import Console
from study_examples import ANNA, ANNAS_PUMP
from typer.testing import CliRunner

import eutonia
from eutonia.cli.app import app
from eutonia.patient import Cohort, Population
from eutonia.report import page, short
from eutonia.report.case import decision as decision_page
from eutonia.report.case import middles
from eutonia.report.trial import tables
from eutonia.statistics.explained import explained
from eutonia.trial import decision
from eutonia.trial.decision import Decision
from eutonia.trial.predictors import ALL, CHART, known_by, predictor_table
from eutonia.trial.recruitment import known_of
from eutonia.trial.result import StudyResult
from eutonia.trial.scores import ScoreTable

pytestmark = pytest.mark.xdist_group("slow clock")

CASE = f"""
{ANNA}{ANNAS_PUMP}[assessment]
side = "affected"
limbs = ["leg", "arm"]
scales = ["ashworth", "modified_ashworth", "walking_speed"]
rater = "noiseless"
[case]
duration = "150 day"
examine_every = "10 day"
"""
PUMP = '[[event]]\nat = "120 day"\nkind = "infusion"\nrate = "100 ug/day"\n'
OPTION = '[[option]]\nname = "more"\n[[option.event]]\nat = "130 day"\nkind = "infusion"\nrate = "200 ug/day"\n'


@pytest.fixture(scope="module")
def result() -> StudyResult:
    return eutonia.run(eutonia.parse_study(CASE + PUMP + OPTION))


def test_the_chance_of_a_response_is_the_share_of_possible_people(result: StudyResult) -> None:
    assert result.responders is not None
    rows = {row["rule"]: row for row in result.responders.iter_rows(named=True)}
    grade = result.course["modified_ashworth"].sel(limb="leg").transpose("time_h", "patient").to_numpy()
    at = list(result.course["time_h"].to_numpy())
    fell = grade[at.index(120 * 24.0)] - grade[-1]
    row = rows["leg Modified Ashworth falls by 0.45 or more, the minimal important change, at the last look"]
    assert 0.1 < row["share"] == np.mean(fell >= 0.45) < 0.98
    assert row["low"] < row["share"] < row["high"]
    assert row["n"] == 64
    speed = result.course["walking_speed"].transpose("time_h", "patient").to_numpy()
    faster = next(row for rule, row in rows.items() if rule.startswith("Walking speed rises"))
    step = eutonia.assessment.scales.SCALES["walking_speed"].step
    assert faster["share"] == np.mean(speed[-1] - speed[at.index(120 * 24.0)] >= step)


def test_possible_people_are_a_table_and_the_page_says_what_the_chance_hangs_on(
    result: StudyResult,
) -> None:
    assert result.patients is not None
    assert result.predictors is not None
    assert result.patients.height == 64
    assert result.patients["responder"].mean() == pytest.approx(
        result.responders.filter(
            pl.col("rule").str.starts_with("leg Modified") & pl.col("rule").str.ends_with("last look")
        )["share"][0]
    )
    told = [name for name in result.patients.columns if not name.startswith(("patient", "respon"))]
    assert {known_by(name) for name in told} == {"model"}
    cohort = Cohort.draw(1, np.arange(2), Population.typical("stroke"))
    assert {known_by(name) for name in known_of(cohort)} == {CHART}
    share = dict(result.predictors.select("predictor", "explained").iter_rows())
    assert share[CHART] == 0.0
    assert 0.0 < share[ALL] < 1.0
    text = page.html(result)
    assert "How likely a response is" in text
    assert "All possible people share the chart" in text


def test_words_tell_the_middle_person_as_the_picture_does(result: StudyResult) -> None:
    skewed = result.visits.with_columns(
        pl.when(pl.col("patient") < 20).then(pl.col("score") + 3.0).otherwise(pl.col("score")).alias("score")
    )
    told = short.headline(middles.of(dataclasses.replace(result, scores=ScoreTable.of(skewed))))
    of = skewed.filter((pl.col("scale") == "ashworth") & (pl.col("limb") == "leg"))
    last = of.filter(pl.col("time_h") == of["time_h"].max())["score"]
    assert f"last seen at {last.median():.2f}" in told
    assert f"{last.mean():.2f}" != f"{last.median():.2f}"
    shown = io.StringIO()
    tables.show(dataclasses.replace(result, scores=ScoreTable.of(skewed)), Console(file=shown, width=100))
    row = next(line for line in shown.getvalue().splitlines() if line.startswith("Leg Ashworth  "))
    assert row.split()[-3:][0] == f"{last.median():.2f}", "the table is of the person that the words below it are of"
    assert "Middle person" in shown.getvalue()
    assert "Walking speed, m/s" in shown.getvalue()


def test_lines_explain_what_follows_them_and_nothing_of_what_does_not() -> None:
    rng = np.random.default_rng(3)
    x, noise = rng.normal(size=(2, 4000))
    assert explained(2.0 * x + 2.0 * noise, [x]) == pytest.approx(0.5, abs=0.03)
    assert explained(noise, [x]) == pytest.approx(0.0, abs=0.003)
    assert explained(x[:8], list(rng.normal(size=(6, 8)))) is not None
    assert explained(x[:5], list(rng.normal(size=(6, 5)))) is None
    assert explained(np.ones(9), [x[:9]]) is None
    people = pl.DataFrame(
        {
            "response_arm": ["drug"] * 30 + ["placebo"] * 30,
            "response_improvement": [*x[:30], *noise[:30]],
            "baseline_leg": x[:60],
            "ec50": rng.normal(size=60),
            "lesion_volume_ml": [np.nan] + [1.0] * 59,
        }
    )
    table = predictor_table(people, ["drug"])
    assert table is not None
    share = dict(table.select("predictor", "explained").iter_rows())
    assert share["baseline_leg"] == share[CHART] == pytest.approx(1.0)
    assert "lesion_volume_ml" not in share


def test_a_case_with_options_says_that_they_are_not_in_it(tmp_path: Path) -> None:
    file = tmp_path / "anna.toml"
    file.write_text(CASE + PUMP + OPTION, encoding="utf-8")
    told = CliRunner().invoke(app, ["check", str(file)]).output
    assert "without its options (more): eutonia compare" in " ".join(told.split())


@pytest.fixture(scope="module")
def decided() -> Decision:
    case = eutonia.parse_study(CASE + PUMP)
    return eutonia.decision(case, route="pump", doses=["100 ug/day", "50 ug/day", "900 ug/day"], held="30 day")


def test_a_held_dose_benefits_as_many_as_a_case_of_it(decided: Decision, result: StudyResult) -> None:
    """The case goes through events and a pump, the decision holds all doses at once: the two share no loop."""
    assert decided.question.rule.startswith("leg Modified Ashworth falls by 0.45")
    at_100 = decided.question.daily.index(100.0)
    assert result.responders is not None
    rule = f"{decided.question.rule}, at the last look"
    in_case = result.responders.filter(pl.col("rule") == rule)["share"][0]
    assert decided.share("benefit")[at_100] == pytest.approx(in_case, abs=0.08)
    risk = result.course["risk_drowsiness"].transpose("time_h", "patient").to_numpy()
    at_h = result.course["time_h"].to_numpy()
    on_drug = at_h >= 120 * 24.0
    met = np.trapezoid(-np.log1p(-risk[on_drug]) / 24.0, at_h[on_drug], axis=0)
    assert decided.share("drowsiness")[at_100] == pytest.approx(float(-np.expm1(-met).mean()), rel=0.1)


def test_no_dose_does_nothing_and_more_of_it_harms_more(decided: Decision) -> None:
    assert decided.question.daily == [0.0, 50.0, 100.0, 900.0]
    assert all(decided.share(what)[0] == 0.0 for what in decided.table["what"].unique())
    for what in ("benefit", "harm", "drowsiness", "hypotonia"):
        assert np.all(np.diff(decided.share(what)) >= 0), what
    both = np.array(decided.share("benefit without harm"))
    assert np.all(both <= np.minimum(decided.share("benefit"), 1.0 - np.array(decided.share("harm"))) + 1e-12)
    assert decided.share("harm")[3] > max(decided.share("drowsiness")[3], decided.share("hypotonia")[3])


def test_where_benefit_and_harm_cross_is_found_between_the_doses(decided: Decision) -> None:
    def seen(benefit: list[float], harm: list[float]) -> list[tuple[float, bool]]:
        rows = [*zip(decided.question.daily, ["benefit"] * 4, benefit, strict=True)]
        rows += [*zip(decided.question.daily, ["harm"] * 4, harm, strict=True)]
        table = pl.DataFrame(rows, schema=["dose", "what", "share"], orient="row")
        return dataclasses.replace(decided, table=table).crossings

    assert seen([0.0, 0.2, 0.8, 0.8], [0.0, 0.4, 0.4, 1.0]) == [
        (pytest.approx(50 + 50 / 3), True),
        (pytest.approx(100 + 800 * 2 / 3), False),
    ]
    assert seen([0.0, 0.2, 0.8, 0.8], [0.0, 0.1, 0.1, 0.1]) == []


def test_the_decision_is_a_page_and_files(decided: Decision, tmp_path: Path) -> None:
    folder = decision_page.write(decided, tmp_path / "decision")
    text = (folder / "report.html").read_text(encoding="utf-8")
    assert "They do not cross" in text or "the two cross harm" in text
    assert "900 mcg/day" in text
    assert "ug/day" not in text
    assert pl.read_parquet(folder / "decision.parquet").height == 6 * 4


def test_what_cannot_be_decided_is_refused() -> None:
    case = eutonia.parse_study(CASE + PUMP)
    with pytest.raises(eutonia.EutoniaError, match="given in the unit of the oral route"):
        eutonia.decision(case, route="pump", doses=["1 mg/day"])
    with pytest.raises(eutonia.EutoniaError, match="Allowed: 0 to 80 mg a day"):
        eutonia.decision(case, route="tablets", doses=["40 mg"])
    with pytest.raises(eutonia.EutoniaError, match=r"is a trial.*Nearest: eutonia\.sweep"):
        eutonia.decision(eutonia.load_study("toxin_arm"))
    with pytest.raises(eutonia.EutoniaError, match='Nearest: "4 week"'):
        eutonia.decision(case, held="0 hour")
    with pytest.raises(eutonia.EutoniaError, match="tablets"):
        eutonia.decision(case, route="tablet")


def test_benefit_harm_and_their_sum_are_counted_person_by_person(decided: Decision, monkeypatch: Any) -> None:
    """Four people, none and one dose: who gains, who is drowsy or weak, and who stood and stands no more."""
    score = np.array([[2.0, 2.0, 2.0, 2.0], [1.55, 1.56, 1.0, 2.5]])
    support = np.array([[1.2, 1.0, 0.9, 1.5], [1.0, 0.99, 0.5, 1.4]])
    drowsy = np.array([[0.0] * 4, [0.5, 0.0, 0.0, 0.25]])
    weak = np.array([[0.0] * 4, [0.5, 0.0, 0.2, 0.0]])
    monkeypatch.setattr(decision, "_people", lambda question: None)
    monkeypatch.setattr(decision, "_held", lambda question, people, doses: (score, support, drowsy, weak))
    found = decision.decide(dataclasses.replace(decided.question, doses=(0.0, 100.0 / 24.0)))
    harms = np.array([0.75, 1.0, 0.2, 0.25])
    gains = np.array([1.0, 0.0, 1.0, 0.0])
    wanted = {"benefit": gains, "harm": harms, "benefit without harm": gains * (1 - harms)}
    for what, each in (wanted | {"stance lost": np.array([0.0, 1.0, 0.0, 0.0])}).items():
        assert found.share(what) == [0.0, pytest.approx(each.mean())], what
    assert found.stood == 3


def test_what_nothing_explains_is_not_explained_by_many_columns() -> None:
    """Unadjusted, six columns of noise explain two fifths of the noise in sixteen people."""
    rng = np.random.default_rng(11)
    found = [explained(rng.normal(size=16), list(rng.normal(size=(6, 16)))) or 0.0 for _ in range(200)]
    assert float(np.mean(found)) < 0.2
