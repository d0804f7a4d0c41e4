"""The own signal lowered by a tenth, as a study may ask: one limb, for a while, no more than anybody has learned."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import eutonia
from eutonia.report import short
from eutonia.study.design import json_schema, parse_study

pytestmark = pytest.mark.xdist_group("slow clock")

CASE = Path(eutonia.shipped()["case_own_signal"]).read_text(encoding="utf-8").replace('"30 month"', '"17 month"')
CASE = CASE[: CASE.index("# --- Month 18")].replace('"7 day"', '"14 day"')
PLAIN = CASE[: CASE.index("# --- Months 8")]


def test_a_tenth_is_a_tenth_of_the_leg_while_it_lasts_and_about_a_third_of_a_grade() -> None:
    plain, result = eutonia.run(parse_study(PLAIN)).course, eutonia.run(parse_study(CASE))
    lowered = result.course
    # Without a drug the headline told of the months before it was lowered, and of nothing else.
    assert "at 3.98 (7.8 months) before treatment; then, at visits, between 3.77 (" in short.headline(result)
    time = np.intersect1d(plain["time_h"], lowered["time_h"])
    before, after = (course.sel(time_h=time) for course in (plain, lowered))
    inside = (time > 245 * 24) & (time <= 426 * 24)
    share = after["bias"].sel(limb="leg") / before["bias"].sel(limb="leg")
    np.testing.assert_allclose(share[inside], 0.9, rtol=1e-12)
    # Tissue follows over months, and is less stiff for months after: until it begins, everything is to the bit.
    until, since = time <= 245 * 24, time > 426 * 24
    for name in before.data_vars:
        one, other = before[name], after[name]
        np.testing.assert_array_equal(other[{"time_h": until}], one[{"time_h": until}], err_msg=name)
        if "limb" in one.dims:
            np.testing.assert_array_equal(other.sel(limb="arm"), one.sel(limb="arm"), err_msg=name)
    np.testing.assert_array_equal(after["bias"][{"time_h": since}], before["bias"][{"time_h": since}])
    stiff = (after["contracture"] / before["contracture"]).sel(limb="leg")
    begin = int(np.flatnonzero(inside)[0])
    assert np.all(np.abs(stiff[begin] - 1) < 0.01)
    assert np.all(np.diff(stiff[inside], axis=0) < 0)
    assert np.all(stiff[inside][-1] < 0.97)
    assert np.all(np.diff(stiff[since], axis=0) > 0)
    fell = (before["ashworth"] - after["ashworth"]).sel(limb="leg")[inside]
    assert np.all(fell >= 0)
    assert 0.2 < float(fell.mean()) < 0.5


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("lowered = 0.10", "lowered = 0.5", "at most 0.3"),
        ("lowered = 0.10", "lowered = 10", "at most 0.3"),
        ("lowered = 0.10", "lowered = -0.1", "Allowed: at least 0"),
        ("lowered = 0.10", 'lowered = "10 %"', "lowered"),
        ('limb = "leg"\nlowered', 'limb = "hand"\nlowered', "limb"),
        ('stop = "426 day"', 'stop = "240 day"', "It stops before it starts"),
    ],
)
def test_more_than_anybody_has_learned_is_refused(old: str, new: str, says: str) -> None:
    assert CASE.count(old) == 1
    with pytest.raises(eutonia.EutoniaError) as error:
        parse_study(CASE.replace(old, new))
    assert says in " ".join(str(error.value).split())


def test_it_is_in_the_schema() -> None:
    assert "own signal" in json.dumps(json_schema())


def test_without_any_drug_no_line_is_said_to_be_without_drug() -> None:
    """Both lines were one, since what is not of a drug moves the bias of the lesion itself."""
    from eutonia.report.case.panels import panels

    names = [line.name for panel in panels(eutonia.run(parse_study(CASE)).course) for line in panel.lines]
    assert "Leg" in names
    assert not any("without drug" in name for name in names)
