"""`eutonia power`, `eutonia sweep` and their twins: the size is that of a closed form, points are what `run` gives."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.optimize import brentq
from scipy.stats import nct, t

import eutonia
from eutonia.api import power as verb
from eutonia.errors import StudyError, unknown
from eutonia.report import operating
from eutonia.statistics.sample_size import fitted
from eutonia.trial.power import search

pytestmark = pytest.mark.xdist_group("slow clock")

Run = Callable[..., int]

TEXT = """
[study]
name = "small"
title = "A bolus against saline, for tests"
kind = "trial"
seed = 5

[population]
n = 8
pool = 512
origin = "spinal"
lesions = "cord lesions"
women = 0.5
age = { mean = "45 year", sd = "11 year", min = "18 year", max = "75 year" }
weight = { mean = "70 kg", sd = "12 kg", min = "45 kg", max = "110 kg" }
creatinine_clearance = { mean = "100 mL/min", sd = "20 mL/min", min = "50 mL/min", max = "150 mL/min" }
time_since_onset = { mean = "9 year", sd = "5 year", min = "1 year", max = "30 year" }

[assessment]
side = "both"
limbs = ["leg"]
scales = ["ashworth"]
rater = "human"

[[phase]]
name = "bolus"
design = "parallel"
masking = "double blind"
visits = ["0 hour", "4 hour"]
nonspecific = false
dropout = false

[[phase.arm]]
name = "saline"
placebo = true

[[phase.arm]]
name = "baclofen"

[[phase.arm.treatment]]
product = "Lioresal Intrathecal"
route = "intrathecal bolus"
dose = "25 ug"
at = "0 hour"
access = "lumbar puncture"

[analysis]
[[analysis.endpoint]]
name = "tone"
scale = "ashworth"
limb = "leg"
measure = "change"
estimand = "hypothetical"
method = "ANCOVA"
"""
DOSE = "phase.bolus.arm.baclofen.treatment.0.dose"


def t_test_power(people: float, effect: float) -> float:
    """The power of a two-sided t test of two arms, in closed form."""
    df, shift = people - 2, effect * math.sqrt(people / 4)
    cut = t.ppf(0.975, df)
    return float(nct.sf(cut, df, shift) + nct.cdf(-cut, df, shift))


def test_the_curve_through_known_powers_gives_the_textbook_size_and_covers_it() -> None:
    """Half a standard deviation at 90 % needs 2 x 85.03 people (Cohen 1988, table 2.4.1: 85 an arm)."""
    sizes, trials = [80, 120, 200], 4000
    hits = [round(trials * t_test_power(n, 0.5)) for n in sizes]
    curve = fitted(sizes, hits, trials, 0.05, 0.9)
    assert curve.size(0.9) == pytest.approx(170.06, abs=1.0)
    one = fitted([120], [hits[1]], trials, 0.05, 0.9)
    assert one.size(0.9) == pytest.approx(170.06, abs=3.0)
    luck, inside = np.random.default_rng(3), 0
    for _ in range(400):
        drawn = [int(luck.binomial(400, t_test_power(n, 0.5))) for n in sizes]
        low, high = fitted(sizes, drawn, 400, 0.05, 0.9).interval(0.9)
        inside += low <= 170.06 <= high
    assert inside / 400 == pytest.approx(0.95, abs=0.04)


def pretended(effect: float) -> Callable[..., Any]:
    """Stand for `run`: of each size the share of trials that a t test of this effect gives."""

    def run(study: Any, replicates: int) -> Any:
        found = t_test_power(study.population.n, effect)
        table = pl.DataFrame(
            {
                "endpoint": ["tone"],
                "trials": [replicates],
                "rejected": [round(found * replicates) / replicates],
                "rejected_error": [math.sqrt(found * (1 - found) / replicates)],
                "estimate": [-effect],
                "truth": [-effect],
                "unit": ["grade"],
            }
        )
        return SimpleNamespace(analysed=SimpleNamespace(characteristics=table), run={})

    return run


@pytest.mark.parametrize("effect", [0.3, 0.5, 1.5])
def test_the_search_ends_at_the_closed_form_from_far_away(effect: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verb, "run", pretended(effect))
    found = eutonia.power(eutonia.parse_study(TEXT).override(n=40), 0.8, replicates=2000)
    wanted = brentq(lambda n: t_test_power(n, effect) - 0.8, 4, 120 / effect**2)
    assert found.low <= wanted <= found.high
    assert found.people == pytest.approx(2 * math.ceil(wanted / 2), rel=0.03, abs=2)
    assert found.allocation == (("saline", found.people // 2), ("baclofen", found.people // 2))
    assert found.table.height <= 6
    assert f"{found.people} people" in str(found)


def test_the_search_goes_on_while_the_curve_has_no_upper_end() -> None:
    """Two sizes near each other and few trials: the slope is not sure, and "0 or more" was the answer."""
    asked: list[int] = []

    def look(people: int) -> dict[str, Any]:
        asked.append(people)
        return {"people": people, "trials": 100, "rejected": 0.85 if people <= 100 else 0.88}

    search(eutonia.parse_study(TEXT).override(n=100), 0.9, 0.05, 100, look)
    assert len(asked) > 2


@pytest.mark.parametrize(
    ("table", "effect", "target", "fewest"),
    [
        ("interim]\nlooks = [0.5, 0.75]", 2.5, 0.5, 8),
        ("reestimation]\nat = 0.2\ndifference = 1.0", 1.2, 0.3, 18),
        ("response_adaptive]\nlooks = [0.25, 0.5]\nleast_share = 0.2", 2.5, 0.5, 14),
    ],
)
def test_the_search_stays_where_the_looks_can_be_made(
    table: str, effect: float, target: float, fewest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four people would find so large an effect, but allow no look: the answer is the fewest who do."""
    monkeypatch.setattr(verb, "run", pretended(effect))
    study = eutonia.parse_study(TEXT.replace("n = 8", "n = 40").replace("[analysis]", f"[analysis]\n[analysis.{table}"))
    found = eutonia.power(study, target, replicates=400)
    assert found.people == found.table["people"].min() == fewest


def test_sizes_are_whole_blocks_of_the_randomisation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole ratios alone leave the last block unfilled, and the arms apart."""
    monkeypatch.setattr(verb, "run", pretended(1.0))
    text = TEXT.replace("[[phase.arm]]", "[phase.randomisation]\nblock = 12\n[[phase.arm]]", 1)
    found = eutonia.power(eutonia.parse_study(text).override(n=40), 0.8, replicates=400)
    assert {people % 12 for people in (found.people, *found.table["people"])} == {0}
    assert [n for _, n in found.allocation] == [found.people // 2] * 2


def test_a_size_that_is_not_to_be_had_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    small = eutonia.parse_study(TEXT)
    monkeypatch.setattr(verb, "run", pretended(0.0))
    with pytest.raises(StudyError, match=r"no size up to .* reaches 90 %.*Nearest: a larger dose"):
        eutonia.power(small)
    for given, said in (
        ({"target": 90.0}, "Nearest: 0.9"),
        ({"target": 1.5}, "Nearest: 0.999"),
        ({"endpoint": "tome"}, "Nearest: tone"),
        ({"replicates": 10}, "40 or more"),
    ):
        with pytest.raises(StudyError, match=said):
            eutonia.power(small, **given)
    with pytest.raises(StudyError, match="says no analysis"):
        eutonia.power(eutonia.load_study("meythaler_2001"))
    assert unknown("endpoint", "x", ["tone, change", "tone"]).endswith('Allowed: tone, "tone, change".')


def test_a_sweep_and_a_size_are_what_run_gives_and_are_written_as_pages(
    run: Run, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "small.toml").write_text(TEXT, encoding="utf-8")
    over = "dose=25 ug,50 ug"
    assert run("sweep", "small.toml", "--over", over, "--replicates", "40", "--out", "swept") == 0
    said = capsys.readouterr().out
    table, rates = (pl.read_parquet(folder / "swept" / f"{name}.parquet") for name in ("sweep", "characteristics"))
    given = eutonia.load_study(str(folder / "small.toml"))
    point = eutonia.run(given.replace({DOSE: "50 ug"}).override(parameters="frozen"), replicates=40)
    assert table.filter(pl.col(DOSE) == "50 ug").drop(DOSE).equals(point.frame())
    assert point.analysed is not None
    assert rates.filter(pl.col(DOSE) == "50 ug").drop(DOSE).equals(point.analysed.characteristics)
    power_50 = float(point.analysed.characteristics["rejected"][0])
    assert f"{100 * power_50:.0f} % (Monte Carlo error" in said
    page = (folder / "swept" / "report.html").read_text(encoding="utf-8")
    assert "25 mcg" in page
    sure = page.partition("<dt>How sure</dt>")[2].partition("</dd>")[0]
    assert "Numbers are held at their records" in sure, "a run of the same study draws them, and has other intervals"
    assert page.count('role="img"') == 1
    assert json.loads((folder / "swept" / "run.json").read_text())["command"].startswith("eutonia sweep small.toml")

    assert run("power", "small.toml", "--target", "0.8", "--replicates", "40", "--out", "sized") == 0
    found = pl.read_parquet(folder / "sized" / "power.parquet")
    record = json.loads((folder / "sized" / "run.json").read_text())
    first = found.filter(pl.col("people") == 8)
    again = eutonia.run(given.override(parameters="frozen"), replicates=40)
    assert again.analysed is not None
    assert first["power"].to_list() == again.analysed.characteristics["rejected"].to_list()
    assert record["low"] <= record["people"]
    assert f"{record['people']} people" in (folder / "sized" / "report.html").read_text(encoding="utf-8")


def test_a_field_is_named_by_as_much_of_its_path_as_tells_it(
    run: Run, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "small.toml").write_text(TEXT, encoding="utf-8")
    for over, said in (
        ("name=a,b", 'fields "name". Allowed: one of'),
        ("does=1", 'no field "does". Allowed: a path as in the file. Nearest: dose'),
        ("dose", "values with commas"),
        ("dose=10 mg", "10 mg"),
        ("population.m=3", "no such key here"),
    ):
        assert run("sweep", "small.toml", "--over", over, "--replicates", "1") == 2, over
        assert said in capsys.readouterr().err, over
    assert not (folder / "results").exists()
    with pytest.raises(StudyError, match="says no analysis"):
        eutonia.sweep(eutonia.load_study("meythaler_2001"), {"population.n": [3]}, characteristics=True)


def test_a_sweep_draws_as_many_lines_as_it_has_looks_for() -> None:
    lines = [(f"arm {k}", [1.0, 2.0], [0.1, 0.2]) for k in range(operating._MOST_LINES)]
    drawn = operating._sweep_drawing(["n 20", "n 24"], lines, "Leg Ashworth", share=False)
    assert all(f"arm {k}" in drawn.wide for k in range(operating._MOST_LINES))
