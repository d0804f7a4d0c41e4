"""Shipped cases of too much and of too sudden an end, run as they ship and held against what is published."""

from __future__ import annotations

import numpy as np
import pytest

import eutonia
from eutonia import parameters
from eutonia.report import short
from eutonia.report.case.panels import moment, moves, panels
from eutonia.study.design import CaseStudy

pytestmark = pytest.mark.xdist_group("slow clock")

DAY = 24.0


def shipped(name: str, every: str) -> CaseStudy:
    found = eutonia.load_study(name).replace({"case.examine_every": every})
    assert isinstance(found, CaseStudy)
    return found


def test_an_overdose_reaches_levels_of_acute_intoxication_and_says_what_it_lacks() -> None:
    """Plasma in acute intoxication is published at 700 to 3300 ng/mL; therapeutic levels lie below 600."""
    result = eutonia.run(shipped("case_overdose", "216 day"))
    at = result.course["time_h"].to_numpy()
    peak = result.course["plasma_peak"].transpose("time_h", "patient").to_numpy()
    before, after = peak[(at > 180 * DAY) & (at < 210 * DAY)], peak[(at >= 210 * DAY) & (at < 211 * DAY)]
    assert np.median(before) < 600.0
    assert 700.0 < np.median(after.max(axis=0)) < 3300.0
    risk = result.course["risk_drowsiness"].transpose("time_h", "patient").to_numpy()
    assert np.median(risk[at >= 210 * DAY].max(axis=0)) > 2.0 * np.median(risk[(at > 190 * DAY) & (at < 210 * DAY)])
    least = parameters.load("adverse").value("overdose_dose_oral", "mg")
    assert any(f"from {least:g} mg on coma, delirium and seizures were seen" in said for said in result.caveats)
    # A page that began with "the risk of drowsiness is 8%", drew 70 hours as one stroke, and told of a pump.
    told = short.sentences(result)
    assert any("poisonings had 700 to 3" in one for one in told)
    assert not any("risk of drowsiness within a day is" in one for one in told)
    assert [zoom.title for zoom in result.zooms] == ["Overdose"]
    assert result.withdrawal
    assert not any("pump" in one for one in result.withdrawal)
    strips, hours = panels(moment(result.course)), (result.zooms[0].start_h, result.zooms[0].end_h)
    moving = {strip.kind for strip in strips if moves(strip, at, *hours)}
    assert {"exposure", "risk", "ashworth"} <= moving
    assert not any(moves(strip, at, 100 * DAY, 110 * DAY) for strip in strips if strip.kind == "receptor")
    # Close by, a level of hours was a block of two days: from trough to peak of the interval of the overdose.
    plasma = next(line for strip in strips for line in strip.lines if line.where == "plasma")
    assert plasma.trough is None
    assert plasma.middle[at == 210 * DAY + 20.0] < 0.2 * plasma.middle.max()


def test_a_taper_leaves_little_of_the_rebound_of_an_abrupt_stop() -> None:
    found = eutonia.compare_options([shipped("case_stop_or_taper", "180 day")])
    highest = found.frame().filter((found.frame()["measure"] == "highest") & (found.frame()["limb"] != "arm"))
    rows = {
        (row["what"], row["option"].removeprefix("case_stop_or_taper_")): row for row in highest.iter_rows(named=True)
    }
    for what in ("rebound", "withdrawal_severe"):
        abrupt = rows[what, "abrupt"]["value"]
        assert abrupt > 0.0
        for gently in ("taper", "onto_tablets"):
            assert rows[what, gently]["value"] < 0.3 * abrupt
        assert rows[what, "case_stop_or_taper"]["high"] == 0.0
    drowsy = [rows["risk_drowsiness", option]["value"] for option in ("taper", "onto_tablets")]
    assert drowsy[1] > drowsy[0]
    doses = found.results["case_stop_or_taper_onto_tablets"].course
    late = doses["time_h"].to_numpy() > 330 * DAY
    assert np.all(doses["dose_oral"].transpose("time_h", "patient").to_numpy()[late] == 45.0)
    assert np.all(doses["dose_rate"].transpose("time_h", "patient").to_numpy()[late] == 0.0)
