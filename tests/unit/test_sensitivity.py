"""Which numbers move a prediction: the screen against closed forms, what may be moved, and what is told of the rest."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

from eutonia import parameters
from eutonia.api import sensitivity as verb
from eutonia.errors import EutoniaError, StudyError
from eutonia.parameters.record import Parameter, Spread
from eutonia.report import sensitivity as report
from eutonia.statistics import screening
from eutonia.study.design import load_study
from eutonia.trial import sensitivity as screens
from eutonia.trial.result import Quantity

QUANTITY = Quantity(
    name="",
    phase="bolus",
    arm="baclofen",
    limb="leg",
    scale="ashworth",
    visit="4 h",
    time_h=4.0,
    statistic="mean",
    mean=0.0,
    sd=None,
    n=10.0,
    low=0.0,
    high=0.0,
    level=0.95,
    unit="score",
)


def test_every_path_moves_every_input_once_by_one_step() -> None:
    at = screening.paths(5, 7, seed=3)
    points = at.points.reshape(7, 6, 5)
    assert points.min() >= 0.0
    assert points.max() <= 1.0
    steps = np.diff(points, axis=1)
    np.testing.assert_allclose(np.abs(steps).sum(axis=(1, 2)), 5 * screening.STEP)
    assert ((np.abs(steps) > 0).sum(axis=2) == 1).all()
    assert (np.sort(at.moved, axis=1) == np.arange(5)).all()
    assert (steps > 0).any()
    assert (steps < 0).any()
    assert (screening.paths(5, 7, seed=3).points == at.points).all()
    assert (screening.paths(5, 7, seed=4).points != at.points).any()


def test_effects_of_a_line_are_its_slopes_and_those_of_a_product_scatter() -> None:
    at = screening.paths(3, 40, seed=1)
    x = at.points
    line, product = 2.0 * x[:, 0] - 5.0 * x[:, 1], x[:, 0] * x[:, 1]
    size, scatter = screening.elementary_effects(at, np.stack([line, product], axis=1))
    np.testing.assert_allclose(size[:, 0], [2.0, 5.0, 0.0], atol=1e-12)
    np.testing.assert_allclose(scatter[:, 0], 0.0, atol=1e-12)
    # The slope along one factor of a product is the other, whose mean over the levels is a half.
    np.testing.assert_allclose(size[:, 1], [0.5, 0.5, 0.0], atol=0.15)
    assert (scatter[:2, 1] > 0.2).all()


def test_a_run_without_a_number_takes_only_its_own_steps() -> None:
    at = screening.paths(2, 3, seed=1)
    results = (3.0 * at.points[:, :1]).copy()
    results[0] = math.nan
    size, _ = screening.elementary_effects(at, results)
    np.testing.assert_allclose(size[:, 0], [3.0, 0.0], atol=1e-12)
    results[:] = math.nan
    assert np.isnan(screening.elementary_effects(at, results)[0]).all()


def record(name: str, spread: Spread, **more: Any) -> Parameter:
    found = parameters.load("walking")[name]
    return dataclasses.replace(found, spread=spread, **more)


@pytest.mark.parametrize(
    ("spread", "low", "high"),
    [
        (Spread("range", low=0.5, high=3.0, level="what is not known"), 0.5, 3.0),
        (Spread("normal", sd=0.1, level="standard error"), 0.8, 1.2),
        (Spread("normal", cv=0.1, level="between studies"), 0.8, 1.2),
        (Spread("lognormal", sd=0.1, level="estimate"), math.exp(-0.2), math.exp(0.2)),
    ],
)
def test_a_record_is_moved_over_what_is_not_known_of_it(spread: Spread, low: float, high: float) -> None:
    one = record("full_effort", spread, numbers=(1.0,))
    assert one.spread == spread
    (factor,), held = screens.factors([one], None)
    assert held == {}
    assert [float(factor.at(place)) for place in (0.0, 1.0)] == pytest.approx([low, high])
    assert factor.key == "walking.full_effort"


def test_a_range_of_a_negative_number_begins_at_its_low_end() -> None:
    change = parameters.load("trial")["nonspecific_change_mean"]
    assert change.value < 0.0
    assert change.spread.kind == "normal"
    (factor,), _ = screens.factors([change], None)
    low, high = (float(factor.at(place).split()[0]) for place in (0.0, 1.0))
    assert low < change.value < high


def test_what_is_no_doubt_stays_and_is_counted_unless_a_fold_is_given() -> None:
    still = [
        record("full_effort", Spread()),
        record("full_effort", Spread("lognormal", cv=0.3, level="between patients")),
        record("full_effort", Spread("range", low=0.5, high=2.0, level="allowed by the label")),
        parameters.load("label_dosing")["absent_reflex"],
        parameters.load("exposure")["largest_intrathecal_dose"],
        parameters.load("limb_hip")["segment_length"],
        parameters.load("trial")["oral_dropout_rate"],
    ]
    assert still[-1].derived
    moved, held = screens.factors(still, None)
    assert [one.record.name for one in moved] == []
    assert held == {
        "no spread on record": 2,
        "the spread is one of people or rules": 2,
        "a choice of the program": 2,
        "follows from other records": 1,
    }
    moved, held = screens.factors(still, 1.25)
    assert [(one.record.name, one.low, one.high) for one in moved] == [
        *[("full_effort", 0.8, 1.25)] * 3,
        ("segment_length", 0.8, 1.25),
    ]
    assert sum(held.values()) == 3


def result(**means: float) -> Any:
    quantities = [dataclasses.replace(QUANTITY, visit=visit, mean=mean) for visit, mean in means.items()]
    return SimpleNamespace(quantities=[dataclasses.replace(one, scale=one.visit) for one in quantities])


def number(name: str) -> float:
    home, _, own = name.partition(".")
    return parameters.load(home)[own].value


MOVED = ("walking.full_effort", "walking.healthy_speed", "tone.activation_time")


SHIPPED = [number(name) for name in MOVED[:2]]


def model() -> Any:
    a, b, c = (number(name) for name in MOVED)
    # In units of what ships, so that no shipped number matters here.
    a, b = (now / shipped for now, shipped in zip((a, b), SHIPPED, strict=True))
    return result(ashworth=10.0 * a + 2.0 * b, walking=b, idle=1.0 + 0.0 * c)


def screened(**more: Any) -> screens.Sensitivity:
    records = [parameters.load(name.partition(".")[0])[name.partition(".")[2]] for name in MOVED]
    moved, held = screens.factors(records, 1.2)
    return screens.screen("a study", model, moved, {"no spread on record": 4, **held}, paths=3, seed=2, **more)


def said_of_two(found: screens.Sensitivity) -> str:
    """What is said of the two records of `model` that move anything."""
    status = dict(found.ranking().select("record", "status").rows())
    unread = [status[name] for name in MOVED[:2] if status[name] in ("assumed", "recalled")]
    said = " and ".join(f"{unread.count(one)} {one}" for one in ("assumed", "recalled") if one in unread)
    return f"Of the 2 that move most, {said or 'none is assumed or recalled'}."


def test_a_screen_ranks_what_moves_predictions_first_and_has_the_same_numbers_again() -> None:
    found = screened()
    assert found.runs == 1 + 3 * 4
    order = found.ranking()["record"].to_list()
    assert order == ["walking.healthy_speed", "walking.full_effort", "tone.activation_time"]
    shares = dict(found.table.filter(found.table["scale"] == "walking").select("record", "share").rows())
    assert shares == {MOVED[0]: 0.0, MOVED[1]: 1.0, MOVED[2]: 0.0}
    idle = found.table.filter(found.table["scale"] == "idle")
    assert idle["effect"].to_list() == [0.0] * 3
    assert idle["share"].to_list() == [0.0] * 3
    assert found.table.equals(screened().table)
    assert number(MOVED[0]) == SHIPPED[0], "overrides of a screen hold in its runs only"
    assert "Not moved: no spread on record: 4." in found.prose()
    assert said_of_two(found) in found.prose()
    assert "1 of those moved change no prediction here." in found.prose()


def test_sobol_indices_of_a_sum_are_shares_of_its_variance() -> None:
    found = screened(sobol=256, most=2)
    assert found.runs == 1 + 3 * 4 + 256 * 4
    ends = dict.fromkeys(MOVED[:2], (1 / 1.2, 1.2))
    sizes = {MOVED[0]: 10.0, MOVED[1]: 2.0}
    # A number that is uniform in its logarithm between a and b has these moments.
    variance = {}
    for name, (a, b) in ends.items():
        span = math.log(b / a)
        mean, square = (b - a) / span, (b**2 - a**2) / (2 * span)
        variance[name] = sizes[name] ** 2 * (square - mean**2)
    whole = sum(variance.values())
    rows = found.table.filter(found.table["scale"] == "ashworth")
    for name in MOVED[:2]:
        first, total = rows.filter(rows["record"] == name).select("first", "total").row(0)
        assert first == pytest.approx(variance[name] / whole, abs=0.03)
        assert total == pytest.approx(variance[name] / whole, abs=0.03)
    assert rows.filter(rows["record"] == MOVED[2])["total"].to_list() == [None]


def test_runs_that_are_refused_are_counted_with_their_reason() -> None:
    calls = iter(range(1000))

    def run() -> Any:
        if next(calls) == 1:
            raise StudyError("nobody has such scores")
        return model()

    records = [parameters.load("walking")["full_effort"]]
    moved, held = screens.factors(records, 1.2)
    found = screens.screen("a study", run, moved, held, paths=3)
    assert found.refused == 1
    assert "1 were refused: nobody has such scores" in found.prose()
    assert found.table.filter(found.table["scale"] == "ashworth")["effect"].item() > 3.0

    def never() -> Any:
        raise StudyError("nobody has such scores")

    with pytest.raises(StudyError, match=r"every run was refused.*nobody has such scores"):
        screens.screen("a study", never, moved, held, paths=3)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"paths": 1}, "paths is 1. Allowed: 2 or more"),
        ({"fold": 1.0}, "fold is 1. Allowed: above 1, to 10"),
        ({"fold": 50.0}, "fold is 50"),
        ({"sobol": 6}, "sobol is 6. Allowed: 0, or a power of 2"),
    ],
)
def test_a_screen_that_tells_nothing_is_refused_before_any_run(given: dict[str, Any], words: str) -> None:
    import eutonia

    with pytest.raises(StudyError, match=words):
        verb.plan(eutonia.load_study("loubser_1991"), **given)


def test_the_page_shows_what_moves_most_and_what_nobody_has_read() -> None:
    run = {"version": "0", "command": "eutonia sensitivity loubser_1991", "counts_by_status": {"assumed": 3}}
    page = report.html(dataclasses.replace(screened(), run=run))
    assert page.index("walking.full_effort") > 0
    assert f"{SHIPPED[0] / 1.2:.4g} to {SHIPPED[0] * 1.2:.4g}" in page
    assert said_of_two(screened()) in page
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org", "")


def test_a_screen_is_written_whole_with_every_number_in_a_tidy_table(tmp_path: Path) -> None:
    run = {"version": "0", "command": "eutonia sensitivity loubser_1991"}
    found = dataclasses.replace(screened(), run=run)
    written = report.write(found, tmp_path / "screen")
    assert sorted(file.name for file in written.iterdir()) == sorted(report.NAMES)
    table = pl.read_csv(written / "sensitivity.csv")
    assert table.height == 9
    assert table.columns[:4] == ["record", "label", "status", "distance"]
    assert set(table["record"]) == set(MOVED)
    about = json.loads((written / "run.json").read_text())
    assert about["kind"] == "sensitivity"
    assert about["held"] == {"no spread on record": 4}


def test_a_case_is_screened_as_it_is_and_a_trial_with_its_numbers_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """A case may not say that numbers are held: whoever asks that of every study can screen no case."""
    asked: list[Any] = []

    def screen(_: str, again: Any, *__: Any, **___: Any) -> None:
        asked.append(again.args[0])
        raise EutoniaError("enough is known")

    monkeypatch.setattr(verb, "plan", lambda study, **_: SimpleNamespace(moved=(), held={}, replicates=None, most=4))
    monkeypatch.setattr(screens, "screen", screen)
    for name in ("case_ischaemic_tablets", "loubser_1991"):
        with pytest.raises(EutoniaError, match="enough is known"):
            verb.sensitivity(load_study(name))
    case, trial = asked
    assert case.head.parameters is None
    assert trial.head.parameters == "frozen"
