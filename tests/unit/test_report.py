"""Result records, wording, digests, terminal table and files of a result do what they say."""

from __future__ import annotations

import dataclasses
import io
import itertools
import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import report_examples as examples
import xarray as xr
from rich.console import Console

from eutonia import report
from eutonia._middle import wilson
from eutonia.assessment.scales import SCALES
from eutonia.errors import EutoniaError
from eutonia.parameters import influence
from eutonia.report import files, page, short, words
from eutonia.report.case import panels as course
from eutonia.report.case.figure import _sheets, markers
from eutonia.report.drawing import scales, svg
from eutonia.report.trial import aggregate, figures, individuals, tables
from eutonia.trial.analysed import Analysed
from eutonia.trial.result import ConsortRow, Published, Quantity, StudyResult
from eutonia.trial.scores import ScoreTable

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def trial() -> StudyResult:
    return examples.trial()


@pytest.fixture(scope="module")
def case() -> StudyResult:
    return examples.case()


def quantity(published: float | None = None, sd: float | None = None, n: int | None = None, **changes: Any) -> Quantity:
    fields: dict[str, Any] = {
        "name": "", "phase": "bolus", "arm": "baclofen", "limb": "leg", "scale": "ashworth",
        "visit": "6 hour", "time_h": 6.0, "statistic": "mean",
        "mean": 1.5, "sd": 0.7, "n": 21.0, "low": 1.2, "high": 1.8,
    }  # fmt: skip
    if published is not None:
        fields["published"] = Published(published, sd, n)
    return Quantity(**{**fields, **changes})


class TestVerdict:
    def test_a_withheld_verdict_is_none_and_the_page_says_why(self, trial: StudyResult) -> None:
        why = "2 replicate trials, and a verdict needs 40 or more"
        few = dataclasses.replace(
            trial, quantities=tuple(dataclasses.replace(one, withheld=why) for one in trial.quantities)
        )
        assert short.headline(few) == f"No verdict on {len(few.compared)} published results: {why}."
        assert sum(few.grades.values()) == 0
        seen = page.html(few)
        assert why in seen
        assert "does not reproduce</" not in seen
        assert 'class="score"' not in seen
        assert not any(row["grade"] for row in files.summary(few)["quantities"])

    @pytest.mark.parametrize("of", [examples.trial, examples.case])
    def test_a_dose_beyond_the_label_is_said_before_all_else(self, of: Callable[[], StudyResult]) -> None:
        plain = of()
        assert "beyond the label" not in page.html(plain)
        doses = ["500 ug (the label's largest: 100 ug)"]
        over = dataclasses.replace(plain, run={**plain.run, "beyond_label": doses})
        seen = page.html(over)
        banner = "Doses beyond the label, on purpose: 500 mcg (the label&#39;s largest: 100 mcg)"
        assert 0 < seen.index(banner) < seen.index("<dl class=")
        shown = io.StringIO()
        tables.show(over, Console(file=shown, width=100))
        assert "Doses beyond the label" in shown.getvalue()

    def test_inside_the_interval_reproduces(self) -> None:
        for value in (1.2, 1.5, 1.8):
            row = quantity(value)
            assert (row.grade, row.agreement, row.distance) == ("reproduces", "inside the interval", 0.0)

    def test_within_the_standard_error_is_in_range(self) -> None:
        row = quantity(2.0, sd=1.0, n=16)
        assert row.published_standard_error == pytest.approx(0.25)
        assert row.grade == "in range"
        assert row.agreement == "outside, by 0.2, within its standard error"

    def test_further_out_is_an_honest_miss(self) -> None:
        row = quantity(2.4, sd=1.0, n=16)
        assert row.grade == "does not"
        assert row.agreement == "outside, by 0.6"

    def test_without_sd_or_n_the_interval_stands_alone(self) -> None:
        assert quantity(1.81).published_standard_error is None
        assert quantity(1.81, sd=1.0).grade == "does not"
        assert quantity(1.81, n=10).grade == "does not"

    def test_nothing_published_gives_no_verdict(self) -> None:
        assert quantity().grade is None
        assert quantity().agreement is None
        assert quantity().distance is None

    @pytest.mark.parametrize(("unit", "value", "expected"), [("%", 81.0, 8.56), ("", 0.81, 0.0856)])
    def test_standard_error_of_a_share(self, unit: str, value: float, expected: float) -> None:
        row = quantity(value, n=21, statistic="share", unit=unit)
        assert row.published_standard_error == pytest.approx(expected, rel=1e-3)

    def test_standard_error_of_a_standard_deviation(self) -> None:
        assert quantity(0.7, n=21, statistic="sd").published_standard_error == pytest.approx(0.7 / math.sqrt(40))
        assert quantity(0.7, n=1, statistic="sd").published_standard_error is None

    def test_a_prediction_that_is_missing_never_counts_as_reproduced(self) -> None:
        assert quantity(1.5, mean=math.nan, low=math.nan, high=math.nan).grade == "does not"

    def test_a_bound_that_is_met_up_to_rounding_is_met(self) -> None:
        assert quantity(50.0, low=49.99999999999999, high=49.99999999999999).grade == "reproduces"

    def test_counts_add_up(self, trial: StudyResult) -> None:
        assert sum(trial.grades.values()) == len(trial.compared) == 14


class TestWords:
    def test_numbers(self) -> None:
        shown = [words.number(x) for x in (None, math.nan, 0.0, -1.9, 3.14159, 12.34, 268.0, 1234567.0, 0.00123)]
        assert (words.number(2.8e-15), words.interval(-2.8e-15, 0.5)) == ("0.00", "0.00 to 0.50"), "rounding of nothing"
        assert shown == ["–", "–", "0.00", "−1.90", "3.14", "12.3", "268", "1\u202f234\u202f567", "0.0012"]

    def test_numbers_side_by_side_share_their_decimals(self) -> None:
        assert words.alike([84.0, 66.7, None, 95.24]) == ["84.0", "66.7", "–", "95.2"]
        assert words.alike([1.5, -0.25]) == ["1.50", "−0.25"]

    def test_units_visits_and_times(self) -> None:
        assert words.with_unit("268", "ug/day") == "268 mcg/day"
        assert words.with_unit("1.4", "score") == "1.4"
        assert words.clinic("50 ug, 50µg, (ug/mL), 2 \u03bcg/day.") == "50 mcg, 50mcg, (mcg/mL), 2 mcg/day."
        for other in ("dose_ug", "ug.toml", "runs/ug", "10.1000/x.ug-1", "bug", "μ", "ugly"):
            assert words.clinic(other) == other
        assert (words.visit("6 hour"), words.visit("1 month"), words.visit("week 3")) == (
            "6 hours",
            "1 month",
            "week 3",
        )
        assert words.moment(8.0) == "8 hours"
        assert words.moment(14 * 24.0) == "14 days"
        assert words.when(0.0) == "start"

    def test_a_share_is_printed_in_percent(self) -> None:
        assert words.shown_unit(quantity(statistic="share", unit="")) == (100.0, "%")
        assert words.shown_unit(quantity(statistic="share", unit="%")) == (1.0, "%")
        assert words.shown_unit(quantity(unit="score")) == (1.0, "")

    def test_the_headline_names_the_misses(self, trial: StudyResult) -> None:
        line = short.headline(trial)
        assert line.startswith("5 of 14 published results lie inside the predicted 95% interval")
        assert "leg Ashworth, 6 hours" in line

    def test_without_published_results_the_headline_is_the_change(self, case: StudyResult) -> None:
        said = short.headline(case)
        assert "at 5.00 (start) before treatment; then, at visits, between 3.00 (6.2 months) and 4.40" in said
        without = dataclasses.replace(case, course=case.course.drop_attrs())
        assert "Leg Ashworth is predicted to go from 5.00 (start) to 3.00" in short.headline(without)

    def test_a_headline_starts_from_the_untreated_and_says_when_no_drug_is_given(self, case: StudyResult) -> None:
        rows = [q for q in case.quantities if (q.limb, q.scale) == ("leg", "ashworth")]
        seen = ((0.0, 1.0), (300.0, 3.5), (900.0, 2.0), (1500.0, 4.2), (2000.0, 2.5))
        looks = tuple(dataclasses.replace(rows[0], time_h=t, mean=m) for t, m in seen)
        time = np.array([0.0, 300.0, 800.0, 900.0, 1500.0, 2000.0])
        plasma = xr.DataArray([0.0, 0.0, 0.0, 5.0, 0.1, 5.0], {"time_h": time}, dims="time_h")
        given = {"time_h": [0.0, 800.0, 1400.0, 1600.0], "mean": [0.0, 50.0, 0.0, 50.0]}
        doses = pl.DataFrame({**given, "unit": ["ug/day"] * 4})
        course = xr.Dataset({"plasma": plasma}, attrs={"treated_from_h": 800.0})
        one = dataclasses.replace(case, quantities=looks, course=course, doses=doses)
        assert short.headline(one) == (
            "Leg Ashworth is predicted at 3.50 (1.8 weeks) before treatment; then, at visits, between 2.00 (5.4 weeks) "
            "and 4.20 (8.9 weeks), when no drug is given; last seen at 2.50 (11.9 weeks)."
        )

    def test_the_headline_of_a_case_is_about_the_leg_and_not_about_pain(self, case: StudyResult) -> None:
        pain = quantity(limb=None, scale="pain", mean=7.0)
        arm = quantity(limb="arm", mean=3.0)
        mixed = dataclasses.replace(case, quantities=(pain, arm, *case.quantities))
        assert short.headline(mixed) == short.headline(case)


class TestDigest:
    def test_how_far_the_sources_are_from_their_use_is_told_in_short(self, trial: StudyResult) -> None:
        counts = {"none": 30, "species": 7, "health": 12, "not said": 5}
        far = dataclasses.replace(trial, run={**trial.run, "counts_by_distance": counts})
        assert short.sentences(far)[-1] == (
            "Of those with a source 30 were measured as they are used, others elsewhere (healthy people: 12; "
            "animals: 7), and of 5 it is not said."
        )
        assert short.sentences(far)[:-1] == short.sentences(trial)

    def test_what_the_headline_leaves_out_is_told_in_short(self, trial: StudyResult, case: StudyResult) -> None:
        change, harm, known = short.sentences(trial)
        assert change.startswith("Leg Ashworth (baclofen) is predicted to go from 3.27")
        drugged = trial.adverse.filter(trial.adverse["arm"] != "saline").drop_nulls("share").drop_nans("share")
        top = drugged.sort("share", descending=True).row(0, named=True)
        assert f"{words.lower(words.label(top['reaction']))}: {words.number(100 * top['share'])}% of people" in harm
        counts = trial.run["counts_by_status"]
        unread = counts["assumed"] + counts["recalled"]
        assert f"rests on {sum(counts.values())} numbers, of which nobody has read {unread} in a source (" in known
        assert known.endswith(f"({counts['assumed']} assumed and {counts['recalled']} recalled).")
        risk = (
            case.course["risk_drowsiness"].transpose("time_h", ...).to_numpy().reshape(case.course.sizes["time_h"], -1)
        )
        assert f"highest at {words.number(100 * np.median(risk, axis=1).max())}%" in short.sentences(case)[0]

    def test_influential_numbers_that_nobody_has_read_are_named_on_the_first_page(self, trial: StudyResult) -> None:
        told = dataclasses.replace(trial, run={**trial.run, "study_text": 'route = "intrathecal infusion"'})
        (sentence,) = [one for one in short.sentences(told) if "of the ten numbers" in one or "the ten numbers" in one]
        of, names = influence.most(trial.study_name, "trial with pump")
        unread = {one for one in influence.records(names) if one.status in ("assumed", "recalled")}
        assert of
        assert len(names) == influence.MOST
        for one in influence.records(names):
            assert (f"{words.lower(one.label)} ({one.status})" in sentence) == (one in unread)

    def test_every_group_of_visits_is_a_series(self, trial: StudyResult) -> None:
        rows = aggregate.series(trial)
        assert len(rows) == 18
        assert all(len(row.points) == 6 for row in rows)

    def test_series_come_from_the_visits_where_no_quantity_is(self, trial: StudyResult) -> None:
        bare = dataclasses.replace(trial, quantities=())
        with_quantities = {(r.phase, r.arm, r.limb, r.scale): r for r in aggregate.series(trial)}
        for row in aggregate.series(bare):
            other = with_quantities[row.phase, row.arm, row.limb, row.scale]
            for point, twin in zip(row.points, other.points, strict=True):
                assert point.mean == pytest.approx(twin.mean)

    def test_changes_are_counted_whole(self, trial: StudyResult) -> None:
        for response in aggregate.responses(trial):
            for arm in response.arms:
                assert sum(arm.shares) == pytest.approx(1.0)
                assert arm.reached[-1] == pytest.approx(1.0)
                assert arm.n == 1260

    def test_changes_are_taken_at_the_visit_that_the_paper_reports(self, trial: StudyResult) -> None:
        assert {(row.phase, row.last) for row in aggregate.responses(trial)} == {
            ("bolus", "6 hour"),
            ("pump", "12 month"),
        }

    def test_muscles_are_averaged_where_no_limb_mean_is_recorded(self, trial: StudyResult) -> None:
        low = trial.visits.with_columns(pl.lit("knee").alias("item"), (pl.col("score") - 1).alias("score"))
        high = trial.visits.with_columns(pl.lit("ankle").alias("item"), (pl.col("score") + 1).alias("score"))
        halves = dataclasses.replace(trial, scores=ScoreTable.of(pl.concat([low, high])))
        expected = {(r.phase, r.limb, r.scale): r.arms[0].mean for r in aggregate.responses(trial)}
        for row in aggregate.responses(halves):
            assert row.arms[0].mean == pytest.approx(expected[row.phase, row.limb, row.scale])

    def test_wilson_interval_against_a_published_example(self) -> None:
        # Newcombe 1998, Statist Med 17:857, table I: 81 of 263 gives 0.2553 to 0.3662.
        assert wilson(81 / 263, 263.0) == pytest.approx((0.2553, 0.3662), abs=1e-4)
        assert (wilson(0.0, 64.0)[0], wilson(1.0, 64.0)[1]) == (0.0, 1.0)

    def test_the_feature_that_separates_most_comes_first(self, trial: StudyResult) -> None:
        rows = aggregate.features(trial.patients)
        assert rows[0].name == "lesion_volume_ml"
        assert len(rows[0].bins) == 5
        assert sum(group.n for group in rows[0].bins) == 2000
        assert {row.name for row in rows} >= {"baseline_leg", "age_year", "lesion", "sex"}
        assert aggregate.features(None) == []


class TestCourse:
    def test_without_drug_nothing_is_drawn_of_it(self, case: StudyResult) -> None:
        of_drug = [name for name in case.course if str(name).startswith(("csf", "plasma"))]
        bare = case.course.assign({name: 0.0 * case.course[name] for name in of_drug})
        kinds = {panel.kind for panel in course.panels(bare)}
        assert of_drug
        assert "tone" in kinds
        assert not kinds & {"dose", "exposure", "receptor", "sensitivity", "risk"}

    def test_panels_follow_the_chain_of_causes(self, case: StudyResult) -> None:
        kinds = [panel.kind for panel in course.panels(case.course)]
        assert kinds == ["dose", "exposure", "receptor", "sensitivity", "tone", "ashworth", "risk"]

    def test_people_become_a_middle_and_a_band(self, case: StudyResult) -> None:
        many = xr.concat([case.course * factor for factor in (0.5, 1.0, 2.0)], dim="patient")
        many["bias"].attrs = case.course["bias"].attrs
        tone = [panel for panel in course.panels(many) if panel.kind == "tone"]
        (leg, without), (arm, _) = (panel.lines for panel in tone)
        assert without.name == "Leg without drug"
        assert (leg.name, arm.name, tone[0].unit) == ("Leg", "Arm", "mV")
        assert leg.has_band
        np.testing.assert_allclose(leg.middle, case.course["bias"].sel(limb="leg", patient=0))

    def test_bands_of_leg_and_arm_never_lie_over_each_other(self, case: StudyResult) -> None:
        many = xr.concat([case.course * factor for factor in (0.5, 1.0, 2.0)], dim="patient", combine_attrs="override")
        for panel in course.panels(many):
            assert len({line.where or line.name for line in panel.lines if line.has_band}) <= 1, panel.title
        assert {"Ashworth, leg", "Ashworth, arm"} <= {panel.title for panel in course.panels(many)}
        whole = [panel for panel in course.panels(case.course) if panel.kind == "ashworth"]
        assert [line.name for line in whole[0].lines] == ["Leg", "Arm"], "lines without bands stay together"

    def test_levels_that_swing_with_tablets_are_drawn_from_trough_to_peak(self, case: StudyResult) -> None:
        plasma = case.course["plasma"]
        more = case.course.assign(plasma_trough=0.5 * plasma, plasma_peak=2.0 * plasma)
        lines = [line for panel in course.panels(more) for line in panel.lines if line.where == "plasma"]
        assert len(lines) == 1
        np.testing.assert_allclose(lines[0].middle, 2.0 * plasma.sel(patient=0))
        assert lines[0].trough is not None
        np.testing.assert_allclose(lines[0].trough, 0.5 * plasma.sel(patient=0))
        assert lines[0].name.endswith(", trough to peak")
        assert "any sample lies between them" in page.html(dataclasses.replace(case, course=more))
        assert "any sample lies between them" not in page.html(case)

    def test_a_caveat_stands_at_the_panel_that_it_concerns(self, case: StudyResult) -> None:
        speed = case.course["ashworth"].sel(limb="leg", drop=True).assign_attrs(units="m/s", long_name="Walking speed")
        found = page.html(dataclasses.replace(case, course=case.course.assign(walking_speed=speed)))
        assert "nothing of balance" in found
        assert "support below 1" in found
        assert "nothing of balance" not in page.html(case)

    def test_strips_fit_a_printed_page_and_limbs_stay_together(self, case: StudyResult) -> None:
        many = xr.concat([case.course * factor for factor in (0.5, 1.0, 2.0)], dim="patient", combine_attrs="override")
        strips = course.panels(many)
        sheets = _sheets(strips)
        assert [strip for sheet in sheets for strip in sheet] == strips
        assert len(sheets) > 1
        for one, other in itertools.pairwise(sheets):
            assert one[-1].family != other[0].family

    def test_the_untreated_course_is_a_quiet_line_beside_the_treated(self, case: StudyResult) -> None:
        both = case.course.assign(untreated_bias=case.course["bias"] + 1)
        tone = next(panel for panel in course.panels(both) if panel.kind == "tone")
        assert [line.name for line in tone.lines] == ["Leg", "Arm", "Leg without drug", "Arm without drug"]
        assert [line.is_quiet for line in tone.lines] == [False, False, True, True]

    def test_what_only_some_want_is_not_in_the_main_figure(self, case: StudyResult) -> None:
        more = case.course.assign(contracture=case.course["bias"], modified_ashworth=case.course["ashworth"])
        assert {panel.kind for panel in course.panels(more) if not panel.is_main} == {
            "contracture",
            "modified_ashworth",
        }

    def test_a_grade_holds_into_a_closer_look_and_an_idle_pump_is_left_out(self, case: StudyResult) -> None:
        time = case.course["time_h"].to_numpy()
        strips = {panel.kind: panel for panel in course.panels(case.course)}
        grade = strips["ashworth"]
        places = course.seen(grade, grade.lines[0], time, 600.0, 700.0)
        assert time[places].tolist() == [504.0]
        assert course.window(strips["dose"], time, 0.0, 48.0) is None
        assert course.window(strips["dose"], time, 0.0, 480.0) is not None

    def test_a_pump_that_ran_dry_keeps_its_dose_in_the_closer_look(self, case: StudyResult) -> None:
        """The dose that fell stood before the window: the look at a pump that runs dry showed no dose of it."""
        time = case.course["time_h"].to_numpy()
        dose = {panel.kind: panel for panel in course.panels(case.course)}["dose"]
        line = dose.lines[0]
        gone = np.where(time >= 480.0, 0.0, line.middle)
        stopped = dataclasses.replace(
            dose,
            lines=(dataclasses.replace(line, middle=gone, low=gone, high=np.where(time >= 480.0, 0.0, line.high)),),
        )
        assert line.middle[np.searchsorted(time, 480.0) - 1] > 0
        assert course.window(stopped, time, 479.9, 700.0) is not None
        assert course.window(stopped, time, 650.0, 700.0) is None

    def test_events_keep_their_number_and_share_a_mark_when_close(self) -> None:
        found = markers([(900.0, "refill"), (10.0, "bolus 50 ug"), (11.0, "leaves")], 1000.0)
        assert [(mark.number, mark.label) for mark in found] == [("1–2", "Bolus 50 mcg; Leaves"), ("3", "Refill")]


def test_what_is_known_of_people_has_its_unit() -> None:
    """EC50 and the bias stood without one."""
    rows = [("ec50", "ng/mL"), ("bias_leg", "mV"), ("age_year", "years"), ("creatinine_clearance_ml_per_min", "mL/min")]
    people = pl.DataFrame({"responder": [k % 3 == 0 for k in range(40)]})
    people = people.with_columns(
        *(
            pl.Series(name, [float(k) for k in range(40)])
            for name in [*(name for name, _ in rows), "months_since_onset"]
        )
    )
    titles = [one.title for one in individuals.features(people, aggregate.features(people))]
    for _, unit in rows:
        assert sum(title.endswith(f", {unit}") for title in titles) == 1
    assert "Months since onset" in titles


def test_doses_of_arms_with_bands_have_panels_of_their_own(trial: StudyResult) -> None:
    def rows(spread: float) -> pl.DataFrame:
        given = [("a", 0.0), ("a", 24.0), ("b", 0.0), ("b", 24.0)]
        return pl.DataFrame(
            [(t, "pump", arm, 50.0, 50.0 - spread, 50.0 + spread, "ug/day") for arm, t in given],
            schema=["time_h", "phase", "arm", "mean", "low", "high", "unit"],
            orient="row",
        )

    styles = figures.arm_styles(trial)
    apart = figures.doses(dataclasses.replace(trial, doses=rows(10.0)), styles)
    assert [one.title for one in apart] == ["Pump: a, mcg/day", "Pump: b, mcg/day"]
    assert len(figures.doses(dataclasses.replace(trial, doses=rows(0.0)), styles)) == 1


class TestBesidePlacebo:
    def test_a_headline_names_the_other_arms(self, trial: StudyResult) -> None:
        of_bolus = [q for q in trial.quantities if (q.phase, q.statistic) == ("bolus", "mean")]
        bare = tuple(dataclasses.replace(q, published=None) for q in of_bolus)
        said = short.headline(dataclasses.replace(trial, quantities=bare))
        assert said.startswith("Leg Ashworth (baclofen) is predicted to go from ")
        assert "; saline from " in said
        assert "last seen" not in said.partition("; saline from ")[2]
        last_h = max(q.time_h for q in of_bolus)
        late = [q.arm == "saline" and q.limb == "leg" and q.time_h == last_h for q in bare]
        moved = tuple(dataclasses.replace(q, mean=2.6) if is_late else q for q, is_late in zip(bare, late, strict=True))
        said = short.headline(dataclasses.replace(trial, quantities=moved))
        assert said.partition("; saline from ")[2].endswith(", last seen at 2.60 (24 hours).")

    def test_a_headline_is_of_the_first_endpoint_of_an_analysis(self, trial: StudyResult) -> None:
        bare = [dataclasses.replace(q, published=None) for q in trial.quantities if q.statistic == "mean"]
        moved = tuple(dataclasses.replace(q, scale="pain", limb=None) for q in bare)
        asked = Analysed(pl.DataFrame({"scale": ["pain"], "limb": [""]}), pl.DataFrame(), 0.05, "none")
        told = dataclasses.replace(trial, quantities=(*bare, *moved), analysed=asked)
        assert short.headline(told).startswith("Pain (")

    def test_harm_that_nobody_asked_for_is_no_finding(self, trial: StudyResult) -> None:
        for adverse, says in ((None, "does not ask for adverse"), (pl.DataFrame({"share": [0.0]}).clear(), "no sign")):
            assert says in dict(short.plain(dataclasses.replace(trial, adverse=adverse)))["The price"]

    def test_rows_of_a_narrow_table_are_told_apart(self, trial: StudyResult) -> None:
        visits = tuple(
            dataclasses.replace(q, published=None, visit=f"pair 4, {q.time_h:g} hour")
            for q in trial.quantities
            if q.statistic == "mean"
        )
        stream = io.StringIO()
        tables.show(dataclasses.replace(trial, quantities=visits), Console(file=stream, width=80))
        assert "\u2026" not in stream.getvalue()
        assert "saline" in stream.getvalue()

    def test_what_comes_after_treatment_is_no_feature(self) -> None:
        people = pl.DataFrame(
            {
                "patient": range(40),
                "responder": [True, False] * 20,
                "rescued_day_treatment": [7.0, 14.0] * 20,
                "a_column_to_come": [0, 1] * 20,
                "age_year": [50.0, 60.0] * 20,
            }
        )
        assert [row.name for row in aggregate.features(people)] == ["age_year"]

    def test_a_unit_at_the_end_of_a_column_is_said_as_one(self) -> None:
        assert words.label("weight_kg") == "Weight, kg"
        assert words.label("creatinine_clearance_ml_per_min") == "Creatinine clearance, mL/min"
        assert words.label("age_year") == "Age, years"


class TestWholeScales:
    def test_a_clinical_scale_is_shown_from_end_to_end_and_the_rest_from_zero(self) -> None:
        low, high = scales.whole(SCALES["ashworth"], 2.6, 3.1)
        assert low < 1.0
        assert high > 5.0
        assert low > 0.5
        assert scales.steps_of(SCALES["ashworth"], low, high) == [1.0, 2.0, 3.0, 4.0, 5.0]
        assert scales.whole(SCALES["walking_speed"], 0.9, 1.1)[0] == 0.0
        assert scales.whole(None, 40.0, 60.0)[0] == 0.0
        assert scales.whole(None, -2.0, 3.0)[0] < -2.0
        assert scales.whole(None, 0.0, 0.0) == (0.0, 0.5)

    def test_panels_of_a_trial_are_half_a_page_wide_and_begin_where_the_scale_begins(self, trial: StudyResult) -> None:
        drawn = figures.scores(aggregate.series(trial), figures.arm_styles(trial), "bolus")
        ashworth = next(one for one in drawn if one.title == "Leg Ashworth")
        assert ashworth.narrow is not None
        for figure, width in ((ashworth.wide, 500), (ashworth.narrow, 350)):
            assert f'width="{width}"' in figure
            assert [f">{grade}</text>" in figure for grade in range(1, 6)] == [True] * 5

    def test_time_is_told_in_the_unit_of_the_visits(self) -> None:
        assert words.visits_unit(["0 week", "6 week"]) == words.TimeUnit("weeks", 168.0)
        assert words.visits_unit(["0 hour", "6 week"]) is None
        assert words.visits_unit(["soon"]) is None

    def test_a_dose_is_drawn_as_steps(self, trial: StudyResult) -> None:
        rows = [(0.0, 0.0), (24.0, 30.0), (336.0, 30.0)]
        doses = pl.DataFrame(
            [(t, "bolus", "baclofen", d, d, d, "mg/day") for t, d in rows],
            schema=["time_h", "phase", "arm", "mean", "low", "high", "unit"],
            orient="row",
        )
        one = dataclasses.replace(trial, doses=doses)
        drawn = figures.doses(one, figures.arm_styles(one))[0].wide
        line = max(re.findall(r'<path d="(M[^"]*)" fill="none" stroke="var\(--active\)"', drawn), key=len)
        points = [tuple(map(float, point.split())) for point in line[1:].split("L")]
        assert all(a[0] == b[0] or a[1] == b[1] for a, b in itertools.pairwise(points)), (
            "no slope: a dose is not a ramp"
        )


class TestThinning:
    def test_peaks_survive(self) -> None:
        time, series = np.arange(10_000.0), np.zeros(10_000)
        series[4321], series[7777] = 9.0, -5.0
        kept = svg.thinned(time, [series], 100)
        assert kept.size <= 400
        assert {0, 4321, 7777, 9999} <= set(kept.tolist())
        assert np.all(np.diff(kept) > 0)

    def test_every_edge_of_a_band_keeps_its_peaks(self) -> None:
        draw = np.random.default_rng(3)
        time, courses = np.arange(5000.0), list(draw.normal(size=(3, 5000)))
        kept = svg.thinned(time, courses, 50)
        assert kept.size <= (2 + 2 * len(courses)) * 50
        for values in courses:
            assert (values[kept].min(), values[kept].max()) == (values.min(), values.max())

    def test_a_short_course_is_left_alone(self) -> None:
        time = np.arange(40.0)
        assert svg.thinned(time, [np.zeros(40)], 10).tolist() == list(range(40))


class TestTable:
    def shown(self, result: StudyResult, width: int = 100, encoding: str = "utf-8", **more: Any) -> str:
        stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        report.show(result, Console(file=stream, width=width), **more)
        stream.flush()
        assert isinstance(stream.buffer, io.BytesIO)
        return stream.buffer.getvalue().decode(encoding)

    @pytest.mark.parametrize("width", [60, 80, 100, 140])
    def test_it_is_short_and_numbers_are_whole(self, trial: StudyResult, width: int) -> None:
        text = self.shown(trial, width, folder=Path("out"))
        lines = text.splitlines()
        assert len(lines) <= 25
        assert all(len(line.rstrip()) <= width for line in lines)
        assert "231 mcg/day" in text
        assert "268 mcg/day" in text
        assert text.count("does not reproduce") == 5
        words = " ".join(text.replace("\u2026", "<cut>").split())
        assert ("<cut>" in words) == (width < 80), "at 80 columns no name is cut"

    def test_a_terminal_without_unicode_gets_ascii(self, trial: StudyResult) -> None:
        text = self.shown(trial, 80, "ascii")
        assert text.isascii()
        assert "mcg/day" in text
        assert "x does not reproduce" in text

    def test_quiet_prints_only_the_folder(self, trial: StudyResult) -> None:
        assert self.shown(trial, quiet=True) == ""
        assert self.shown(trial, quiet=True, folder=Path("out")).strip() == "out"

    def test_misses_are_never_left_out(self, trial: StudyResult) -> None:
        many = (*(quantity(1.5, visit=f"{k} hour") for k in range(40)), quantity(4.0, visit="99 hour"))
        text = self.shown(dataclasses.replace(trial, quantities=many))
        assert "99 hours" in text
        assert f"{41 - tables.MOST_ROWS} more are in the report." in text
        assert len(text.splitlines()) <= 25

    def test_a_case_shows_first_lowest_and_last(self, case: StudyResult) -> None:
        text = self.shown(case)
        assert "5.00 (start)" in text
        assert "3.00 (23.5 months)" in text

    def test_text_of_a_study_is_not_markup(self, trial: StudyResult) -> None:
        assert "[red]bold[/red]" in self.shown(dataclasses.replace(trial, title="[red]bold[/red]"))


class TestFiles:
    @pytest.fixture(autouse=True)
    def no_figures(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The page has tests of its own; these are about the folder."""
        monkeypatch.setattr(files.page, "html", lambda *_: "<!DOCTYPE html>")

    @pytest.fixture
    def small(self, trial: StudyResult) -> StudyResult:
        few = ScoreTable.of(trial.visits.head(50))
        return dataclasses.replace(
            trial, quantities=trial.compared[:2], scores=few, consort=(), patients=None, adverse=None
        )

    def test_everything_is_written_and_read_back(self, case: StudyResult, tmp_path: Path) -> None:
        folder = report.write(case, tmp_path / "deep" / "case")
        there = sorted(path.name for path in folder.iterdir())
        assert there == sorted({*files.NAMES, "curves.parquet"} - {"adverse.parquet"})
        assert sorted(json.loads((folder / "run.json").read_text(encoding="utf-8"))["files"]) == there
        assert pl.read_parquet(folder / "visits.parquet").equals(case.visits)
        with xr.open_dataset(folder / "course.nc", engine="h5netcdf") as read:
            assert read["csf_leg"].attrs == {"units": "ng/mL", "long_name": "CSF at the leg segments"}
            xr.testing.assert_equal(read["bias"].load(), case.course["bias"])
            assert json.loads(read.attrs["events"])[0] == {"time_h": 8.0, "event": "Test bolus 50 ug"}
        record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        assert (record["program"], record["seed"], record["kind"]) == ("eutonia", 20010911, "case")

    def test_adverse_events_of_a_trial_are_a_table(self, small: StudyResult, tmp_path: Path) -> None:
        events = pl.DataFrame({"patient": [3], "arm": ["baclofen"], "reaction": ["drowsiness"], "time_h": [5.5]})
        folder = report.write(dataclasses.replace(small, reactions=events), tmp_path / "trial")
        assert pl.read_parquet(folder / "adverse.parquet").equals(events)

    def test_the_summary_holds_prediction_published_and_verdict(self, small: StudyResult, tmp_path: Path) -> None:
        folder = report.write(small, tmp_path / "result")
        data = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
        first, row = data["quantities"][0], small.quantities[0]
        assert row.published is not None
        assert (first["mean"], first["published"]["value"]) == (row.mean, row.published.value)
        assert (first["grade"], first["agreement"]) == (row.grade, row.agreement)
        assert data["disclaimer"] == "Research and teaching only, not a medical device"

    def test_an_older_result_is_replaced_whole(self, small: StudyResult, case: StudyResult, tmp_path: Path) -> None:
        report.write(case, tmp_path / "result")
        report.write(small, tmp_path / "result")
        assert json.loads((tmp_path / "result" / "run.json").read_text(encoding="utf-8"))["kind"] == "trial"
        assert [path.name for path in tmp_path.iterdir()] == ["result"]

    def test_an_empty_folder_is_taken(self, small: StudyResult, tmp_path: Path) -> None:
        (tmp_path / "result").mkdir()
        assert report.write(small, tmp_path / "result").is_dir()

    @pytest.mark.parametrize("name", ["notes.txt", "report.html", "run.json"])
    def test_a_folder_of_something_else_is_refused(self, small: StudyResult, tmp_path: Path, name: str) -> None:
        (tmp_path / name).write_text("mine", encoding="utf-8")
        with pytest.raises(EutoniaError, match="not an Eutonia result") as error:
            report.write(small, tmp_path)
        assert name in str(error.value)
        assert (tmp_path / name).read_text(encoding="utf-8") == "mine"

    def test_a_note_beside_an_older_result_is_safe(self, small: StudyResult, tmp_path: Path) -> None:
        folder = report.write(small, tmp_path / "result")
        (folder / "my thoughts.md").write_text("keep", encoding="utf-8")
        with pytest.raises(EutoniaError, match="my thoughts"):
            report.write(small, folder)
        assert (folder / "my thoughts.md").exists()

    def test_a_file_of_that_name_is_refused(self, small: StudyResult, tmp_path: Path) -> None:
        (tmp_path / "result").write_text("", encoding="utf-8")
        with pytest.raises(EutoniaError, match="is a file"):
            report.write(small, tmp_path / "result")

    def test_a_failure_leaves_the_older_result_and_nothing_else(
        self, small: StudyResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = report.write(small, tmp_path / "result")
        before = {path.name: path.read_bytes() for path in folder.iterdir()}

        def fail(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(files, "_write_course", fail)
        with pytest.raises(EutoniaError, match="No space left on device"):
            report.write(small, tmp_path / "result")
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
        assert [path.name for path in tmp_path.iterdir()] == ["result"]

    def test_a_failure_takes_back_the_folders_it_made(
        self, small: StudyResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(files, "_write_course", fail)
        with pytest.raises(EutoniaError, match="No space left"):
            files.write(small, tmp_path / "results" / "deep" / "mine")
        assert not list(tmp_path.iterdir())

    def test_json_holds_no_number_that_json_cannot(self) -> None:
        value = {"a": math.nan, "b": (1, math.inf), 3: ConsortRow("s", None, 1.0, 1.0, math.nan)}
        text = json.dumps(files.plain(value), allow_nan=False)
        assert json.loads(text)["a"] is None
        assert json.loads(text)["b"] == [1, None]
        assert json.loads(text)["3"]["high"] is None
