"""A phase that nobody enters, and other means over nobody: told as such, on file, page and screen."""

from __future__ import annotations

import json
import re
import warnings
from pathlib import Path

import pytest
from study_examples import STROKE
from typer.testing import CliRunner

import eutonia
from eutonia.cli.app import app
from eutonia.study.design import parse_study
from eutonia.trial import parameter_draws

pytestmark = [pytest.mark.interfaces, pytest.mark.xdist_group("slow clock")]

HEAD = (
    '[study]\nname = "nobody"\ntitle = "A gate that nobody passes"\nkind = "trial"\nseed = 7\n'
    + "[population]\nn = 4\npool = 512\n"
    + STROKE
    + '[assessment]\nside = "affected"\nlimbs = ["leg"]\nscales = ["ashworth", "stance_support", "adverse"]\n'
    + 'rater = "noiseless"\n'
)
PHASE = """
[[phase]]
name = "{name}"
design = "{design}"
masking = "open"
visits = ["0 day", "2 day"]
nonspecific = false
dropout = true
{follows}
"""
DRUG = """
[[phase.arm]]
name = "{name}"
[[phase.arm.treatment]]
product = "baclofen tablets"
route = "oral"
dose = "10 mg"
every = "8 hour"
"""
GATE = """
[phase.gate]
need = "any"
[[phase.gate.rule]]
arm = "drug"
scale = "ashworth"
limb = "leg"
fall = 4.0
"""
FIRST = PHASE.format(name="first", design="single", follows="") + DRUG.format(name="drug") + GATE
LATER = (
    PHASE.format(name="later", design="parallel", follows='follows = "first"')
    + DRUG.format(name="more")
    + '[[phase.arm]]\nname = "none"\nplacebo = true\n'
)
SCORE = 'scale = "ashworth"\nlimb = "leg"\nvisit = "2 day"\narm = "more"\n'
DOSE = 'unit = "mg/day"\nvisit = "2 day"\narm = "more"\n'
ROWS = {
    "mean": SCORE,
    "sd": SCORE,
    "change from baseline": SCORE,
    "difference between arms": f'{SCORE}against = "none"\n',
    "ratio": f'{SCORE}against = "none"\n',
    "fraction removed": SCORE,
    "share with a fall": f"{SCORE}fall = 1.0\n",
    "share lost": SCORE,
    "share with a reaction": 'arm = "more"\nreaction = "drowsiness"\n',
    "share entered": "",
    "dose": DOSE,
    "lowest dose": DOSE,
    "highest dose": DOSE,
}
PUBLISHED = "".join(
    f'[[published]]\nphase = "later"\nstatistic = "{statistic}"\nvalue = 1.0\nn = 10\nsource = "A trial"\n'
    f'status = "recalled"\n{keys}'
    for statistic, keys in ROWS.items()
)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("nobody")
    (folder / "nobody.toml").write_text(HEAD + FIRST + LATER + PUBLISHED, encoding="utf-8")
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(parameter_draws, "DRAWS", 2)
        warnings.simplefilter("error", RuntimeWarning)
        command = ["run", str(folder / "nobody.toml"), "--replicates", "40", "--out", str(folder / "out"), "--csv"]
        found = CliRunner().invoke(app, command)
    assert found.exit_code == 0, found.output
    return folder / "out", found.output


def test_a_phase_that_nobody_enters_is_told_and_everything_is_written(told: tuple[Path, str]) -> None:
    folder, screen = told
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    stages = {row["stage"]: row["number"] for row in summary["consort"]}
    assert stages["Nobody entered later"] == 0.0
    assert stages["Gate after first"] > 0.0
    assert not any("Completed later" in stage for stage in stages)
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "Nobody entered later" in page
    assert not re.search(r"\bnan\b", page, re.IGNORECASE)
    assert not re.search(r"\bnan\b", screen, re.IGNORECASE)
    assert {"patients.csv", "visits.parquet"} <= {path.name for path in folder.iterdir()}


def test_no_published_number_is_judged_by_nobody(told: tuple[Path, str]) -> None:
    folder, screen = told
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    rows = {row["statistic"]: row for row in summary["quantities"] if row["published"] is not None}
    assert set(rows) == set(ROWS)
    for statistic, row in rows.items():
        if statistic == "share entered":
            assert row["mean"] == 0.0
            assert row["grade"] == "does not"
            continue
        assert row["mean"] is None, statistic
        assert row["grade"] is None, statistic
        assert row["agreement"] == "no verdict: nobody entered", statistic
    assert sum(summary["grades"].values()) == 1
    assert f"{len(ROWS) - 1} without a verdict: nobody entered" in summary["headline"]
    assert "0 of 1 published" in " ".join(screen.split())


def test_whoever_has_left_the_trial_does_not_come_back_in_a_later_phase() -> None:
    """A phase that follows no gate took in everybody, whoever had left before."""
    year = PHASE.replace('"2 day"', '"365 day"')
    nothing = '[[phase.arm]]\nname = "none"\nplacebo = true\n'
    phases = [year.format(name=name, design="single", follows="") + nothing for name in ("first", "later")]
    text = HEAD.replace("n = 4", "n = 200").replace(', "stance_support", "adverse"', "") + "".join(phases)
    visits = eutonia.run(parse_study(text), replicates=1).visits.drop_nulls("score")
    seen = {(phase, visit): set(part["patient"]) for (phase, visit), part in visits.group_by(["phase", "visit"])}
    stayed = seen["first", "365 day"]
    assert 0 < len(stayed) < len(seen["first", "0 day"]) == 200
    assert seen["later", "0 day"] == stayed
