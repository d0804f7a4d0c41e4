"""Wrong calls of the public verbs, each with what its message has to say. Run as a script, it prints every message."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np

import eutonia as eu
from eutonia.simulation.course import Snapshot

DOSE = "phase.infusion.arm.baclofen.titration.start"


def refusals() -> list[tuple[str, Callable[..., Any], tuple[str, ...]]]:
    bolus = eu.Regimen.bolus(eu.IntrathecalDose(ug=50))
    return [
        ("no cohort", lambda p, s: eu.make_people("me", seed=1), ("'me'", "Allowed: a cohort", "Nearest: Cohort.draw")),
        ("no seed", lambda p, s: eu.make_people(_cohort(), seed=-1), ("-1", "0 to 4,294,967,295")),
        ("half a seed", lambda p, s: eu.make_people(_cohort(), seed=0.5), ("0.5", "whole number")),
        ("no people", lambda p, s: eu.simulate(None, bolus, at_h=1), ("NoneType", "Allowed: people", "make_people")),
        ("no regimen", lambda p, s: eu.simulate(p, "10 mg", at_h=1), ("'10 mg'", "Allowed: a regimen", "Regimen.oral")),
        ("no unit", lambda p, s: eu.simulate(p, bolus, at_h="4"), ("at_h", "no unit", "hour")),
        ("a dose as time", lambda p, s: eu.simulate(p, bolus, at_h="4 mg"), ("at_h", "4 mg", "Nearest")),
        ("no time", lambda p, s: eu.simulate(p, bolus, at_h=[]), ("empty", "Allowed: hours", "Nearest: 24")),
        ("before birth", lambda p, s: eu.simulate(p, bolus, at_h=-1), ("-1", "Allowed: hours", "Nearest: 24")),
        ("not a number", lambda p, s: eu.simulate(p, bolus, at_h=np.nan), ("at_h is", "Allowed: hours")),
        ("before the start", lambda p, s: eu.simulate(p, bolus.shift(-5), at_h=1), ("-5 h", "shift(5)")),
        ("two tips", lambda p, s: eu.simulate(p, _two_tips(), at_h=1), ("C5, T10", "Allowed: one catheter")),
        ("ten grams", lambda p, s: eu.simulate(p, _bolus(1e7), at_h=1), ("1e+07 ug", "Allowed: 0, or 1 ug to")),
        ("a trace", lambda p, s: eu.simulate(p, _bolus(1e-3), at_h=1), ("0.001 ug", "Nearest: 1 ug", "source")),
        ("too many mg", lambda p, s: eu.simulate(p, _tablets(1e6), at_h=1), ("1e+06 mg", "Allowed: 0, or 0.1 mg to")),
        ("a flood", lambda p, s: eu.simulate(p, _infusion(1e9), at_h=1), ("1e+09 ug/day", "Nearest")),
        ("no look", lambda p, s: eu.simulate(p, bolus, at_h=[1, 2]).at(9), ("9 h", "Allowed: 1, 2 h", "Nearest: 2 h")),
        ("no snapshot", lambda p, s: eu.examine(p, 4), ("is 4", "Allowed: a snapshot", "simulate")),
        ("other people", lambda p, s: eu.examine(p, Snapshot.untreated(3)), ("of 3 people", "same 8", "Nearest")),
        ("not examined", lambda p, s: eu.score(p), ("People", "Allowed: what examine returns", "examine(people")),
        ("a rater of text", lambda p, s: eu.score(_examined(p), rater_seed="a"), ("'a'", "Allowed: a whole number")),
        ("no study", lambda p, s: eu.run("loubser_1991"), ("'loubser_1991'", "Allowed: a study", "load_study")),
        ("no replicates", lambda p, s: eu.run(s, replicates=0), ("replicates is 0", "Nearest: 1")),
        ("half a replicate", lambda p, s: eu.run(s, replicates=2.5), ("2.5", "Nearest: 1")),
        ("no result", lambda p, s: eu.compare(s), ("TrialStudy", "Allowed: a result", "run(study)")),
        ("no list of cases", lambda p, s: eu.compare_options(s), ("TrialStudy", "Allowed: a list of cases")),
        ("trials as options", lambda p, s: eu.compare_options([s, s]), ("is a trial", "Allowed: cases", "Nearest")),
        ("no values", lambda p, s: eu.sweep(s, {"population.n": []}), ("population.n", "Allowed: a list")),
        ("text as values", lambda p, s: eu.sweep(s, {DOSE: "1 ug/h"}), ("'1 ug/h'", "Allowed: a list", "['1 ug/h']")),
        ("no study to screen", lambda p, s: eu.sensitivity("x"), ("'x'", "Allowed: a study", "load_study")),
        ("one path", lambda p, s: eu.sensitivity(s, paths=1), ("paths is 1", "Allowed: 2 or more", "Nearest: 2")),
        ("a bad point", lambda p, s: eu.sweep(s, {"population.n": [3, "x"]}), ("population.n", "whole number")),
        ("no table", lambda p, s: eu.expose(3), ("is 3", "Allowed: a path")),
        ("values of text", lambda p, s: eu.expose("x.csv", values="CL=8 L/h"), ("'CL=8 L/h'", '["CL=8 L/h"]')),
        ("no trace", lambda p, s: eu.fit(3, "pendulum"), ("traces is 3", "Allowed:", "trace.csv")),
        ("bare weight", lambda p, s: eu.fit([], "pendulum", weight=71), ("weight is 71", "Allowed: a text")),
        ("no therapy", lambda p, s: eu.program(3), ("is 3", "Allowed: a file", "first_pump")),
        ("no such day", lambda p, s: eu.program("first_pump", day=10**6), ("1000000", "Allowed: 0 to", "Nearest")),
        ("no such severity", lambda p, s: eu.examine_segment("spastik"), ("spastik", "Nearest: spastic", "Allowed:")),
        ("both", lambda p, s: eu.examine_segment("severe", bias="2 mV"), ("severe", "2 mV", "Leave one out")),
        ("bare level", lambda p, s: eu.examine_segment(csf="300"), ("csf", "no unit", "300 ng/mL")),
        ("an age of text", lambda p, s: eu.Patient("67 year", 71, "woman", 58), ("67 year", "Allowed: 18 to 110")),
        ("ug by mouth", lambda p, s: eu.Regimen.oral(eu.IntrathecalDose(ug=10), every_h=8), ("OralDose", "Allowed")),
        ("an array", lambda p, s: eu.simulate(np.zeros(3), bolus, at_h=1), ("ndarray", "Allowed: people")),
        ("few cells", lambda p, s: eu.examine_segment(cells=3), ("3 cells", "Allowed: 400", "Nearest: 400")),
    ]


def _cohort() -> Any:
    return eu.Cohort.draw(1, [0], eu.Population.typical("stroke"))


def _examined(people: Any) -> Any:
    return eu.examine(people, Snapshot.untreated(people.n))


def _bolus(ug: float) -> eu.Regimen:
    return eu.Regimen.bolus(eu.IntrathecalDose(ug=ug))


def _tablets(mg: float) -> eu.Regimen:
    return eu.Regimen.oral(eu.OralDose(mg=mg), every_h=8)


def _infusion(ug: float) -> eu.Regimen:
    return eu.Regimen.infusion(eu.Infusion.per_day(ug))


def _two_tips() -> Any:
    dose = eu.IntrathecalDose(ug=5)
    return eu.Regimen.bolus(dose, 0.0, "catheter", "T10") + eu.Regimen.bolus(dose, 1.0, "catheter", "C5")


def main() -> None:
    """Print the kind and the message of the error of every wrong call."""
    people = eu.make_people(eu.Cohort.draw(1, np.arange(8), eu.Population.typical("stroke")), seed=1)
    study, found = eu.load_study("loubser_1991"), {}
    for what, do, _ in refusals():
        try:
            do(people, study)
        except Exception as error:
            found[what] = [type(error).__name__, str(error)]
        else:
            found[what] = ["nothing", "nothing was refused"]
    print(json.dumps(found))


if __name__ == "__main__":
    main()
