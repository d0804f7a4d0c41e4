"""What comes from outside the package, by registration alone: in schema, study and report, with its source."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import outside_policy
import outside_scale
import outside_treatment
import polars as pl
import pytest
from study_examples import BOLUS_ARM, STROKE

import eutonia
from eutonia.assessment.scales import SCALES
from eutonia.study.design import json_schema, parse_study
from eutonia.study.policies import POLICIES
from eutonia.study.treatments import TREATMENTS
from eutonia.treatment import Effects

pytestmark = pytest.mark.xdist_group("slow clock")

LONGEST = 40

STUDY = (
    '[study]\nname = "outside"\ntitle = "What others bring"\nkind = "trial"\nseed = 4\n'
    "[population]\nn = 12\npool = 512\n"
    + STROKE
    + """
[assessment]
side = "affected"
limbs = ["leg", "arm"]
scales = ["ashworth"]
rater = "human"
[[phase]]
name = "only"
design = "parallel"
masking = "open"
visits = ["0 hour", "1 hour", "4 hour"]
nonspecific = false
dropout = false
[[phase.arm]]
name = "nothing"
placebo = true
"""
    + BOLUS_ARM.format(name="bolus", placebo="false")
)


@pytest.fixture
def felt() -> Iterator[str]:
    SCALES.register(outside_scale.FELT_STIFFNESS)
    yield "felt_stiffness"
    SCALES.remove("felt_stiffness")


def length(module: object) -> int:
    return len(Path(str(module.__file__)).read_text(encoding="utf-8").splitlines())  # type: ignore[attr-defined]


def test_a_scale_from_outside_is_in_the_schema_runs_is_reported_and_cites(felt: str, tmp_path: Path) -> None:
    assert length(outside_scale) <= LONGEST
    assert felt in json.dumps(json_schema())
    study = parse_study(STUDY.replace('["ashworth"]', f'["ashworth", "{felt}"]'))
    result = eutonia.run(study, replicates=2)
    scores = result.visits.filter(pl.col("scale") == felt)
    assert set(scores["limb"].unique()) == {"leg", "arm"}
    assert scores["score"].is_between(0, 10).all()
    assert felt in result.course
    assert result.course[felt].attrs == {"units": "points", "long_name": "Felt stiffness"}
    row = next(q for q in result.quantities if q.scale == felt)
    assert row.unit == "points"
    eutonia.write(result, tmp_path / "out")
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "Leg felt stiffness, points" in page
    run = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    assert any("A journal of scales" in json.dumps(source) for source in run["sources"])


def test_a_scale_from_outside_changes_nobody_elses_score(felt: str) -> None:
    """Its raters' luck is its own: what the other scales score stays as it was, bit by bit."""
    with_it = eutonia.run(parse_study(STUDY.replace('["ashworth"]', f'["ashworth", "{felt}"]')), replicates=2)
    SCALES.remove(felt)
    without = eutonia.run(parse_study(STUDY), replicates=2)
    old = with_it.visits.filter(pl.col("scale") == "ashworth")["score"].to_numpy()
    np.testing.assert_array_equal(old, without.visits["score"].to_numpy())


def test_a_scale_from_outside_can_be_charted_and_gone_by(felt: str) -> None:
    text = STUDY.replace('["ashworth"]', f'["{felt}"]') + f'\n[endpoint]\nscale = "{felt}"\nlimb = "leg"\n'
    assert parse_study(text).endpoint.scale == felt  # type: ignore[union-attr]
    with pytest.raises(eutonia.EutoniaError, match="0 to 10"):
        parse_study(text + "improvement = 11.0\n")


def test_a_name_that_is_taken_is_refused() -> None:
    twin = outside_scale.FELT_STIFFNESS.__class__(
        **{name: getattr(outside_scale.FELT_STIFFNESS, name) for name in outside_scale.FELT_STIFFNESS.__slots__}
        | {"key": "pain"}
    )
    with pytest.raises(eutonia.EutoniaError, match="already"):
        SCALES.register(twin)


def installed(folder: Path, group: str, point: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Offer something as pip leaves it: a folder NAME.dist-info with entry_points.txt on the path."""
    about = folder / "others-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: others\nVersion: 1.0\n", encoding="utf-8")
    (about / "entry_points.txt").write_text(f"[{group}]\n{point}\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(folder))


def test_an_installed_package_offers_a_scale_by_an_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(tmp_path, "eutonia.scales", "felt = outside_scale:FELT_STIFFNESS", monkeypatch)
    monkeypatch.setattr(SCALES, "_is_loaded", False)
    try:
        assert SCALES["felt_stiffness"] is outside_scale.FELT_STIFFNESS
        assert list(SCALES)[-1] == "felt_stiffness"
    finally:
        SCALES.remove("felt_stiffness")


def test_a_package_may_offer_what_it_registers_itself_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its module registers while it is imported, and it is imported while the registry looks for what is offered."""
    (tmp_path / "of_both_ways.py").write_text(
        "from outside_policy import BySpasms as Ours\n"
        "from eutonia.study.policies import POLICIES\n"
        "BySpasms = POLICIES.register(Ours)\n",
        encoding="utf-8",
    )
    installed(tmp_path, "eutonia.policies", "both = of_both_ways:BySpasms", monkeypatch)
    monkeypatch.setattr(POLICIES, "_is_loaded", False)
    try:
        assert POLICIES["by spasms"] is outside_policy.BySpasms
    finally:
        POLICIES.remove("by spasms")


PUMP = """
[[phase]]
name = "only"
design = "single"
masking = "open"
visits = ["0 day", "1 day", "7 day"]
nonspecific = false
dropout = false
[[phase.arm]]
name = "pump"
[[phase.arm.treatment]]
product = "Lioresal Intrathecal"
route = "intrathecal infusion"
rate = "50 ug/day"
tip = "T10"
[phase.arm.titration]
policy = "by spasms"
share = 0.5
every = "1 day"
"""


@pytest.fixture
def by_spasms() -> Iterator[str]:
    POLICIES.register(outside_policy.BySpasms)
    yield "by spasms"
    POLICIES.remove("by spasms")


def pumped(more: str = "") -> str:
    head = STUDY[: STUDY.index("[[phase]]")].replace('["ashworth"]', '["ashworth", "spasm", "adverse"]')
    return head + PUMP + more


def test_a_policy_from_outside_is_in_the_schema_runs_is_reported_and_cites(by_spasms: str, tmp_path: Path) -> None:
    assert length(outside_policy) <= LONGEST
    assert by_spasms in json.dumps(json_schema())
    study = parse_study(pumped())
    result = eutonia.run(study, replicates=2)
    last = result.doses.sort("time_h")[-1]
    assert last["unit"].item() == "ug/day"
    assert 50.0 < last["mean"].item() <= 50.0 * 1.5**7
    eutonia.write(result, tmp_path / "out")
    run = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    assert any("A journal of doses" in json.dumps(source) for source in run["sources"])


def test_a_slip_in_a_table_from_outside_is_told_as_in_one_of_ours(by_spasms: str) -> None:
    with pytest.raises(eutonia.EutoniaError) as refused:
        parse_study(pumped().replace("share = 0.5", "sahre = 0.5"))
    said = str(refused.value)
    assert "titration.sahre" in said
    assert "Nearest: share" in said
    with pytest.raises(eutonia.EutoniaError, match="by spasms"):
        parse_study(pumped().replace('"by spasms"', '"by spasm"'))


def test_a_stop_rule_holds_the_dose_of_any_policy(by_spasms: str) -> None:
    """Enough is enough: whoever has fallen by a grade keeps the dose; without the rule it rises on."""
    rule = '[[phase.arm.titration.stop_rule]]\nsign = "enough"\nthen = "hold"\nscale = "ashworth"\nlimb = "leg"\n'
    free = eutonia.run(parse_study(pumped()), replicates=2)
    held = eutonia.run(parse_study(pumped(rule + "fall = 0.1\n")), replicates=2)
    last = [result.doses.sort("time_h")["mean"][-1] for result in (free, held)]
    assert last[1] < last[0]


def test_a_policy_from_outside_may_heed_a_stance_that_is_lost(by_spasms: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any stop rule: what the policy itself heeds is compared with the person before any dose too."""
    monkeypatch.setattr(outside_policy.BySpasms, "heeds", ("lost stance",))
    last = eutonia.run(parse_study(pumped()), replicates=2).doses.sort("time_h")["mean"][-1]
    assert 50.0 < last <= 50.0 * 1.5**7


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ('sign = "weakness"\nthen = "hold"', "label does not list"),
        ('sign = "drowsy"\nthen = "hold"', 'Nearest: "drowsiness"'),
        ('sign = "enough"\nthen = "hold"', "needs scale"),
        ('sign = "enough"\nthen = "lower"\nscale = "pain"\nfall = 1.0', "the dose is held"),
        ('sign = "loose leg"\nthen = "hold"\nscale = "pain"', "has no scale"),
        ('sign = "enough"\nthen = "hold"\nscale = "pain"\nfall = 1.0', 'Add "pain" to [assessment] scales'),
    ],
)
def test_a_stop_rule_that_cannot_be_heeded_is_refused(by_spasms: str, rule: str, says: str) -> None:
    with pytest.raises(eutonia.EutoniaError) as refused:
        parse_study(pumped(f"[[phase.arm.titration.stop_rule]]\n{rule}\n"))
    assert says in " ".join(str(refused.value).split())


COLD = """[[phase.arm]]
name = "cold"
[[phase.arm.treatment]]
route = "cold pack"
limb = "leg"
at = "1 hour"
"""


@pytest.fixture
def cold() -> Iterator[str]:
    TREATMENTS.register(outside_treatment.ColdPack)
    yield "cold pack"
    TREATMENTS.remove("cold pack")


def test_a_treatment_from_outside_is_in_the_schema_runs_is_reported_and_cites(cold: str, tmp_path: Path) -> None:
    assert length(outside_treatment) <= LONGEST
    assert cold in json.dumps(json_schema())
    head = STUDY[: STUDY.index('[[phase.arm]]\nname = "bolus"')]
    text = head.replace('["ashworth"]', '["ashworth", "h_reflex"]').replace('"human"', '"noiseless"')
    study = parse_study(text.replace('["0 hour", "1 hour", "4 hour"]', '["0 hour", "2 hour", "4 hour"]') + COLD)
    result = eutonia.run(study, replicates=2, potential_outcomes=True)
    both = pl.concat([result.visits, result.potential]).with_columns(pl.col(pl.Categorical).cast(pl.String))
    rows = both.filter((pl.col("scale") == "h_reflex") & (pl.col("item") == "mean"))
    table = rows.pivot(on="arm", index=["patient", "limb", "visit"], values="score")
    less = table["nothing"].to_numpy() - table["cold"].to_numpy()
    on = (table["visit"] == "2 hour").to_numpy() & (table["limb"] == "leg").to_numpy()
    # While it is on, everybody's leg has less; never before, never after, and never the arm.
    assert np.all(less[on] > 0)
    np.testing.assert_array_equal(less[~on], 0.0)
    # The course is of the arm with the pack: the bias that is left is lower by what it takes, for two hours.
    taken = (result.course["untreated_bias"] - result.course["bias"]).sel(limb="leg")
    now = (taken["time_h"] >= 1.0) & (taken["time_h"] < 3.0)
    np.testing.assert_allclose(taken.where(now, drop=True), outside_treatment.TAKEN_MV, atol=1e-12)
    np.testing.assert_allclose(taken.where(~now, drop=True), 0.0, atol=1e-12)
    eutonia.write(result, tmp_path / "out")
    assert "cold" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    run = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    assert any("A journal of cold" in json.dumps(source) for source in run["sources"])


def test_two_treatments_whose_state_is_an_array_are_given_together(cold: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def effects(self: outside_treatment.ColdPack, state: np.ndarray, is_given: bool) -> Effects:
        return Effects.on(len(state), self.limb, bias_taken=outside_treatment.TAKEN_MV * is_given)

    monkeypatch.setattr(outside_treatment.ColdPack, "begin", lambda self, n_patients: np.zeros(n_patients))
    monkeypatch.setattr(outside_treatment.ColdPack, "effects", effects)
    head = STUDY[: STUDY.index('[[phase.arm]]\nname = "bolus"')]
    second = COLD[COLD.index("[[phase.arm.treatment]]") :].replace('"leg"', '"arm"')
    result = eutonia.run(parse_study(head + COLD + second), replicates=2)
    taken = (result.course["untreated_bias"] - result.course["bias"]).sel(time_h=2.0)
    np.testing.assert_allclose(taken, outside_treatment.TAKEN_MV, atol=1e-12)


def test_a_sham_of_a_treatment_from_outside_does_nothing(cold: str) -> None:
    head = STUDY[: STUDY.index('[[phase.arm]]\nname = "bolus"')].replace('"human"', '"noiseless"')
    sham = COLD.replace('"cold"\n', '"sham"\nplacebo = true\n')
    result = eutonia.run(parse_study(head + sham), replicates=2)
    assert float((result.course["untreated_bias"] - result.course["bias"]).max()) == 0.0
