"""The verbs of the package in Python: what the README promises, what each says of itself, what it refuses."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

import eutonia as eu
import eutonia.cli
from eutonia import errors
from eutonia.cli.app import app
from eutonia.errors import EutoniaError, StudyError
from eutonia.simulation.course import Snapshot
from eutonia.trial.result import StudyResult

pytestmark = pytest.mark.xdist_group("slow clock")

ROOT = Path(__file__).parents[2]
VERBS = ("make_people", "simulate", "examine", "score", "run", "compare", "sweep", "expose", "fit", "program")
REFUSALS = ROOT / "tests" / "verb_refusals.py"
DOSE = "phase.infusion.arm.baclofen.titration.start"


def told_of(script: Path) -> dict[str, tuple[str, ...]]:
    """Return what each message has to say, by the name of the wrong call, without running any."""
    rows = next(
        node.value for node in ast.walk(ast.parse(script.read_text(encoding="utf-8"))) if isinstance(node, ast.Return)
    )
    assert isinstance(rows, ast.List)
    return {ast.literal_eval(row.elts[0]): ast.literal_eval(row.elts[2]) for row in rows.elts}  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def people() -> Any:
    cohort = eu.Cohort.draw(1, np.arange(8), eu.Population.typical("stroke"))
    return eu.make_people(cohort, seed=1)


@pytest.fixture(scope="module")
def study() -> Any:
    return eu.load_study("loubser_1991").replace({"population.pool": 1024})


@pytest.fixture(scope="module")
def result(study: Any) -> StudyResult:
    return eu.run(study, replicates=2)


def test_the_script_of_the_readme_runs_and_prints_prose(capsys: pytest.CaptureFixture[str]) -> None:
    script = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert script is not None
    code = script[1].replace("replicates=40", "replicates=2").replace("4096", "512")
    assert len([line for line in code.splitlines() if line.strip()]) <= 12
    exec(compile(code, "README.md", "exec"), {"__name__": "__main__"})
    printed = capsys.readouterr().out
    for words in ("Ashworth leg", "Walking speed", "m/s", "No verdict on 4", "baclofen less saline", "mcg filled"):
        assert words in printed


def test_names_and_types_of_what_is_public_agree() -> None:
    stub = ast.parse((ROOT / "src/eutonia/__init__.pyi").read_text(encoding="utf-8"))
    typed = {alias.name: node.module for node in stub.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert all(
        alias.asname == alias.name for node in stub.body if isinstance(node, ast.ImportFrom) for alias in node.names
    )
    assert set(typed) | {"__version__"} == set(eu.__all__)
    for name, module in typed.items():
        assert getattr(eu, name) is getattr(importlib.import_module(str(module)), name)


@pytest.mark.parametrize("name", [*VERBS, "examine_segment", "compare_options", "decision", "power", "sensitivity"])
def test_every_verb_says_what_it_takes_returns_and_refuses(name: str) -> None:
    verb = getattr(eu, name)
    said = inspect.getdoc(verb)
    assert said is not None
    for section in ("Parameters\n---", "Returns\n---", "Raises\n---", "Notes\n---"):
        assert section in said, section
    assert f"Returns\n-------\n{verb.__annotations__['return']}\n" in said
    for parameter in inspect.signature(verb).parameters:
        assert re.search(rf"^(\w+, )*{parameter}(, \w+)* : ", said, re.MULTILINE), parameter


def test_the_package_stays_light_until_a_verb_is_used() -> None:
    code = "import sys, eutonia; sys.exit(str({'jax', 'numpy', 'polars', 'pydantic', 'ast'} & set(sys.modules) or 0))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0 or done.stderr.strip() == "0", done.stderr


# --- people ---


def test_looking_moves_nothing_and_a_look_comes_before_the_dose(people: Any) -> None:
    regimen = eu.Regimen.bolus(eu.IntrathecalDose(ug=50), time_h=1.0) + eu.Regimen.oral(eu.OralDose(mg=10), every_h=8)
    often = eu.simulate(people, regimen, at_h=[0, 1, 1.3, 2.7, "5 hour", 30])
    once = eu.simulate(people, regimen, at_h=30)
    assert np.array_equal(often.at("30 hour").hyperpolarisation, once.at(30).hyperpolarisation)
    assert not np.any(np.asarray(often.at(0).plasma))
    before, after = (np.asarray(often.at(time).csf_leg) for time in (1, 1.3))
    assert np.all(after > 100.0)
    assert np.all(before < 10.0)


def test_two_regimens_at_once_are_their_sum(people: Any) -> None:
    half = eu.Regimen.bolus(eu.IntrathecalDose(ug=25))
    both, one = (eu.simulate(people, of, at_h=6).at(6) for of in (half + half, half.scale(2.0)))
    assert np.allclose(both.csf_leg, one.csf_leg, rtol=1e-12, atol=0.0)
    pump = eu.Regimen.infusion(eu.Infusion.per_day(100), start_h=0.0, stop_h=24.0)
    late = eu.simulate(people, pump, at_h=[24, 24 * 30])
    assert np.all(np.asarray(late.at(24 * 30).csf_leg) < 0.05 * np.asarray(late.at(24).csf_leg))


def test_a_drug_lowers_scores_and_raters_have_luck_of_their_own(people: Any) -> None:
    course = eu.simulate(people, eu.Regimen.bolus(eu.IntrathecalDose(ug=100)), at_h=[0, 4])
    before, after = (eu.score(eu.examine(course.people, course.at(time))) for time in (0, 4))
    assert np.all(np.asarray(after.chart.ashworth) <= np.asarray(before.chart.ashworth))
    assert np.any(np.asarray(after.chart.ashworth) < np.asarray(before.chart.ashworth))
    examined = eu.examine(people, Snapshot.untreated(people.n))
    assert np.array_equal(eu.score(examined).chart.ashworth, before.chart.ashworth)
    seen = [np.asarray(eu.score(examined, rater_seed=2, visit=v).chart.modified_ashworth_muscle) for v in (0, 0, 1)]
    assert np.array_equal(seen[0], seen[1])
    assert not np.array_equal(seen[0], seen[2])


def test_frames_of_people_hold_what_the_arrays_hold(people: Any) -> None:
    course = eu.simulate(people, eu.Regimen.bolus(eu.IntrathecalDose(ug=50)), at_h=[0, 4])
    examined = eu.examine(course.people, course.at(4))
    scores = eu.score(examined)
    leg = course.frame().filter(variable="receptor_effect", limb="leg", time_h=4.0)
    assert np.array_equal(leg["value"], np.asarray(course.at(4).receptor_effect[0]))
    knee = scores.frame().filter(scale="ashworth", item="knee flexors")
    assert np.array_equal(knee["score"], np.asarray(scores.chart.ashworth_muscle[1]))
    bias = examined.frame().filter(variable="bias", limb="arm")
    assert np.array_equal(bias["value"], np.asarray(examined.found.bias[1]))
    for frame in (course.frame(), examined.frame(), scores.frame()):
        assert frame["unit"].null_count() == 0


# --- studies ---


def test_a_changed_study_is_a_file_of_its_own_and_leaves_the_first_as_it_was(study: Any) -> None:
    for name in eu.shipped():
        first = eu.load_study(name)
        assert eu.parse_study(first.replace({}).text).model_dump_json() == first.model_dump_json()
    changed = study.replace({DOSE: "4 ug/h", "study.seed": 5})
    assert eu.parse_study(changed.text) == changed
    assert (changed.seed, study.seed) == (5, 1991)
    assert changed.phases[0].arms[0].titration.start_ug_per_h == 4.0
    assert len({changed.digest, study.digest, eu.load_study("loubser_1991").digest}) == 3


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        (
            {"phase.infusion.arm.baclofin.treatment.0.rate": "4 ug/h"},
            ("Nearest: baclofen", "Allowed: baclofen, saline"),
        ),
        ({DOSE: "4 mg/h"}, ("mg", "ug/h", "Do:")),
        ({"population.n.x": 3}, ("population.n",)),
        ({"population.m": 3}, ("population.m", "Allowed: n, table, pool")),
        ({"phase.7.visits": []}, ("Allowed: infusion",)),
    ],
)
def test_a_path_that_leads_nowhere_is_refused(study: Any, fields: dict[str, object], told: tuple[str, ...]) -> None:
    with pytest.raises(StudyError) as refused:
        study.replace(fields)
    for words in told:
        assert words in str(refused.value)


def test_a_sweep_runs_the_same_people_through_every_point(study: Any, result: StudyResult) -> None:
    rates = ["50 ug/day", "100 ug/day"]
    found = eu.sweep(study, {DOSE: rates, "phase.infusion.arm.saline.placebo": [True]}, replicates=2)
    assert found.columns[:2] == [DOSE, "phase.infusion.arm.saline.placebo"]
    assert study.phases[0].arms[0].titration.start_ug_per_h * 24 == pytest.approx(100.0)
    for rate, alone in zip(rates, (eu.run(study.replace({DOSE: rates[0]}), replicates=2), result), strict=True):
        assert found.filter(pl.col(DOSE) == rate).drop(*found.columns[:2]).equals(alone.frame())
    saline = [found.filter((pl.col(DOSE) == rate) & (pl.col("arm") == "saline"))["mean"] for rate in rates]
    # Of the dose of the period before, which is another, hardly anything is left.
    assert (saline[0] - saline[1]).abs().max() < 0.05


def test_comparison_is_the_difference_of_the_means_whichever_arm_is_named(result: StudyResult) -> None:
    found = eu.compare(result)
    assert set(found.frame()["against"]) == {"saline"}
    means = result.frame().filter(pl.col("statistic") == "mean", pl.col("published").is_null())
    for row in found.frame().iter_rows(named=True):
        keys = {name: row[name] for name in ("phase", "visit", "limb", "scale")}
        arm, other = (means.filter(arm=name, **keys)["mean"] for name in (row["arm"], row["against"]))
        if len(arm) and len(other):
            assert row["difference"] == pytest.approx(arm[0] - other[0], abs=1e-12)
        assert row["low"] is None
    turned = eu.compare(result, against="baclofen").frame()
    both = found.frame().join(turned, on=["phase", "visit", "limb", "scale"], suffix="_turned")
    assert both.height > 4
    np.testing.assert_allclose(both["difference"], -both["difference_turned"], rtol=1e-12)


def test_results_print_in_a_few_lines_and_as_a_table(result: StudyResult, people: Any) -> None:
    course = eu.simulate(people, eu.Regimen.placebo(), at_h=1)
    examined = eu.examine(people, course.at(1))
    played = eu.program("first_pump")
    for one in (result, eu.compare(result), course, examined, eu.score(examined), played):
        assert 40 < len(repr(one)) < 1000
        assert repr(one) == str(one)
        assert "array(" not in repr(one)
        assert "<table" in one._repr_html_()
    assert result.frame()["unit"].dtype == pl.String
    assert not any("NaN" in str(one) for one in result.frame().select(pl.col(pl.Float64)).row(0))


# --- what is refused ---


@pytest.fixture(scope="module")
def refused() -> dict[str, list[str]]:
    """Run every wrong call as a user would, without the type checks that tests add."""
    done = subprocess.run([sys.executable, REFUSALS], capture_output=True, text=True, check=True)
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("what", sorted(told_of(REFUSALS)))
def test_wrong_types_and_units_are_refused_with_what_to_do(refused: dict[str, list[str]], what: str) -> None:
    kind, message = refused[what]
    assert issubclass(getattr(errors, kind, int), EutoniaError), kind
    for words in told_of(REFUSALS)[what]:
        assert words in message, message


# --- one code path ---


@pytest.mark.parametrize(
    ("command", "home", "verb"),
    [
        (("pump", "first_pump"), "eutonia.api.pump", "program"),
        (("segment",), "eutonia.api.segment", "examine_segment"),
        (("run", "loubser_1991"), "eutonia.api.study", "run"),
        (("power", "parallel_tablets"), "eutonia.api.power", "power"),
        (("sweep", "loubser_1991", "--over", "population.n=9"), "eutonia.api.sweep", "swept"),
        (("fit-stretch", "{trace}", "--test", "pendulum"), "eutonia.api.fit", "fit"),
        (("examine", "case_haemorrhage_pump"), "eutonia.trial.examine_case", "examine_case"),
    ],
)
def test_a_command_calls_its_twin(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: tuple[str, ...], home: str, verb: str
) -> None:
    trace = tmp_path / "trace.csv"
    rows = "\n".join(f"{k / 100:.2f},{90 - 90 * np.exp(-k / 80) * np.cos(k / 15):.2f}" for k in range(400))
    trace.write_text(f"# weight = 71 kg\n# height = 175 cm\ntime_s,angle_deg\n{rows}\n")

    def called(*_: object, **__: object) -> None:
        raise EutoniaError("the twin was called")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(importlib.import_module(home), verb, called)
    done = CliRunner().invoke(app, [word.replace("{trace}", str(trace)) for word in command])
    assert str(done.exception) == "the twin was called"
