"""Plain sentences: the price holds that of a stop, names keep their capitals, limbs are those that were looked at."""

from __future__ import annotations

import dataclasses

import numpy as np
import polars as pl
import pytest
import report_examples as examples
import xarray as xr

from eutonia.examination.findings import Finding
from eutonia.report import short, words
from eutonia.report.case import options
from eutonia.report.examination import files as examination
from eutonia.trial.options import OptionComparison

pytestmark = pytest.mark.unit


def comparison(**rows: tuple[str, str, float, float]) -> OptionComparison:
    """Return a comparison of `anna` with `anna_stop`; a row is its unit, its measure and a value an option."""
    table = pl.DataFrame(
        {"option": name, "what": what, "label": what.capitalize(), "limb": "", "unit": unit, "measure": measure}
        | dict.fromkeys(("low", "value", "high", "difference", "difference_low", "difference_high"), value)
        for what, (unit, measure, *values) in rows.items()
        for name, value in zip(("anna", "anna_stop"), values, strict=True)
    )
    return OptionComparison(("anna", "anna_stop"), "anna", {}, {}, table, (0.0, 1.0), {})


def test_options_that_differ_in_their_stop_tell_its_risk_first_and_the_support_that_is_lost() -> None:
    told = options._price(
        comparison(
            risk_drowsiness=("1", "highest", 0.0018, 0.0018),
            withdrawal_severe=("1", "highest", 0.0, 0.028),
            rebound=("mV", "highest", 0.0, 0.33),
            without_drug=("h", "highest", 0.0, 900.0),
            stance_support=("1", "mean", 1.02, 0.68),
        )
    )
    assert told.startswith("Withdrawal_severe, at its highest: anna 0%; stop 2.80%. Risk_drowsiness")
    assert "anna 0.18%; stop 0.18%" in told
    assert "Rebound, at its highest: anna 0 mV; stop 0.33 mV." in told
    assert "on average: anna 1.02; stop 0.68." in told
    assert "900" not in told


def test_options_that_cost_nothing_have_no_price() -> None:
    nothing = comparison(
        withdrawal_severe=("1", "highest", 0.0, 2e-5),
        rebound=("mV", "highest", 0.0, 0.01),
        stance_support=("1", "mean", 1.02, 1.0),
    )
    assert not options._price(nothing)


def test_a_case_says_what_a_stop_brings_though_drowsiness_is_likelier() -> None:
    case = examples.case()
    assert not any("stop" in one or "rebound" in one for one in short._harm(case))
    time = case.course.sizes["time_h"]
    severe = np.zeros((time, 1))
    severe[-1] = 0.0195
    rebound = np.zeros((time, 2, 1))
    rebound[-1] = [[0.3], [0.1]]
    stopped = case.course.isel(patient=[0]).assign(
        withdrawal_severe=xr.Variable(("time_h", "patient"), severe),
        rebound=xr.Variable(("time_h", "limb", "patient"), rebound),
    )
    _, of_stop, tone = short._harm(dataclasses.replace(case, course=stopped))
    assert "severe withdrawal is highest at 1.95% (" in of_stop
    assert f"Tone of the {stopped['limb'].values[0]} rebounds by 0.30 mV" in tone


def test_a_reaction_that_comes_to_nobody_is_not_the_likeliest() -> None:
    trial = examples.trial()
    none = trial.adverse.with_columns(pl.col("share", "low", "high") * 0.0)
    assert short._harm(trial)
    assert not short._harm(dataclasses.replace(trial, adverse=none))


def test_names_keep_their_capital_inside_a_sentence() -> None:
    kept = ("Ashworth, 1 to 5", "H-reflex", "GABA-B effect", "SD of the scatter", "R1, angle of catch", "F wave")
    assert [words.lower(one) for one in kept] == list(kept)
    assert [words.lower(one) for one in ("Abrupt", "A pump", "Modified Ashworth")] == [
        "abrupt",
        "a pump",
        "modified Ashworth",
    ]


def test_options_are_asked_about_by_their_names_and_an_examination_is_of_its_own_limb() -> None:
    assert options._which(["Case stop or taper", "Abrupt", "Taper"]) == "“Case stop or taper”, “Abrupt” or “Taper”?"
    arm, leg = (Finding("ashworth", of, "Ashworth", "", np.zeros(2)) for of in ("elbow flexors", "leg"))
    assert examination._limbs([arm, arm]) == ["arm"]
    assert examination._limbs([arm, leg]) == ["arm", "leg"]
