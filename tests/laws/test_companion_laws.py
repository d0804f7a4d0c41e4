"""Laws of what is given beside baclofen: thin where evidence is thin, harms that add, one file each."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from arm_examples import HEAD, TABLETS, N, arm, arm_run, some_people
from pydantic import ValidationError

import eutonia
from eutonia import parameters
from eutonia.assessment.scoring import chart_constants, latent_grades
from eutonia.drug.effect.adverse import REACTIONS, course_of_habituation
from eutonia.simulation.course import Course, Snapshot, start
from eutonia.simulation.examine import body_constants, examine
from eutonia.simulation.treated import TreatmentCourse
from eutonia.study import companions
from eutonia.study.design import parse_study
from eutonia.study.fields import Hours, described
from eutonia.study.other_tablets import OtherTablets
from eutonia.study.policies import Screening
from eutonia.study.treatments import TREATMENTS, Treatment
from eutonia.treatment import Effects
from eutonia.trial.caveats import caveats
from eutonia.trial.harms import Harms, brought_by
from eutonia.trial.period import PeriodClock, run_period
from eutonia.trial.reactions import ReactionWatch, may_come, read_until

pytestmark = pytest.mark.xdist_group("slow clock")

DAY = 24.0
THESE = [one for one in TREATMENTS.values() if one.__module__.startswith(companions.__name__)]
WITHOUT_TONE = [one for one in THESE if one.named() not in ("tizanidine tablets", "strength training")]
DROWSY = REACTIONS.index("drowsiness")


def of(model: type[Treatment], **other: Any) -> Treatment:
    return model.model_validate({"route": model.named(), **model.example, **other})


def tizanidine(dose: str, **other: Any) -> Treatment:
    return of(TREATMENTS["tizanidine tablets"], dose=dose, **other)


def table(one: type[Treatment]) -> str:
    lines = {"route": one.named(), **one.example}
    written = {key: f'"{value}"' if isinstance(value, str) else value for key, value in lines.items()}
    return "".join(f"{key} = {value}\n" for key, value in written.items())


def hazard_by(treatments: list[Treatment], time_h: float, *, drug: bool, placebo: bool) -> np.ndarray:
    return Harms.of(treatments).by(time_h, drug=drug, placebo=placebo)[:, 0]


def share(harm: float) -> float:
    return float(-np.expm1(-harm))


def test_each_is_one_file_of_at_most_150_lines_and_nothing_else_names_it() -> None:
    """The registry, tests of treatments and reports find them by themselves."""
    package = Path(eutonia.__file__).parent
    elsewhere = [file for file in package.rglob("*.py") if "companions" not in file.parts]
    for one in THESE:
        file = Path(companions.__file__).with_name(one.__module__.rpartition(".")[2] + ".py")
        assert len(file.read_text(encoding="utf-8").splitlines()) <= 150
        assert one.example
        named = [other.name for other in elsewhere if one.named() in other.read_text(encoding="utf-8")]
        assert not named, one.named()
    assert len(THESE) == len(companions.found()) >= 8


def test_the_last_one_written_is_a_file_and_nothing_else_speaks_of_it() -> None:
    """No program, page, schema or chapter of the manual knows of opioids, and yet both kinds of studies give them."""
    package = Path(eutonia.__file__).parent
    texts = [f for kind in ("*.py", "*.pyi", "*.jinja", "*.toml", "*.js") for f in package.rglob(kind)]
    texts += (package.parents[1] / "docs").rglob("*.md")
    speak = [f.name for f in texts if "opioid" in f.read_text(encoding="utf-8").lower()]
    assert speak == ["opioid_medicines.py"]
    assert TREATMENTS["opioid medicines"] in THESE


@pytest.mark.parametrize("model", WITHOUT_TONE, ids=lambda model: model.named())
def test_without_a_number_nothing_of_tone_moves_and_the_report_says_so(model: type[Treatment]) -> None:
    found, nothing = of(model).effects(of(model).begin(4), True), Effects.none(4)
    for name in vars(nothing):
        np.testing.assert_array_equal(getattr(found, name), getattr(nothing, name), err_msg=name)
    text = HEAD.replace("DESIGN", "single").replace("VISITS", '"0 day", "14 day"')
    text += '[[phase.arm]]\nname = "one"\n[[phase.arm.treatment]]\n' + table(model)
    assert any("No effect of" in said and "on tone" in said for said in caveats(parse_study(text)))


def test_tizanidine_takes_what_its_trial_found_beyond_placebo() -> None:
    """A fifth of tone at 30 mg a day, of which placebo did nine hundredths; more dose never takes less."""
    who, body = some_people(), body_constants()
    clock = PeriodClock(Course(who), start(who), 3, True, np.zeros(N))
    dose = TREATMENTS["tizanidine tablets"].named()
    given = f'route = "{dose}"\ndose = "10 mg"\nevery = "8 hour"\nstart = "0 hour"\n'
    run_period(clock, arm_run(arm(given), np.ones(N, dtype=bool), DAY).tasks())
    clock.advance_to(DAY, looking=True)
    left = examine(clock.people_now, clock.snapshot, body)
    whole = examine(who, Snapshot.untreated(N), body)
    trial = parameters.load("tizanidine")
    beyond = trial.value("tone_on_drug", "1") - trial.value("tone_on_placebo", "1")
    np.testing.assert_allclose(left.bias, (1 - beyond) * whole.bias, rtol=1e-9)
    grades = [np.asarray(latent_grades(one, chart_constants())).mean() for one in (left, whole)]
    assert grades[0] == pytest.approx((1 - beyond) * grades[1], rel=0.04)
    kept = [float(tizanidine(f"{mg} mg").effects(1, True).bias_kept[0, 0]) for mg in (2, 4, 8, 10)]
    assert kept[0] < 1.0
    assert np.all(np.diff(kept) < 0)
    assert float(tizanidine("12 mg").effects(1, True).bias_kept[0, 0]) == kept[-1]
    np.testing.assert_array_equal(tizanidine("4 mg").effects(1, False).bias_kept, 1.0)
    text = HEAD.replace("DESIGN", "single").replace("VISITS", '"0 day", "14 day"')
    text += '[[phase.arm]]\nname = "one"\n[[phase.arm.treatment]]\n' + given.replace("10 mg", "16 mg")
    with pytest.raises(eutonia.EutoniaError, match=r"more than the label\s+allows"):
        parse_study(text)


@pytest.mark.parametrize("model", [one for one in THESE if one.harms], ids=lambda model: model.named())
def test_harms_come_as_often_as_counted_and_no_sooner_than_it_is_given(model: type[Treatment]) -> None:
    assert model.harms is not None
    records, one = parameters.load(model.harms), of(model)
    end = one.begins_h + parameters.load("adverse").value("oral_duration", "day") * DAY
    both, placebo = (hazard_by([one], end, drug=drug, placebo=True) for drug in (True, False))
    assert brought_by([one]) or one.deepens
    for name in REACTIONS:
        row = REACTIONS.index(name)
        for hazard, of_record in ((both, name), (placebo, f"{name}_placebo")):
            wanted = records.value(of_record, "1") if of_record in records else 0.0
            assert share(hazard[row]) == pytest.approx(wanted, abs=1e-12)
    np.testing.assert_array_equal(hazard_by([one], 0.0, drug=True, placebo=True), 0.0)
    hours = [hazard_by([one], hour, drug=True, placebo=True) for hour in (10.0, 100.0, 1000.0)]
    assert np.all(np.diff(hours, axis=0) >= 0)
    if isinstance(one, OtherTablets):
        stopped = of(model, stop="5 day")
        np.testing.assert_array_equal(
            hazard_by([stopped], 1e4, drug=True, placebo=True), hazard_by([one], 5 * DAY, drug=True, placebo=True)
        )


def test_sedation_adds_and_placebo_reports_come_once() -> None:
    """Hazards add: nobody on both is less drowsy than on one, and who escapes both escapes each."""
    one, other = tizanidine("4 mg"), of(TREATMENTS["diazepam tablets"])
    at = 40 * DAY
    alone = [hazard_by([x], at, drug=True, placebo=False) for x in (one, other)]
    both = hazard_by([one, other], at, drug=True, placebo=False)
    np.testing.assert_allclose(both, alone[0] + alone[1], rtol=1e-12)
    placebos = [hazard_by([x], at, drug=False, placebo=True) for x in (one, other)]
    np.testing.assert_array_equal(
        hazard_by([one, other], at, drug=False, placebo=True), np.maximum(placebos[0], placebos[1])
    )
    baclofen = TABLETS.format(dose="10 mg") + 'start = "0 day"\n'
    who, hazards = some_people(), []
    for parts in ([baclofen], [baclofen, table(type(one))], [table(type(one))]):
        of_arm = arm(*parts)
        clock = PeriodClock(Course(who), start(who), 3, True, np.zeros(N))
        run_period(clock, arm_run(of_arm, np.ones(N, dtype=bool), at).tasks())
        clock.advance_to(at)
        watch = ReactionWatch(of_arm, "cerebral", np.full((len(REACTIONS), N), math.inf))
        hazards.append(watch._hazard(clock))
        assert "dry_mouth" in may_come(of_arm) or len(parts) == 1
    np.testing.assert_allclose(hazards[1] - hazards[0], alone[0][:, None] * np.ones(N), rtol=1e-9, atol=1e-12)
    assert np.all(hazards[1][DROWSY] > hazards[0][DROWSY])


@pytest.mark.parametrize("stop", [None, "1 day"], ids=["for good", "for half of the time"])
def test_a_depressant_multiplies_what_baclofen_does_to_alertness_while_it_is_taken(stop: str | None) -> None:
    """Whoever takes it alone is no drowsier, and nothing but alertness is deepened."""
    who, factor = some_people(), parameters.load("depressants").value("sedation_factor", "1")
    baclofen = TABLETS.format(dose="10 mg") + 'start = "0 day"\n'
    drinks = table(TREATMENTS["alcoholic drinks"]) + (f'stop = "{stop}"\n' if stop else "")
    hazards = []
    for parts in ([baclofen], [baclofen, drinks], [drinks]):
        of_arm = arm(*parts)
        clock, watch = PeriodClock(Course(who), start(who), 3, True, np.zeros(N)), _watched(of_arm)
        watch.read(clock)
        begun = watch._hazard(clock)
        tasks = arm_run(of_arm, np.ones(N, dtype=bool), 2 * DAY).tasks()
        run_period(clock, [task for task in tasks if task.time_h <= DAY])
        clock.advance_to(DAY, looking=True)
        watch.read(clock)
        half = watch._hazard(clock)
        clock.advance_to(2 * DAY, looking=True)
        hazards.append((begun, half, watch._hazard(clock)))
    (begun, half, whole), (_, _, deeper), (_, _, alone) = hazards
    report = _watched(arm(baclofen)).hazards.table[:, -1]
    spent = np.array([course_of_habituation(hours) for hours in (0.0, DAY, 2 * DAY)])
    of_drug = [found - np.outer(report, np.full(N, at)) for found, at in zip((begun, half, whole), spent, strict=True)]
    wanted = np.where(stop is None, of_drug[2] - of_drug[0], of_drug[1] - of_drug[0]) * (factor - 1.0)
    for name in REACTIONS:
        row = REACTIONS.index(name)
        extra = wanted[row] if name in ("drowsiness", "confusion", "coma") else 0.0
        np.testing.assert_allclose(deeper[row] - whole[row], extra, rtol=1e-6, atol=1e-12, err_msg=name)
    np.testing.assert_array_equal(alone, 0.0)
    assert np.all(deeper[DROWSY] > whole[DROWSY])
    sham = _watched(arm(baclofen, drinks).model_copy(update={"placebo": True}))
    assert np.all(sham.harms.depth(0.0, 1.0, sham._dealt(sham.harms) & (not sham.arm.placebo)) == 1.0)


def _watched(of_arm: Any, until_h: float = math.inf, passed: np.ndarray | None = None) -> ReactionWatch:
    return ReactionWatch(of_arm, "cerebral", np.full((len(REACTIONS), N), math.inf), until_h, passed)


def test_harms_come_only_to_those_of_an_arm_who_are_given_it() -> None:
    """The harms of tizanidine for who does not respond fell on responders too, and so did the reports of tablets."""
    who, passed = some_people(), np.arange(N) < 3
    text = HEAD.replace("DESIGN", "single").replace("VISITS", '"0 day", "14 day"')
    text += '[[phase.arm]]\nname = "one"\n'
    text += '[phase.arm.gate]\nneed = "all"\n[[phase.arm.gate.rule]]\nscale = "ashworth"\nlimb = "leg"\nfall = 1.0\n'
    text += (
        '[[phase.arm.treatment]]\nproduct = "Lioresal Intrathecal"\nroute = "intrathecal bolus"\ndose = "50 ug"\n'
        'at = "0 day"\naccess = "lumbar puncture"\n'
    )
    later = table(TREATMENTS["tizanidine tablets"]).replace('"0 hour"', '"3 day"') + 'given_to = "others"\n'
    tablets = TABLETS.format(dose="10 mg") + 'start = "3 day"\ngiven_to = "others"\n'
    for part, sham in ((later, False), (tablets, False), (later, True)):
        of_arm = parse_study(text + "[[phase.arm.treatment]]\n" + part).phases[0].arms[0]
        clock = PeriodClock(Course(who), start(who), 3, True, np.zeros(N))
        clock.now_h = 14 * DAY
        watch = _watched(of_arm.model_copy(update={"placebo": sham}), passed=passed)
        hazard = watch._hazard(clock)
        assert np.all(hazard[:, passed] == 0.0)
        assert np.all(hazard[DROWSY, ~passed] > 0.0)
        assert not watch.has_had("drowsiness", clock).any()
        watch.threshold = np.full_like(hazard, hazard[DROWSY, ~passed][0] / 2)
        np.testing.assert_array_equal(watch.has_had("drowsiness", clock), ~passed)


def test_a_gate_tells_its_arm_to_whom_harms_come() -> None:
    run = arm_run(arm(TABLETS.format(dose="10 mg")), np.ones(N, dtype=bool), DAY)
    passed = np.arange(N) < 3
    run._close(passed, Screening(np.full(N, np.nan), np.full(N, np.nan), np.zeros(N, dtype=bool)))
    assert run.watch.passed is passed


def test_what_is_given_beside_the_drug_ends_with_its_period() -> None:
    """Through a washout tizanidine took tone on, and brought dry mouth on."""
    who, end = some_people(), 14 * DAY
    parts = [table(TREATMENTS["tizanidine tablets"]), 'route = "stretching"\nlimb = "leg"\nhours_per_day = 1.0\n']
    of_arm = arm(parts[0], parts[1] + 'start = "0 hour"\n')
    clock = PeriodClock(Course(who), start(who), 3, True, np.zeros(N))
    run_period(clock, arm_run(of_arm, np.ones(N, dtype=bool), end).tasks())
    clock.advance_to(end)
    assert np.all(clock.effects.bias_kept < 1.0)
    clock.stop_all()
    np.testing.assert_array_equal(clock.effects.bias_kept, 1.0)
    np.testing.assert_array_equal(clock.effects.end_range, 0.0)
    watch = _watched(of_arm, end)
    at_end = watch._hazard(clock)
    read_until(clock, [watch], 4 * end)
    np.testing.assert_array_equal(watch._hazard(clock), at_end)
    assert np.all(at_end[DROWSY] > 0.0)


def test_one_drug_written_as_two_courses_is_one_course() -> None:
    """Habituation began anew with each treatment of the file, and with it the harms of the first days."""
    whole = hazard_by([tizanidine("4 mg")], 40 * DAY, drug=True, placebo=True)
    halves = [tizanidine("4 mg", stop="20 day"), tizanidine("8 mg", start="20 day")]
    np.testing.assert_allclose(hazard_by(halves, 40 * DAY, drug=True, placebo=True), whole, rtol=1e-12)


@pytest.mark.parametrize(
    ("dose", "every", "said"),
    [
        ("0 mg", "8 hour", "That is no dose"),
        ("1e-8 mg", "8 hour", "That is no dose"),
        ("3600 mg", "100 day", "At once it is more than the label allows in a day"),
        ("37 mg", "48 hour", "At once it is more than the label allows in a day"),
        ("4 mg", "3 day", "further apart than two days"),
    ],
)
def test_no_dose_and_no_treatment_is_refused(dose: str, every: str, said: str) -> None:
    """Nothing of a drug brought all its harms, and so did a hundred days of it at once."""
    text = HEAD.replace("DESIGN", "single").replace("VISITS", '"0 day", "14 day"')
    text += '[[phase.arm]]\nname = "one"\n[[phase.arm.treatment]]\nroute = "tizanidine tablets"\nstart = "0 hour"\n'
    with pytest.raises(eutonia.EutoniaError) as caught:
        parse_study(text + f'dose = "{dose}"\nevery = "{every}"\n')
    assert said in " ".join(str(caught.value).split())
    assert parse_study(text + 'dose = "36 mg"\nevery = "48 hour"\n')


def _two(one: str, other: str) -> str:
    text = HEAD.replace("DESIGN", "single").replace("VISITS", '"0 day", "14 day"') + '[[phase.arm]]\nname = "one"\n'
    return text + "".join(f"[[phase.arm.treatment]]\n{part}\n" for part in (one, other))


@pytest.mark.parametrize(
    ("route", "amount"),
    [
        ("tizanidine tablets", 'dose = "12 mg"\nevery = "8 hour"'),
        ("strength training", 'limb = "leg"\nsessions_per_week = 21.0'),
    ],
)
def test_one_treatment_written_as_two_at_a_time_is_refused(route: str, amount: str) -> None:
    """Two of tizanidine passed the label and doubled its harms; eight of training passed the ceiling of its gain."""
    one = f'route = "{route}"\n{amount}\nstart = '
    for first, second in (('"0 day"', '"0 day"'), ('"0 day"\nstop = "7 day"', '"6 day"')):
        with pytest.raises(eutonia.EutoniaError, match=r"Write one treatment\s+with the"):
            parse_study(_two(one + first, one + second))
    assert parse_study(_two(one + '"0 day"\nstop = "7 day"', one + '"7 day"'))
    if "limb" in amount:
        assert parse_study(_two(one + '"0 day"', one.replace('"leg"', '"arm"') + '"0 day"'))


def test_tablets_since_before_the_onset_are_refused() -> None:
    """`check` let them pass, and the run stopped at a negative time since the onset."""
    tablets, lowest = TABLETS.format(dose="10 mg") + 'taken_for = "{0}"\n', "6 month"
    assert f'min = "{lowest}"' in HEAD
    other = table(TREATMENTS["neurotomy"])
    with pytest.raises(eutonia.EutoniaError, match=r"before\s+the\s+onset\s+of\s+the\s+lesion"):
        parse_study(_two(tablets.format("7 month"), other))
    assert parse_study(_two(tablets.format(lowest), other))


def test_shares_of_harms_are_shares_that_have_a_hazard() -> None:
    """A share below that on placebo gave a negative hazard, and a share of 1 gave no number."""
    one, at = tizanidine("4 mg"), 40 * DAY
    with eutonia.using({"tizanidine.drowsiness": "0.05"}):
        assert hazard_by([one], at, drug=True, placebo=False)[DROWSY] == 0.0
    for record in ("tizanidine.drowsiness", "tizanidine.drowsiness_placebo"):
        with eutonia.using({record: "1"}), pytest.raises(eutonia.EutoniaError, match=f"{record} is 1, .* below 1"):
            hazard_by([one], at, drug=True, placebo=False)


@pytest.mark.parametrize(
    "part",
    [
        'route = "strength training"\nlimb = "leg"\nsessions_per_week = 1e-300\nstart = "0 day"',
        'route = "stretching"\nlimb = "leg"\nhours_per_day = 1e-300\nstart = "0 day"',
        'product = "Lioresal Intrathecal"\nroute = "intrathecal bolus"\ndose = "50 ug"\nat = "0 day"\n'
        'access = "lumbar puncture"\n[phase.arm.gate]\nneed = "all"\n[[phase.arm.gate.rule]]\n'
        'scale = "ashworth"\nlimb = "leg"\nfall = 1e-300',
    ],
)
def test_next_to_nothing_is_refused(part: str) -> None:
    with pytest.raises(eutonia.EutoniaError, match="1e-300"):
        parse_study(_two(table(TREATMENTS["neurotomy"]), part))


def test_what_was_given_once_cannot_be_stopped() -> None:
    """The end of a period ends what lasts; a nerve that was cut stays cut."""
    for lasts in (True, False):
        course = TreatmentCourse(
            N, lambda state, _span, _given: state, lambda *_: Effects.none(N), np.ones(N), lasts=lasts
        )
        course.switch(0.0, given=True, who=np.ones(N))
        course.stop(DAY)
        assert course.is_given is not lasts


class Warmth(Treatment):
    """A treatment as somebody else may write it, without a word on when it may stop."""

    route: Literal["warmth"]
    start_h: Hours = described("From when on.", alias="start")
    stop_h: Hours | None = described("Until when.", alias="stop", default=None)


def test_no_treatment_stops_before_it_starts_whoever_wrote_it() -> None:
    def why(model: type[Treatment], **given: str) -> str:
        with pytest.raises(ValidationError) as caught:
            model.model_validate({"route": model.named(), **model.example, **given})
        return str([one.why for error in caught.value.errors() for one in error["ctx"]["problems"]])

    Warmth.model_validate({"route": "warmth", "start": "1 day", "stop": "2 day"})
    lasting = [one for one in THESE if {"start_h", "stop_h"} <= one.model_fields.keys()]
    assert len(lasting) >= 6
    for one in (Warmth, *lasting):
        assert "It stops before it starts" in why(one, start="1 day", stop="1 day")
