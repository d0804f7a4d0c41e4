"""Published results are judged by criteria that are older than they are, and laid beside two baselines."""

from __future__ import annotations

import csv
import datetime
import json
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from typer.testing import CliRunner

import eutonia
import eutonia.cli
from eutonia.assessment.scales import SCALES
from eutonia.cli.app import app
from eutonia.errors import EutoniaError, ParameterError
from eutonia.report import targets
from eutonia.report.papers import baselines, criteria, judged, record, tables
from eutonia.statistics.crps import crps
from eutonia.study.published import Statistic
from eutonia.trial.result import Published, Quantity

pytestmark = pytest.mark.papers

PAPERS = Path(__file__).parents[2] / "papers"
SHIPPED = criteria.read(PAPERS / "criteria.toml")
TODAY = SHIPPED.stated + datetime.timedelta(days=1)


def test_the_score_of_an_ensemble_is_its_definition() -> None:
    drawn = np.random.default_rng(7).normal(2.0, 0.5, 9)
    pairs = np.abs(drawn[:, None] - drawn[None, :]).mean()
    assert crps(drawn, 2.7) == pytest.approx(np.abs(drawn - 2.7).mean() - 0.5 * pairs, rel=1e-12)
    assert crps(np.array([3.0]), 1.25) == pytest.approx(1.75)
    assert crps(drawn[::-1], 2.7) == crps(drawn, 2.7)


def test_a_normal_prediction_scores_as_its_closed_form() -> None:
    """Gneiting and Raftery 2007, equation 5: at its own mean a normal scores sd (sqrt(2) - 1)/sqrt(pi)."""
    from scipy.stats import norm

    drawn = norm.ppf((np.arange(4000) + 0.5) / 4000)
    assert crps(drawn, 0.0) == pytest.approx((np.sqrt(2.0) - 1.0) / np.sqrt(np.pi), rel=1e-3)


@pytest.mark.parametrize(
    ("statistic", "scale", "published", "margin"),
    [
        ("mean", "ashworth", 1.4, 0.5),
        ("change from baseline", "spasm", -2.0, 0.5),
        ("dose", "dose", 268.0, 53.6),
        ("highest dose", "highest dose", 360.0, 72.0),
        ("fraction removed", "ashworth", 0.83, 0.15),
        ("share lost", "stance_support", 0.75, 0.15),
        ("mean", "walking_speed", 0.6, 0.12),
        (criteria.OF_A_PAPER, "", 141.4, 28.28),
    ],
)
def test_margins_are_half_a_grade_a_fifth_of_a_dose_and_15_points(
    statistic: str, scale: str, published: float, margin: float
) -> None:
    assert SHIPPED.margin(statistic, scale).of(published) == pytest.approx(margin)


def test_every_statistic_that_a_study_may_publish_has_a_margin() -> None:
    scales = [name for name, one in SCALES.items() if one.is_score]
    assert all(SHIPPED.margin(one, scale) for one in get_args(Statistic) for scale in scales)


@pytest.mark.parametrize(
    ("predicted", "half", "verdict"),
    [
        (1.5, 0.3, "equivalent"),
        (1.5, 0.45, "within the margin"),
        (1.4, None, "within the margin"),
        (1.95, 0.0, "outside"),
        (0.85, None, "outside"),
    ],
)
def test_a_wide_error_of_the_paper_or_none_is_never_called_equivalent(
    predicted: float, half: float | None, verdict: str
) -> None:
    assert criteria.equivalence(predicted, 1.4, half, 0.5) == verdict


@pytest.mark.parametrize(
    ("given", "error"),
    [({"sd": "0.4", "n": "16"}, 0.1), ({"low": "4", "high": "4.8"}, 0.204), ({}, None), ({"high": "4.6"}, None)],
)
def test_the_rounding_of_a_print_is_no_error_of_a_number(
    tmp_path: Path, given: dict[str, str], error: float | None
) -> None:
    """What a paper prints without an error was "surely" within the margin."""
    row = dict.fromkeys(targets._COLUMNS, "") | {
        "id": "t", "what": "t", "value": "4.4", "unit": "h", "basis": "observed", "status": "verified",
        "source": "Simon_2018", "where": "abstract",
    }  # fmt: skip
    with (tmp_path / "targets.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, targets._COLUMNS)
        table.writeheader()
        table.writerow(row | given)
    (target,) = targets.read(tmp_path / "targets.csv")
    assert target.standard_error == (error if error is None else pytest.approx(error, rel=1e-3))
    (one,) = judged.of_paper(tmp_path, targets.compare([target], {"t": 4.4}), SHIPPED)
    assert one.equivalence == ("within the margin" if error is None else "equivalent")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("stated = 2026-11-29", 'stated = "2026-11-29"', "without quotation marks"),
        ("absolute = 0.5", "absolute = 0.5\nrelative = 0.2", "one of absolute and relative"),
        ('statistics = ["sd", "ratio"]', 'statistics = ["sd", "ratoi"]', "Nearest: ratio"),
        ('statistics = ["sd", "ratio"]', 'statistics = ["sd", "dose"]', "Allowed: one"),
        ("stated = 2026-11-29", "stated = 2026-11-29T08:00:00", "the day on which"),
        ("confidence = 0.90", "confidence = 90.0", "between 0.5 and 1"),
    ],
)
def test_broken_criteria_are_refused(tmp_path: Path, old: str, new: str, says: str) -> None:
    text = (PAPERS / "criteria.toml").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "criteria.toml").write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ParameterError, match=says):
        criteria.read(tmp_path / "criteria.toml")


def test_criteria_that_are_no_utf_8_are_refused(tmp_path: Path) -> None:
    (tmp_path / "criteria.toml").write_bytes("# \u00e4".encode("latin-1"))
    with pytest.raises(ParameterError, match="byte 3 is no UTF-8"):
        criteria.read(tmp_path / "criteria.toml")


def quantity(**more: Any) -> Quantity:
    about = {"phase": "pump", "arm": "pump", "limb": "leg", "scale": "ashworth", "visit": "6 hour", "statistic": "mean"}
    numbers = {"time_h": 6.0, "mean": 1.9, "sd": 0.6, "n": 20, "low": 1.4, "high": 2.4, "baseline_mean": 3.0}
    published = Published(1.4, sd=0.7, n=20, source="Somebody_2001", baseline=3.4)
    given = {"name": "", **about, **numbers, "published": published, "in_trials": (1.5, 1.9, 2.3)}
    return Quantity(**{**given, **more})  # type: ignore[arg-type]


def row(**more: Any) -> judged.Judged:
    given: dict[str, Any] = {
        "source": "trial", "key": "leg ashworth, 6 hour", "unit": "score", "predicted": 1.9, "low": 1.4, "high": 2.4,
        "published": 1.4, "grade": "reproduces", "margin_name": "grades", "margin": 0.5, "equivalence": "outside",
    }  # fmt: skip
    return judged.Judged(**{**given, **more})


def built(*rows: judged.Judged, **more: Any) -> dict[str, Any]:
    build = {"version": "0.1", "date": "2026-12-01", "replicates": 500, "sets": {"receptor": "a", "tone": "b"}, **more}
    build |= {"criteria": "c", "parameters": "p"}
    return {"build": build, "results": record.results(rows, SHIPPED, {"results": {}}, TODAY), "moved": []}


def test_a_criterion_that_is_younger_than_its_result_is_refused() -> None:
    before = built(row())
    record.refuse_younger([row(predicted=1.2)], SHIPPED, before)
    record.refuse_younger([row(key="leg spasm, 6 hour", margin=0.7)], SHIPPED, before)
    with pytest.raises(EutoniaError, match=r"± 0\.7 .* on record since .* graded by ± 0\.5 .*Nearest: ± 0\.5"):
        record.refuse_younger([row(margin=0.7)], SHIPPED, before)


def test_criteria_of_a_day_to_come_are_refused_before_anything_is_computed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (PAPERS / "criteria.toml").read_text(encoding="utf-8")
    (tmp_path / "criteria.toml").write_text(text.replace("stated = 2026-11-29", "stated = 2199-11-29"))
    monkeypatch.setattr("eutonia.api.papers.run", lambda *_, **__: pytest.fail("an hour of computing, and then no"))
    with pytest.raises(EutoniaError, match="Correct the date"):
        eutonia.papers(["meythaler_2001"], home=tmp_path)


def test_a_result_keeps_the_day_since_which_it_is_on_record(tmp_path: Path) -> None:
    later = TODAY + datetime.timedelta(days=40)
    found = record.results([row(predicted=1.2), row(key="new")], SHIPPED, built(row()), later)
    assert [one["since"] for one in found.values()] == [TODAY.isoformat(), later.isoformat()]


def test_a_record_that_lacks_anything_that_is_read_of_it_is_damaged(tmp_path: Path) -> None:
    """A missing key was a KeyError, after all trials had been computed again."""
    file, whole = tmp_path / "results.json", built(row())
    file.write_text(json.dumps(whole), encoding="utf-8")
    assert record.read(file) == whole
    damaged: list[Any] = [[], {"build": {}, "results": {"a": {}}}]
    damaged += [{key: one for key, one in whole.items() if key != gone} for gone in whole]
    damaged += [
        whole | {"build": {key: one for key, one in whole["build"].items() if key != gone}} for gone in whole["build"]
    ]
    (name,) = whole["results"]
    kept = whole["results"][name]
    damaged += [whole | {"results": {name: {key: one for key, one in kept.items() if key != gone}}} for gone in kept]
    damaged += [
        whole | {"results": {name: kept | {"margin": "wide"}}},
        whole | {"build": whole["build"] | {"sets": []}},
    ]
    for one in damaged:
        file.write_text(json.dumps(one), encoding="utf-8")
        with pytest.raises(EutoniaError, match=r"(?s)damaged.*Allowed.*Nearest.*Restore it"):
            record.read(file)


def test_what_moved_since_the_last_build_is_told() -> None:
    before, now = built(row()), {**built()["build"], "sets": {"receptor": "a", "tone": "c"}}
    other = {"predicted": 1.2, "grade": "does not", "equivalence": "equivalent"}
    told = record.moved([row(**other), row(key="new")], now, before)
    assert told == [
        "Parameter sets with other numbers: tone.",
        "trial, leg ashworth, 6 hour: 1.9, now 1.2 (reproduces, now does not; outside, now equivalent).",
        "trial, new: new, 1.9 score.",
    ]
    opening = tables.opening(before["build"], ["this was before:", "and that"])
    assert opening.endswith("Since the build before:\n\n- this was before:\n- and that\n\n")
    assert tables.opening(before["build"], []).endswith(".\n\nNothing was built before.\n\n")
    assert record.moved([row()], before["build"], before) == ["nothing moved (build of 2026-12-01)."]
    assert record.moved([row(predicted=1.95)], {**before["build"], "replicates": 40}, before) == [
        "replicate trials: 500, now 40."
    ]


HEAD = "study,route,limb,outcome,layer,scale_min,baseline_mean,followup_mean,value,value_unit,timepoint\n"
ROWS = """\
A,intrathecal,LE,Ashworth,tone_steady,1,4,2.5,,,
B,intrathecal,LE,Ashworth,tone_steady,0,2,0.5,,,
B,intrathecal,UE,Ashworth,tone_steady,1,3,3,,,
C,oral,LE,Ashworth,tone_steady,1,3,3,,,
Somebody_2001,intrathecal,LE,Ashworth,tone_steady,1,3,1,,,
P,intrathecal,LE,Ashworth,placebo,1,3,2.8,,,
A,intrathecal,,mean dose,tolerance,,,,100,ug/d,0
A,intrathecal,,mean dose,tolerance,,,,200,ug/d,12
B,intrathecal,,mean dose,tolerance,,,,300,ug/d,
"""


@pytest.fixture
def rows(tmp_path: Path) -> baselines.Rows:
    (tmp_path / "calibration.csv").write_text(HEAD + ROWS, encoding="utf-8")
    return baselines.Rows.read(tmp_path / "calibration.csv", SHIPPED.baselines["calibration_mean"])


def expected(rows: baselines.Rows, **more: Any) -> float | None:
    is_placebo = more.get("arm") == "saline"
    return baselines.calibration_mean(quantity(**more), rows, "intrathecal", is_placebo=is_placebo)


def test_the_calibration_mean_is_of_that_scale_limb_and_route_and_never_of_the_study_itself(
    rows: baselines.Rows,
) -> None:
    assert expected(rows) == pytest.approx(1.0 + (0.5 + 0.25) / 2 * (3.4 - 1.0))
    assert expected(rows, limb="arm") == pytest.approx(3.4)
    assert expected(rows, statistic="fraction removed") == pytest.approx(1.0 - 0.375)
    assert expected(rows, arm="saline") == pytest.approx(1.0 + 0.9 * 2.4)
    assert expected(rows, statistic="dose", scale="dose", limb=None, unit="ug/day") == pytest.approx(250.0)
    assert expected(rows, statistic="dose", scale="dose", limb=None, unit="mg/day") is None
    assert expected(rows, scale="pain", limb=None) is None


def test_no_change_is_the_entry_score_and_no_difference() -> None:
    assert baselines.no_change(quantity(), None) == 3.4
    assert baselines.no_change(quantity(published=Published(1.4)), None) == 3.0
    assert baselines.no_change(quantity(statistic="fraction removed"), None) == 0.0
    assert baselines.no_change(quantity(statistic="share entered"), None) is None


def test_baselines_have_the_spread_of_the_prediction_about_another_middle() -> None:
    own, at_itself, off = baselines.scores((1.5, 1.9, 2.3), 1.4, 1.9, 3.4)
    assert own == pytest.approx(at_itself)
    assert off == pytest.approx(crps(np.array([3.0, 3.4, 3.8]), 1.4))
    assert baselines.scores((), 1.4, 3.4) == (None, None)


def test_the_shipped_page_and_record_are_of_one_build_under_the_shipped_criteria() -> None:
    page, kept = (PAPERS / "README.md").read_text(encoding="utf-8"), record.read(PAPERS / "results.json")
    assert kept["build"]["criteria"] == SHIPPED.sha256
    assert tables.opening(kept["build"], kept["moved"]) in page
    assert datetime.date.fromisoformat(kept["build"]["date"]) >= SHIPPED.stated
    for key, one in kept["results"].items():
        assert datetime.date.fromisoformat(one["since"]) >= SHIPPED.stated, key
    judged_lines = [line for line in page.splitlines() if " ± " in line and line.startswith("| ")]
    assert len(judged_lines) >= len([one for one in kept["results"].values() if one["crps"] is not None])
    assert json.dumps(kept, allow_nan=False)


def test_the_command_builds_what_is_named_and_refuses_what_is_neither_study_nor_paper(tmp_path: Path) -> None:
    folder = tmp_path / "built"
    done = CliRunner().invoke(app, ["papers", "--only", "Chevillard_2018", "--out", str(folder)])
    assert done.exit_code == 0, done.output
    page = (folder / "README.md").read_text(encoding="utf-8")
    assert "Eutonia " in page.split("## Chevillard 2018")[0]
    assert "## Wuis 1985" not in page
    kept = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    assert kept["build"]["criteria"] == SHIPPED.sha256
    done = CliRunner().invoke(app, ["papers", "--only", "Chevilard_2018", "--out", str(folder)])
    assert "Nearest: Chevillard_2018" in str(done.exception)
    assert (folder / "README.md").read_text(encoding="utf-8") == page
