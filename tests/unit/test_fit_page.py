"""The page of a fit can be read alone: size of the errors, zero of the angle, body, what was given."""

from __future__ import annotations

import re

import numpy as np
import pytest

from eutonia import parameters
from eutonia.inference.agreement import Agreement
from eutonia.inference.stretch_fit import PARTS, Estimate, FittedCourse, ResistancePart, StretchFit
from eutonia.report.fit import figures
from eutonia.report.fit import files as report
from eutonia.trial.record import run_record


def made(test: str) -> StretchFit:
    """Return a fit by hand: a swing or a stretch with errors from -0.9 to 0.7."""
    time = np.linspace(-0.1, 4.0, 200)
    fitted = 75.0 - 30.0 * np.exp(-time)
    errors = np.where(time < 2.0, 0.7, -0.9) * np.sin(6.0 * time) ** 2
    torques = {name: np.ones_like(time) for name in (*PARTS, "total")}
    course = FittedCourse(
        "leg.csv", time, fitted, fitted + errors, fitted, fitted - 1.0, fitted + 1.0, torques, None, 0.0
    )  # fmt: skip
    estimate = Estimate(
        "threshold", "Stretch reflex threshold", "lambda", "deg", 72.9, 71.9, 74.1, 45.0, 137.0, 0.1, 0.2, "yes", True
    )  # fmt: skip
    parts = tuple(ResistancePart(name, 1.0, 0.5, 1.5, 0.5) for name in PARTS)
    unit = "deg" if test == "pendulum" else "N m"
    channel = "angle" if test == "pendulum" else "torque"
    return StretchFit(
        test, "knee", 70.0, 1.74, channel, unit, (estimate,), parts, (), (), (course,), 0.1, 0.3,
        Agreement(0.29, 0.88, 0.98, 2.0), 246.0, 0.41, {},
    )  # fmt: skip


@pytest.mark.parametrize("test", ["pendulum", "ramp"])
def test_the_size_of_the_errors_can_be_read_off(test: str) -> None:
    drawing = figures.drawings(made(test))[0]
    for picture in (str(drawing.wide), str(drawing.narrow)):
        panel = picture.partition("Recorded less fitted")[2].partition("Resisting torque")[0]
        numbers = {float(x.replace("−", "-")) for x in re.findall(r">(−?[\d.]+)</text>", panel)}
        assert min(numbers) < 0.0 < max(numbers), numbers


def test_the_angle_of_a_stretch_is_drawn_where_the_torque_is_fitted() -> None:
    assert "Angle, deg (given, not fitted)" in str(figures.drawings(made("ramp"))[0].wide)
    assert "given, not fitted" not in str(figures.drawings(made("pendulum"))[0].wide)


def test_the_page_says_body_errors_and_zero() -> None:
    with parameters.recording() as used:
        parameters.load("inference").value("determined_below", "1")
    record = run_record(0, "", used, 1.0, command="eutonia fit-stretch leg.csv", inputs={})
    page = report.html(made("pendulum"), record)
    head = page.partition("<nav")[0]
    for said in ("70 kg", "174 cm", "0.29 deg", "0.88 deg", "98 %"):
        assert said in head, said
    picture = page.partition('id="picture"')[2].partition("<h3>")[0]
    assert "0 is the straight leg" in picture
    assert "four fifths" in page
