"""The design of a study: what its parts hold, in which units, and that nothing in it can change."""

from __future__ import annotations

import hashlib
import pickle
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from eutonia import parameters
from eutonia.errors import StudyError
from eutonia.study import studyfile, vocabulary
from eutonia.study.design import CaseStudy, TrialStudy, json_schema, load_study, parse_study, shipped
from eutonia.study.fields import Given
from eutonia.study.parts import BolusTreatment, InfusionTreatment, OralTreatment
from eutonia.study.pump_file import PumpFile
from eutonia.study.titration import LabelTitration, LadderTitration, OralTitration, ReliefTitration, StopTitration
from eutonia.trial.caveats import caveats

pytestmark = pytest.mark.unit

PARALLEL = (Path(__file__).parents[1] / "interfaces" / "parallel_tablets.toml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def trial() -> TrialStudy:
    study = load_study("meythaler_2001")
    assert isinstance(study, TrialStudy)
    return study


@pytest.fixture(scope="module")
def case() -> CaseStudy:
    study = load_study("case_haemorrhage_pump")
    assert isinstance(study, CaseStudy)
    return study


def parallel(*edits: tuple[str, str]) -> TrialStudy:
    text = PARALLEL
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    study = parse_study(text)
    assert isinstance(study, TrialStudy)
    return study


def test_every_study_that_is_meant_to_ships() -> None:
    cases = {
        "case_alcohol",
        "case_autism",
        "case_child",
        "case_overdose",
        "case_cord_flex",
        "case_haemorrhage_pump",
        "case_ischaemic_pump",
        "case_ischaemic_tablets",
        "case_own_lesion_mask",
        "case_own_signal",
        "case_parkinson",
        "case_stop_or_taper",
        "case_tablets_toxin",
        "case_year_plan",
    }
    trials = {"meythaler_2001", "kofler_2009", "loubser_1991", "parallel_tablets", "toxin_arm"}
    trials |= {"pump_against_conventional", "dose_finding_bolus", "group_sequential_toxin", "n_of_1_tablets"}
    trials |= {"factorial_toxin_stretching", "response_adaptive_toxin"}
    assert set(shipped()) == trials | cases
    for name, path in shipped().items():
        study = load_study(name)
        assert study.name == name
        assert study.path == path
        assert study.digest == hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_bolus_phase(trial: TrialStudy) -> None:
    phase = trial.phase("bolus")
    assert (phase.design, phase.masking, phase.nonspecific, phase.dropout) == (
        "crossover",
        "double blind",
        False,
        False,
    )
    assert phase.visits_h == (0.0, 2.0, 4.0, 6.0)
    assert [visit.text for visit in phase.visits_h] == ["0 hour", "2 hour", "4 hour", "6 hour"]
    assert phase.washout_h == 48.0
    assert phase.follows is None
    active, sham = phase.arms
    (bolus,) = active.treatments
    assert isinstance(bolus, BolusTreatment)
    assert (bolus.dose_ug, bolus.at_h, bolus.access, bolus.tip) == (50.0, 0.0, "lumbar puncture", None)
    assert (active.placebo, sham.placebo, active.allocation) == (False, True, 1)
    assert phase.gate is not None
    assert phase.gate.need == "any"
    assert [(rule.arm, rule.scale, rule.fall, rule.over) for rule in phase.gate.rules] == [
        ("baclofen", "ashworth", 2.0, "spastic muscles"),
        ("baclofen", "spasm", 2.0, "limb mean"),
    ]


def test_the_pump_phase(trial: TrialStudy) -> None:
    phase = trial.phase("pump")
    assert phase.follows == "bolus"
    assert phase.visits_h[-1] == pytest.approx(8766.0)
    arm = phase.arm("pump")
    (infusion,) = arm.treatments
    assert isinstance(infusion, InfusionTreatment)
    assert infusion.rate_ug_per_h is None
    titration = arm.titration
    assert isinstance(titration, LabelTitration)
    assert titration.start == "twice screening"
    assert titration.begins_with == "twice screening"
    assert titration.max_ug_per_h == pytest.approx(1000 / 24)
    assert titration.every_h == 21 * 24
    assert titration.target.below_screening == 0.15


def test_the_population(trial: TrialStudy) -> None:
    people = trial.population
    assert (people.n, people.origin, people.lesions) == (21, "stroke", "stroke survivors")
    assert parallel().population.pool == 16_384
    assert people.time_since_onset_h is not None
    assert people.time_since_onset_h.low == pytest.approx(6 * 730.5)
    assert people.creatinine_clearance_ml_per_min.mean == 85.0
    assert len(people.baselines) == 6


def test_published_rows_keep_their_status(trial: TrialStudy) -> None:
    rows = trial.published
    assert len(rows) == 18
    dose = next(row for row in rows if row.is_dose)
    assert (dose.value, dose.unit, dose.status, dose.n) == (268.0, "ug/day", "verified", 17)
    shares = [row for row in rows if row.statistic == "share entered"]
    assert [(row.phase, row.arm, row.visit_h, row.status) for row in shares] == [("pump", None, None, "derived")]
    assert {row.source for row in rows} == {"Meythaler_2001"}


def test_published_means_and_fractions_agree(trial: TrialStudy) -> None:
    """The derived fractions are arithmetic on the rows that stand beside them."""
    means = {
        (row.phase, row.limb): row for row in trial.published if row.statistic == "mean" and row.scale == "ashworth"
    }
    for row in trial.published:
        if row.statistic == "fraction removed":
            mean = means[row.phase, row.limb]
            assert mean.baseline is not None
            assert row.value == pytest.approx((mean.baseline - mean.value) / (mean.baseline - 1), abs=0.006)


def test_to_relief() -> None:
    study = load_study("kofler_2009")
    assert isinstance(study, TrialStudy)
    titration = study.phases[0].arms[0].titration
    assert isinstance(titration, ReliefTitration)
    assert titration.start_ug_per_h == pytest.approx(50 / 24)
    assert titration.step_ug_per_h == pytest.approx(25 / 24)
    assert {row.statistic for row in study.published} == {
        "dose", "lowest dose", "highest dose", "share lost", "share entered",
    }  # fmt: skip


def test_a_parallel_trial_by_mouth() -> None:
    """Two arms side by side, another origin, another route: nothing is made for the studies that ship."""
    study = parallel()
    placebo, active = study.phases[0].arms
    assert placebo.placebo
    assert placebo.treatments == ()
    assert active.allocation == 2
    (tablets,) = active.treatments
    assert isinstance(tablets, OralTreatment)
    assert (tablets.dose_mg, tablets.every_h, tablets.start_h, tablets.stop_h) == (20.0, 8.0, 0.0, None)
    assert study.population.origin == "spinal"


def test_titration_by_mouth_and_stop() -> None:
    oral = '\n[phase.arm.titration]\npolicy = "oral label"\nstep = "5 mg"\nmax = "20 mg"\nevery = "3 day"\n'
    titration = parallel(('dose = "20 mg"\n', 'dose = "5 mg"\n'), ('every = "8 hour"\n', f'every = "8 hour"\n{oral}'))
    found = titration.phases[0].arms[1].titration
    assert isinstance(found, OralTitration)
    assert (found.step_mg, found.max_mg, found.every_h, found.target) == (5.0, 20.0, 72.0, None)
    stop = '\n[phase.arm.titration]\npolicy = "stop"\nat = "4 week"\nover = "0 hour"\n'
    stopped = parallel(('every = "8 hour"\n', f'every = "8 hour"\n{stop}')).phases[0].arms[1].titration
    assert isinstance(stopped, StopTitration)
    assert (stopped.at_h, stopped.over_h) == (672.0, 0.0)
    for over, told in (("0 hour", "at once"), ("2 day", "over 2 day"), ("14 day", "")):
        study = parallel(('every = "8 hour"\n', f'every = "8 hour"\n{stop.replace("0 hour", over)}'))
        said = [one for one in caveats(study) if "takes the drug away" in one]
        assert [f"takes the drug away {told}: labels have it tapered" in one for one in said] == [True] * bool(told)


def test_a_screening_ladder(trial: TrialStudy) -> None:
    ladder = (
        'access = "lumbar puncture"\n\n[phase.arm.titration]\npolicy = "screening ladder"\n'
        'doses = ["50 ug", "75 ug", "100 ug"]\nevery = "24 hour"\n'
        'response = { scale = "ashworth", limb = "leg", fall = 1 }\n'
    )
    text = trial.text.replace('"6 hour"]', '"6 hour", "56 hour"]', 1)
    study = parse_study(text.replace('access = "lumbar puncture"\n', ladder, 1))
    assert isinstance(study, TrialStudy)
    titration = study.phases[0].arms[0].titration
    assert isinstance(titration, LadderTitration)
    assert titration.doses_ug == (50.0, 75.0, 100.0)
    assert titration.response.fall == 1.0


def test_a_case_comes_in_the_order_of_time(case: CaseStudy) -> None:
    times = [event.at_h for event in case.events]
    assert times == sorted(times)
    shuffled = parse_study(case.text.replace('at = "244 day"', 'at = "700 day"'))
    assert isinstance(shuffled, CaseStudy)
    assert [event.kind for event in shuffled.events][-2:] == ["bolus", "refill"]
    assert shuffled.events_as_written[0].kind == "bolus"
    assert case.pump is not None
    assert (case.pump.reservoir_ml, case.pump.concentration_ug_per_ml, case.pump.alarm_volume_ml) == (20.0, 500.0, 2.0)
    assert case.lesion.site == "putaminal"
    assert case.lesion.volume_ml == 30.0
    assert case.patient.side == "left"
    assert case.case.duration_h == pytest.approx(24 * 730.5)


def test_the_pump_of_the_case_runs_dry_when_the_comment_says_so(case: CaseStudy) -> None:
    """What the refill of day 449 leaves lasts to day 499; every other interval ends before the reservoir does."""
    assert case.pump is not None
    full = case.pump.reservoir_ml * case.pump.concentration_ug_per_ml
    left, rate, now, dry_at = full, 0.0, 0.0, None
    for event in case.events:
        if rate and left - rate * (event.at_h - now) < 0 and dry_at is None:
            dry_at = now + left / rate
        left, now = left - rate * (event.at_h - now), event.at_h
        if event.kind == "refill":
            left = full
        if event.kind == "infusion":
            rate = event.rate_ug_per_h
    assert dry_at is not None
    assert dry_at / 24 == pytest.approx(499.0)


def test_tablets_of_the_case_go_up_and_down() -> None:
    study = load_study("case_ischaemic_tablets")
    assert isinstance(study, CaseStudy)
    doses = [(event.dose_mg, event.every_h) for event in study.events if event.kind == "tablets"]
    assert doses == [(5, 8), (10, 8), (15, 8), (20, 8), (15, 8), (10, 8), (10, 12)]
    kidneys = [event.value_ml_per_min for event in study.events if event.kind == "creatinine clearance"]
    assert kidneys == [60.0, 30.0]


def test_nothing_can_be_changed(trial: TrialStudy) -> None:
    with pytest.raises(ValidationError):
        trial.population.n = 3  # type: ignore[misc]


def test_an_override_is_checked_and_keeps_the_digest(trial: TrialStudy, case: CaseStudy) -> None:
    larger = trial.override(n=1_000_000, seed=5, pool=32_768)
    assert (larger.population.n, larger.seed, larger.population.pool) == (1_000_000, 5, 32_768)
    assert larger.phases == trial.phases
    assert larger.published == trial.published
    assert (larger.digest, larger.path) == (trial.digest, trial.path)
    assert trial.population.n == 21
    with pytest.raises(StudyError, match="at least 1"):
        trial.override(n=0)
    with pytest.raises(StudyError, match="A case has no population"):
        case.override(n=5)
    assert case.override(seed=9).seed == 9


def test_a_quantity_is_a_number_that_remembers_its_text() -> None:
    given = Given(48.0, "2 day")
    assert given * 2 == 96.0
    assert (given.text, f"{given:.1f}") == ("2 day", "48.0")
    copy = pickle.loads(pickle.dumps(given))
    assert (copy, copy.text, type(copy)) == (48.0, "2 day", Given)


def test_a_study_survives_pickle(trial: TrialStudy) -> None:
    copy = pickle.loads(pickle.dumps(trial))
    assert copy == trial
    assert copy.digest == trial.digest
    assert copy.phases[0].visits_h[1].text == "2 hour"


def test_the_same_text_has_the_same_digest_and_another_has_another(trial: TrialStudy) -> None:
    assert parse_study(trial.text).digest == trial.digest
    assert parse_study(trial.text + "# x\n").digest != trial.digest
    assert parse_study(trial.text).path is None


def test_every_field_of_the_schema_is_described() -> None:
    schema = json_schema()
    assert {"anyOf", "$defs", "$schema"} <= set(schema)
    tables: list[dict[str, Any]] = [*schema["anyOf"], *schema["$defs"].values()]
    for table in tables:
        assert table["additionalProperties"] is False
        assert table["description"]
        for key, entry in table["properties"].items():
            meant = schema["$defs"].get(entry.get("$ref", "").removeprefix("#/$defs/"), {})
            assert len(entry.get("description", meant.get("description", ""))) > 3, (table["title"], key)


def test_the_schema_knows_every_key_of_the_studies_that_ship() -> None:
    schema = json_schema()
    known = {key for table in [*schema["anyOf"], *schema["$defs"].values()] for key in table["properties"]}

    def keys(value: object) -> set[str]:
        if isinstance(value, dict):
            return set(value).union(*map(keys, value.values())) if value else set()
        return set().union(*map(keys, value)) if isinstance(value, list) else set()

    for path in shipped().values():
        assert keys(tomllib.loads(path.read_text(encoding="utf-8"))) <= known


def test_names_and_bounds_come_from_the_records() -> None:
    label, pump = parameters.load("label_dosing"), parameters.load("pump")
    assert vocabulary.largest_oral_dose().value == label.value("oral_highest_daily", "mg/day")
    assert vocabulary.largest_bolus().value == max(label["screening_ladder"].numbers)
    assert vocabulary.largest_rate().value == pytest.approx(label.value("highest_dose", "ug/day") / 24)
    assert vocabulary.largest_concentration().value == max(pump["concentrations"].numbers)
    assert vocabulary.pump_models() == ("Prometra II", "SynchroMed II")
    assert vocabulary.flows("SynchroMed II") == parameters.load("pump_synchromed_ii").values(
        flow_lowest="mL/day", flow_highest="mL/day"
    )
    assert set(vocabulary.products_for("oral")).isdisjoint(vocabulary.products_for("intrathecal bolus"))
    assert {*vocabulary.products_for("oral"), *vocabulary.products_for("intrathecal bolus")} == {
        product.name for product in parameters.products()
    }


def test_checking_a_file_is_no_use_of_a_number() -> None:
    with parameters.recording() as used:
        load_study("meythaler_2001")
    assert used.records() == ()


def test_an_alias_is_read_as_the_product_that_it_means(trial: TrialStudy) -> None:
    study = parse_study(trial.text.replace('"Lioresal Intrathecal"', '"Lioresal IT"'))
    assert isinstance(study, TrialStudy)
    assert study.phases[0].arms[0].treatments[0].product == "Lioresal Intrathecal"


def test_lines_are_found_through_every_turn_of_toml() -> None:
    text = (
        'a = 1\n[b]\nc.d = 2 # [x]\n"quoted key" = 3\nlist = [\n  1, # ]\n  2,\n]\n'
        "long = '''\n[not.a.table]\nx = 1\n'''\n"
        "[[e]]\nf = { g = 1 }\n[e.h]\n[[e.i]]\nj = 1\n[[e.i]]\nj = 2\n[[ e ]]\n[[e.i]]\nj = 3\n"
    )
    lines = studyfile.lines_of(text)
    assert lines["a",] == 1
    assert lines["b", "c", "d"] == 3
    assert lines["b", "quoted key"] == 4
    assert lines["b", "list"] == 5
    assert lines["b", "long"] == 9
    assert ("not", "a", "table") not in lines
    assert lines["e", 0, "f"] == 14
    assert lines["e", 0, "h"] == 15
    assert lines["e", 0, "i", 1, "j"] == 19
    assert lines["e", 1] == 20
    assert lines["e", 1, "i", 0, "j"] == 22
    assert lines["e",] == 13
    read = tomllib.loads(text)
    assert read["e"][1]["i"][0]["j"] == 3


def test_a_place_is_told_in_the_words_of_the_file() -> None:
    raw = {"phase": [{"name": "bolus", "arm": [{"name": "saline", "treatment": [{"dose": "x"}]}]}]}
    lines = {("phase", 0): 3, ("phase", 0, "arm", 0, "treatment", 0): 9}
    path = ("phase", 0, "arm", 0, "treatment", 0, "intrathecal bolus", "dose")
    key, line, within = studyfile.locate(raw, path, lines)
    assert (key, line, within) == ("phase[0].arm[0].treatment[0].dose", 9, 'phase "bolus", arm "saline"')
    assert studyfile.locate(raw, ("phase", 0, "gate"), lines)[:2] == ("phase[0].gate", 3)
    assert studyfile.locate(raw, ("nothing",), lines) == ("nothing", None, "")


def loose(schema: object, seen: set[int]) -> list[object]:
    """Return what a model reads without asking for its own kind: numbers out of texts and truth values."""
    if id(schema) in seen:
        return []
    seen.add(id(schema))
    if isinstance(schema, dict):
        is_plain = schema.get("type") in ("float", "int", "bool", "str") and not schema.get("strict")
        return [schema] * is_plain + [one for inner in schema.values() for one in loose(inner, seen)]
    return [one for inner in schema for one in loose(inner, seen)] if isinstance(schema, list | tuple) else []


@pytest.mark.parametrize("model", [TrialStudy, CaseStudy, PumpFile])
def test_no_number_is_read_out_of_a_text_or_a_truth_value(model: type[BaseModel]) -> None:
    assert loose(model.__pydantic_core_schema__, set()) == []


def test_a_reference_as_text_holds_visible_characters() -> None:
    text = PARALLEL.replace("[study]", '[study]\nsource = "Author A. \\u202eJournal 2020"', 1)
    with pytest.raises(StudyError, match=r"U\+202E"):
        parse_study(text)
