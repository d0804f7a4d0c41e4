"""Something of another type in a public function: refused by name in four parts, never a raw error from deep inside."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import eutonia
from eutonia.errors import ArgumentError, EutoniaError
from eutonia.exchange import export

CASE = eutonia.load_study("case_ischaemic_tablets")
REFLEX = dict.fromkeys(("velocity_sensitivity_s", "gain_nm_per_rad", "background_nm", "depression_per_rad"), 0.1)
PERSON = eutonia.Patient(67.0, 71.0, "woman", 58.0)
STROKE = eutonia.Population.typical("stroke")
UNTREATED = eutonia.Snapshot.untreated(2)


@functools.cache
def people() -> Any:
    """Return people who are given where people are right."""
    return eutonia.make_people(eutonia.Cohort.draw(1, range(2), STROKE), seed=1)


@functools.cache
def examined() -> Any:
    """Return what is right to be scored."""
    return eutonia.examine(people(), UNTREATED)


def using(overrides: Any) -> None:
    """Begin and end overrides."""
    with eutonia.using(overrides):
        pass


# Every place where a public function takes something, and what of the wrong things below is right there.
PLACES: dict[str, tuple[Callable[[Any], object], tuple[type, ...]]] = {
    "load_study": (eutonia.load_study, ()),
    "parse_study": (eutonia.parse_study, ()),
    "parse_study, name": (lambda x: eutonia.parse_study("", x), ()),
    "examine_case": (eutonia.examine_case, ()),
    "examine_case, test": (lambda x: eutonia.examine_case(CASE, x), ()),
    "examine_case, at": (lambda x: eutonia.examine_case(CASE, "threshold", 0 if x is None else x), ()),
    "examine_case, limb": (lambda x: eutonia.examine_case(CASE, "threshold", "day 90", 0 if x is None else x), ()),
    "run": (eutonia.run, ()),
    "run, replicates": (lambda x: eutonia.run(CASE, replicates=0.5 if x is None else x), ()),
    "using": (using, (dict,)),
    "using, number": (lambda x: using({"receptor.hill": x}), (int, float)),
    "write": (lambda x: eutonia.write(x, "somewhere"), ()),
    "make_people": (lambda x: eutonia.make_people(x, seed=1), ()),
    "simulate": (lambda x: eutonia.simulate(x, eutonia.Regimen(), at_h=1.0), ()),
    "simulate, regimen": (lambda x: eutonia.simulate(people(), x, at_h=1.0), ()),
    "simulate, at_h": (lambda x: eutonia.simulate(people(), eutonia.Regimen(), at_h=x), (int, float, np.ndarray)),
    "Snapshot": (lambda x: eutonia.examine(people(), x), ()),
    "examine": (lambda x: eutonia.examine(x, UNTREATED), ()),
    "examine, stretch": (lambda x: eutonia.examine(people(), UNTREATED, stretch=x), ()),
    "score": (eutonia.score, ()),
    "score, rater_seed": (lambda x: eutonia.score(examined(), rater_seed=0.5 if x is None else x), (int,)),
    "compare": (eutonia.compare, ()),
    "compare_options": (eutonia.compare_options, ()),
    "compare_options, against": (lambda x: eutonia.compare_options([CASE, CASE], against=0 if x is None else x), ()),
    "papers": (lambda x: eutonia.papers(x), (list,)),
    "papers, home": (lambda x: eutonia.papers(home=0 if x is None else x), ()),
    "credibility": (lambda x: eutonia.credibility(0 if x is None else x), ()),
    "credibility, influence": (lambda x: eutonia.credibility(influence=x), ()),
    "decision": (eutonia.decision, ()),
    "decision, doses": (lambda x: eutonia.decision(CASE, doses=0 if x is None else x), ()),
    "decision, held": (lambda x: eutonia.decision(CASE, held=x), ()),
    "sensitivity": (lambda x: eutonia.sensitivity(x), ()),
    "power": (lambda x: eutonia.power(x), ()),
    "run, keep": (lambda x: eutonia.run(CASE, keep=0 if x is None else x), ()),
    "sweep": (lambda x: eutonia.sweep(x, {}), ()),
    "sweep, fields": (lambda x: eutonia.sweep(CASE, x), (dict,)),
    "sweep, values": (lambda x: eutonia.sweep(CASE, {"study.seed": x}), ()),
    "TrialStudy": (lambda x: CASE.replace(x), (dict,)),
    "CaseStudy": (lambda x: CASE.replace({"study.seed": x}), (int,)),
    "expose": (eutonia.expose, ()),
    "expose, values": (lambda x: eutonia.expose("x.csv", values=x), (list,)),
    "fit": (lambda x: eutonia.fit(x, "pendulum"), ()),
    "fit, weight": (lambda x: eutonia.fit([], "pendulum", weight=0 if x is None else x), ()),
    "program": (eutonia.program, ()),
    "program, day": (lambda x: eutonia.program("first_pump", day=0.5 if x is None else x), (int,)),
    "examine_segment": (lambda x: eutonia.examine_segment(0 if x is None else x), ()),
    "examine_segment, csf": (lambda x: eutonia.examine_segment(csf=0 if x is None else x), ()),
    "examine_segment, cells": (lambda x: eutonia.examine_segment(cells=x), ()),
    "OralDose": (eutonia.OralDose, (int, float)),
    "IntrathecalDose": (eutonia.IntrathecalDose, (int, float)),
    "Infusion": (eutonia.Infusion, (int, float)),
    "from_egfr": (eutonia.from_egfr, (int, float)),
    "cockcroft_gault": (lambda x: eutonia.cockcroft_gault(x, 70.0, "woman", 1.0), ()),
    "joint": (eutonia.joint, ()),
    "limb_with": (lambda x: eutonia.limb_with(x, threshold_deg=90.0, **REFLEX), ()),
    "limb_with, number": (
        lambda x: eutonia.limb_with(eutonia.joint("knee"), threshold_deg=x, **REFLEX),
        (int, float, np.ndarray),
    ),
    "PassiveStretch": (eutonia.PassiveStretch, ()),
    "TendonTap": (eutonia.TendonTap, ()),
    "Patient": (lambda x: eutonia.Patient(x, 71.0, "woman", 58.0), ()),
    "Patient, sex": (lambda x: eutonia.Patient(67.0, 71.0, x, 58.0), ()),
    "Lesion": (eutonia.Lesion, ()),
    "Lesion, place": (lambda x: eutonia.Lesion("none", x), ()),
    "Lesion, offset": (lambda x: eutonia.Lesion("none", offset_mm=x), ()),
    "Lesion, offset of two": (lambda x: eutonia.Lesion("none", offset_mm=(x, x)), ()),
    "Lesion.ischaemic": (eutonia.Lesion.ischaemic, ()),
    "Lesion.ischaemic, extent": (lambda x: eutonia.Lesion.ischaemic("MCA", extent="0" if x is None else x), ()),
    "Lesion.haemorrhagic": (lambda x: eutonia.Lesion.haemorrhagic(x, 20.0), ()),
    "Lesion.haemorrhagic, volume": (lambda x: eutonia.Lesion.haemorrhagic("putamen", x), (int, float)),
    "Lesion.spinal": (eutonia.Lesion.spinal, ()),
    "Population.typical": (eutonia.Population.typical, ()),
    "Population": (lambda x: eutonia.Population("stroke", x, STROKE.age, STROKE.weight, STROKE.age, STROKE.age), ()),
    "Cohort.draw": (lambda x: eutonia.Cohort.draw(x, range(3), STROKE), (int,)),
    "Cohort.draw, people": (lambda x: eutonia.Cohort.draw(1, x, STROKE), (list,)),
    "Cohort.draw, population": (lambda x: eutonia.Cohort.draw(1, range(3), x), ()),
    "Cohort.of": (lambda x: eutonia.Cohort.of(PERSON, x, 100.0), ()),
    "Kinetics.typical": (lambda x: eutonia.Kinetics.typical(x), (int,)),
    "Kinetics.typical, tip": (lambda x: eutonia.Kinetics.typical(tip=x), ()),
    "Regimen": (eutonia.Regimen, (list,)),
    "Regimen.oral": (lambda x: eutonia.Regimen.oral(x, 8.0), ()),
    "Regimen.bolus": (eutonia.Regimen.bolus, ()),
    "Regimen.infusion": (eutonia.Regimen.infusion, ()),
    "export": (export, ()),
    "export, doses": (lambda x: export("intrathecal", 0 if x is None else x), ()),
    "export, format": (lambda x: export("intrathecal", None, x), ()),
}  # fmt: skip
WRONG: tuple[object, ...] = (5, 2.5, b"x", [], {}, object(), None, np.array([1.0, 2.0]), len)


def raw_errors() -> list[str]:
    """Return every place that lets a wrong type through, or lets it fail in its own way."""
    found = []
    for place, (call, fine) in PLACES.items():
        for given in WRONG:
            if isinstance(given, fine):
                continue
            try:
                call(given)
                found.append(f"{place}: {given!r} is accepted")
            except EutoniaError as told:
                if "Allowed: " not in str(told):
                    found.append(f"{place}: {given!r}: {told}")
            except Exception as told:
                found.append(f"{place}: {given!r}: {type(told).__name__}: {told}")
    return found


def test_another_type_is_refused_in_four_parts() -> None:
    """In a program of its own: types are checked by another hand wherever pytest runs."""
    paths = {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, __file__], env={**os.environ, **paths}, capture_output=True, text=True)
    assert (done.returncode, done.stdout.splitlines()) == (0, []), done.stderr


def test_what_is_refused_is_named_with_what_is_meant() -> None:
    with pytest.raises(ArgumentError, match=r'load_study: path_or_name is 5 \(int\)\..*Nearest: "meythaler_2001"'):
        eutonia.load_study(5)  # type: ignore[arg-type]
    with pytest.raises(TypeError):  # as a Python program expects it
        eutonia.load_study(5)  # type: ignore[arg-type]


def test_every_public_name_is_tried() -> None:
    names = {place.partition(",")[0].partition(".")[0] for place in PLACES}
    assert set(eutonia.__all__) - names == {"__version__", "EutoniaError", "shipped"}


if __name__ == "__main__":
    sys.stdout.write("\n".join(raw_errors()))
