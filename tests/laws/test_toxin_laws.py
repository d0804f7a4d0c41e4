"""Laws of botulinum toxin: local, saturating, gone in time, as weak as it is loose, and nothing to tissue."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from arm_examples import INFUSION, TABLETS, arm, arm_run, same_bits, some_people
from hypothesis import given
from hypothesis import strategies as st

import eutonia
from eutonia import parameters
from eutonia.examination import TESTS
from eutonia.limb.muscle import charted_groups, stretched_groups
from eutonia.simulation.bedside import bedside
from eutonia.simulation.course import Course, Snapshot, start
from eutonia.simulation.examine import body_constants, examine, resistance_of
from eutonia.simulation.stance import stance
from eutonia.simulation.treated import under
from eutonia.study.design import parse_study
from eutonia.study.parts import Arm
from eutonia.study.toxin import ToxinTreatment, blocked, share_of_time
from eutonia.treatment import Effects
from eutonia.trial.period import PeriodClock, Task, run_period

pytestmark = pytest.mark.xdist_group("slow clock")

WEEK = 168.0
ABO, ONA = "abobotulinumtoxinA", "onabotulinumtoxinA"
MUSCLES = [name for name, _, _ in stretched_groups()]
ELBOW = [name for name, _, _ in charted_groups()].index("elbow flexors")


def toxin(muscle: str = "elbow flexors", dose: str = "300 aboU", at: str = "0 week", more: str = "") -> str:
    return f'route = "intramuscular"\nproduct = "{ABO}"\nmuscle = "{muscle}"\ndose = "{dose}"\nat = "{at}"\n{more}'


def given_at(time_h: float, muscle: str = "elbow flexors", dose: str = "300 aboU", **more: str) -> Effects:
    """Return what toxin of time 0 does to eight people at a time."""
    table = {"route": "intramuscular", "product": ABO, "muscle": muscle, "dose": dose, "at": "0 week", **more}
    treatment = ToxinTreatment.model_validate(table)
    return treatment.effects(treatment.advance(treatment.begin(8), time_h, True), True)


def played(of: Arm, *times_h: float) -> tuple[list[Any], Any]:
    """Return what an examiner finds in people with an arm at each time, and the drug in them at the end."""
    who, found = some_people(), []
    clock = PeriodClock(Course(who), start(who), 3, True, np.zeros(who.n))

    def look(now: PeriodClock) -> None:
        found.append(now.look(1, nonspecific=False))

    end = max(times_h)
    run = arm_run(of, np.ones(who.n, dtype=bool), end)
    run_period(clock, [*run.tasks(), *(Task(time_h, 3, look) for time_h in times_h)])
    return found, clock.state


def leg_of(finding: Any) -> list[np.ndarray]:
    """Return everything that was found in the leg."""
    exam, scores = finding.exam, finding.chart.scores
    muscles = [k for k, (_, _, limb) in enumerate(charted_groups()) if limb == "leg"]
    of_muscles = [exam.excess, *jax.tree.leaves(exam.response), *(scores[k] for k in scores if k.endswith("_muscle"))]
    of_limbs = [exam.h_over_m, exam.tap_probit, exam.bias, exam.contracture]
    of_limbs += [np.asarray(scores[key]) for key in ("ashworth", "spasm", "reflex")]
    whole = [scores["stance_support"], scores["walking_speed"]]
    return [
        *(np.asarray(x)[muscles] for x in of_muscles),
        *(np.asarray(x)[0] for x in of_limbs),
        *map(np.asarray, whole),
    ]


@pytest.mark.parametrize(("at", "dose", "pump"), [(0, 50, False), (91, 900, True), (250, 300, False)])
def test_another_limb_is_exactly_unchanged_and_so_is_the_drug(at: int, dose: int, pump: bool) -> None:
    """Bit for bit, whenever it is injected: it failed in the last digits while an injection cut a step of the drug."""
    drug = INFUSION + 'rate = "100 ug/day"\n' if pump else TABLETS.format(dose="10 mg")
    times = (3 * WEEK, 5.4 * WEEK)
    alone, state = played(arm(drug), *times)
    both, beside = played(arm(drug, toxin(dose=f"{dose} aboU", at=f"{at} hour")), *times)
    assert same_bits(state, beside)
    for one, other in zip(alone, both, strict=True):
        for before, after in zip(leg_of(one), leg_of(other), strict=True):
            np.testing.assert_array_equal(before, after)
    assert np.all(np.asarray(both[-1].exam.excess)[ELBOW, -1] < np.asarray(alone[-1].exam.excess)[ELBOW, -1])


@pytest.mark.parametrize("muscle", MUSCLES)
def test_only_the_group_and_the_other_side_of_its_joint_are_blocked(muscle: str) -> None:
    found = given_at(4 * WEEK, muscle)
    joint = {name: (joint, limb) for name, joint, limb in stretched_groups()}
    for row, name in enumerate(MUSCLES):
        share = np.asarray(found.blockade)[row]
        if name == muscle:
            most = share
            assert np.all(share > 0.01)
        elif joint[name] == joint[muscle]:
            assert np.all((share > 0) & (share < np.asarray(found.blockade)[MUSCLES.index(muscle)]))
        else:
            np.testing.assert_array_equal(share, 0.0)
        np.testing.assert_allclose(np.asarray(found.force)[row], 1.0 - share, rtol=1e-12)
        answer, opponent = np.asarray(found.spindles)[row], np.asarray(found.opponent)[row]
        assert np.all((answer < 1.0 - share) == (share > 0)), "spindles are blocked before a muscle's own fibres are"
        assert np.all((opponent < 1.0) == (name == muscle))
        assert np.all(opponent >= 1.0 - share)
    assert np.all(most < parameters.load("toxin").value("full_block", "1"))
    nothing = Effects.none(8)
    for name in ("bias_taken", "bias_kept", "release", "strength", "tissue", "gain"):
        np.testing.assert_array_equal(getattr(found, name), getattr(nothing, name))


@given(small=st.floats(0, 2000), more=st.floats(1, 2000), muscle=st.sampled_from(MUSCLES))
def test_more_blocks_more_and_each_unit_less_than_the_one_before(small: float, more: float, muscle: str) -> None:
    low, middle, high = (blocked(ABO, muscle, units) for units in (small, small + more, small + 2 * more))
    assert 0 <= low < middle < high < parameters.load("toxin").value("full_block", "1")
    assert middle - low > high - middle
    assert blocked(ABO, muscle, 0.0) == 0.0


def test_people_differ_in_what_reaches_each_muscle_and_keep_their_luck() -> None:
    """Nothing made one person answer more than another. The same in any block, again at each session, by muscle."""
    table = {"route": "intramuscular", "product": ABO, "dose": "300 aboU", "at": "0 week"}
    elbow, wrist = (ToxinTreatment.model_validate({**table, "muscle": f"{of} flexors"}) for of in ("elbow", "wrist"))
    whole, part = elbow.begin_in(3, jnp.arange(400)), elbow.begin_in(3, jnp.arange(390, 400))
    np.testing.assert_array_equal(part, whole[:, 390:])
    assert abs(np.corrcoef(whole[1], wrist.begin_in(3, jnp.arange(400))[1])[0, 1]) < 0.15
    row = MUSCLES.index("elbow flexors")
    share = np.asarray(elbow.effects(elbow.advance(whole, 4 * WEEK, True), True).blockade)[row]
    np.testing.assert_array_equal(np.argsort(share), np.argsort(whole[1]))
    most = parameters.load("toxin").value("full_block", "1") * share_of_time(4 * WEEK)
    counts = share / (most - share)
    spread = parameters.load("toxin").value("reach_spread", "1")
    assert np.std(np.log(counts)) == pytest.approx(spread, rel=0.1), "of the dose that counts, not of the block"
    typical = np.asarray(given_at(4 * WEEK).blockade)[row, 0]
    assert np.median(share) == pytest.approx(typical, rel=0.03)


def test_half_more_of_a_dose_still_counts_in_the_calf_where_the_arm_is_full() -> None:
    """Half more into the calf does a third more; into the elbow flexors a tenth (Gracies 2017, 2015)."""
    more = [blocked(ABO, of, 900.0) / blocked(ABO, of, 600.0) for of in ("ankle plantarflexors", "elbow flexors")]
    assert more[0] > 1.25
    assert more[1] < 1.12


def test_units_of_one_product_are_not_those_of_another() -> None:
    """The record of their ratio is the one place where they meet, and moves the model of one alone."""
    ratio = parameters.load("toxin").value("abo_per_ona", "aboU/onaU")
    assert blocked(ONA, "elbow flexors", 100.0) == pytest.approx(blocked(ABO, "elbow flexors", 100.0 * ratio), rel=1e-3)
    with pytest.raises(eutonia.EutoniaError, match="measure different things"):
        parameters.load("toxin").value("abobotulinumtoxina_half_dose", "onaU/mL")


def test_it_comes_after_days_is_strongest_after_weeks_and_is_gone_by_the_stated_time() -> None:
    records = parameters.load("toxin")
    hours = np.arange(0.0, 60 * WEEK)
    course = share_of_time(hours)
    assert np.all(course[hours <= records.value("onset_lag", "h")] == 0.0)
    top = int(np.argmax(course))
    assert 2 * WEEK < hours[top] < 6 * WEEK
    assert np.all(np.diff(course[top:]) <= 0)
    back = records.value("return_time", "h")
    assert np.all(course[hours >= back] < 0.1 * course[top])
    assert course[hours == back - 24.0] > 0.1 * course[top]


def test_stiffness_is_back_within_an_eighth_by_the_stated_time() -> None:
    back = parameters.load("toxin").value("return_time", "h")
    looks, _ = played(arm(toxin(dose="600 aboU")), 4 * WEEK, back)
    untreated, _ = played(arm(toxin(dose="0 aboU")), 4 * WEEK, back)
    loosest, then, ever = (np.asarray(x.exam.excess)[ELBOW] for x in (*looks, untreated[1]))
    assert np.median(loosest / ever) < 0.6
    assert np.all(loosest < 0.9 * ever)
    missing = (ever - then) / ever
    # A tenth of the block takes a tenth of the torque, and of the answer to speed.
    assert np.median(missing) < 0.11
    assert np.all((missing >= 0) & (missing < 0.125))


def test_tissue_resists_as_before() -> None:
    who, n = some_people(), 8
    who = dataclasses.replace(who, traits=dataclasses.replace(who.traits, contracture=jnp.ones((2, n))))
    untreated, body = Snapshot.untreated(n), body_constants()
    whole = under(untreated, Effects.on(n, "elbow flexors", blockade=1.0, force=0.0))
    (before, stiff), (after, still) = (resistance_of(who, one, body) for one in (untreated, whole))
    for name in ("stiffness", "rest_angle"):
        np.testing.assert_array_equal(getattr(before, name), getattr(after, name))
    np.testing.assert_array_equal(stiff, still)
    # With all of the reflex blocked the tissue alone is left, and it is what it was.
    reach = np.maximum(1 - np.asarray(before.rest_angle)[ELBOW], 0.0)
    alone = np.asarray(before.stiffness)[ELBOW] * reach**2 / 2
    np.testing.assert_allclose(examine(who, whole, body).response.mean_resistance[ELBOW], alone, rtol=1e-12)


def test_what_it_loosens_it_weakens_and_knee_and_ankle_are_stood_on() -> None:
    who, body = some_people(), body_constants()
    untreated = Snapshot.untreated(8)
    holds = ("knee extensors", "ankle plantarflexors")
    for muscle in (*holds, "knee flexors", "elbow flexors"):
        is_weaker = muscle in holds
        half = under(untreated, Effects.on(8, muscle, blockade=0.5, force=0.5))
        before, after = stance(who, untreated, body), stance(who, half, body)
        assert np.all(np.asarray(after.voluntary_torque < before.voluntary_torque) == is_weaker)
        assert np.all(np.asarray(after.tone_torque < before.tone_torque) == is_weaker)


def test_injections_add_up_to_no_more_than_what_is_left_and_stop() -> None:
    once, again = (
        np.array([given_at(k * WEEK, **more).blockade[ELBOW, 0] for k in range(60)])
        for more in ({}, {"every": "12 week", "stop": "30 week"})
    )
    np.testing.assert_array_equal(again[:12], once[:12])
    assert once.max() < again.max() < 1.15 * once.max()
    assert again[59] < 0.01
    assert np.all(again >= once)


def test_the_order_in_which_treatments_are_listed_never_matters() -> None:
    parts = [TABLETS.format(dose="10 mg"), toxin(at="1 week"), toxin("wrist flexors", "100 aboU")]
    found = [played(arm(*order), 5 * WEEK) for order in (parts, parts[::-1], [parts[1], parts[0], parts[2]])]
    for looks, state in found[1:]:
        assert same_bits(state, found[0][1])
        assert same_bits(looks[0].chart.scores, found[0][0][0].chart.scores)


def test_no_units_and_a_sham_are_nothing_at_all() -> None:
    drug = TABLETS.format(dose="10 mg")
    plain, _ = played(arm(drug), 4 * WEEK)
    none, _ = played(arm(drug, toxin(dose="0 aboU")), 4 * WEEK)
    assert same_bits(plain[0].chart.scores, none[0].chart.scores)


def test_a_full_bedside_examination_meets_it_in_every_group() -> None:
    """Limbs that move freely knew nothing of a blocked muscle, and groups that no chart has could not be blocked."""
    who, untreated = some_people(), Snapshot.untreated(8)
    for muscle in ("finger flexors", "knee extensors", "elbow flexors"):
        half = under(untreated, Effects.on(8, muscle, blockade=0.5, gain=0.8, spindles=0.3))
        before, after = bedside(who, untreated), bedside(who, half)
        one, other = before.limb(muscle), after.limb(muscle)
        for name, share in (
            ("ceiling", 0.5),
            ("background", 0.5),
            ("gain", 0.4),
            ("velocity_sensitivity", 0.3),
            ("stiffness", 1.0),
            ("damping", 1.0),
        ):
            np.testing.assert_allclose(getattr(other, name), share * np.asarray(getattr(one, name)), rtol=1e-12)
        untouched = next(name for name in MUSCLES if name != muscle)
        assert same_bits(before.limb(untouched), after.limb(untouched))


def test_the_catch_of_an_injected_muscle_comes_later_and_is_felt_less_until_none_is_left() -> None:
    """Torque was taken as a share of what the block leaves, and spindles were not reached: the scale never changed."""
    untreated = Snapshot.untreated(8)

    def found(share: float) -> dict[str, np.ndarray]:
        left = 1.0 - share
        effects = Effects.on(8, "finger flexors", blockade=share, force=left, spindles=left)
        seen = under(untreated, effects) if share else untreated
        findings, _ = TESTS["tardieu"].run(bedside(some_people(), seen), ("arm",), 1)
        return {one.key: one.values for one in findings if one.of == "finger flexors"}

    none, half, most = map(found, (0.0, 0.5, 0.97))
    caught = half["quality"] >= 2
    assert caught.any()
    assert np.all(half["quality"] <= none["quality"])
    assert np.all((half["catch_v3"] > none["catch_v3"])[caught])
    assert np.all((half["catch_v3"] < half["passive_range"])[caught])
    assert np.all(most["quality"] < 2)
    np.testing.assert_array_equal(most["catch_v3"], most["passive_range"])


CASE = """
[study]
name = "t"
title = "T"
kind = "case"
seed = 12
[patient]
age = "60 year"
weight = "80 kg"
sex = "man"
creatinine_clearance = "90 mL/min"
side = "right"
[lesion]
kind = "ischaemic"
territory = "M1 trunk"
extent = 0.6
[assessment]
side = "affected"
limbs = ["leg", "arm"]
scales = ["ashworth", "spasm", "stance_support", "walking_speed"]
rater = "noiseless"
[case]
duration = "36 week"
examine_every = "2 week"
[[event]]
at = "12 week"
kind = "tablets"
product = "baclofen tablets"
dose = "10 mg"
every = "8 hour"
"""
INJECTED = f"[[treatment]]\n{toxin(at='14 week')}"


def test_in_a_case_the_leg_and_the_drug_are_exactly_what_they_were() -> None:
    alone, both = (eutonia.run(parse_study(text)) for text in (CASE, CASE + INJECTED))
    time = np.intersect1d(alone.course["time_h"], both.course["time_h"])
    for name in alone.course.data_vars:
        one, other = (result.course[name].sel(time_h=time) for result in (alone, both))
        if "limb" in one.dims:
            one, other = one.sel(limb="leg"), other.sel(limb="leg")
        if str(name).startswith("pain"):  # of the whole person: an arm that resists less hurts less
            assert float((other - one).max()) <= 1e-12
            continue
        np.testing.assert_array_equal(one, other, err_msg=str(name))
    course = both.course.sel(time_h=18 * WEEK)
    untreated = alone.course.sel(time_h=18 * WEEK)
    assert float(course["blockade_elbow_flexors"].median()) > 0.4
    assert np.all(course["blockade_elbow_flexors"] > 0.05)
    np.testing.assert_allclose(course["force_elbow_flexors"], 1.0 - course["blockade_elbow_flexors"])
    assert float(course["ashworth"].sel(limb="arm").mean()) < float(untreated["ashworth"].sel(limb="arm").mean())
    assert both.course["blockade_elbow_flexors"].attrs["units"] == "1"
    assert (14 * WEEK, f"300 U {ABO}, elbow flexors") in both.events
    assert not any(str(name).startswith("blockade") for name in alone.course.data_vars)


def test_an_examination_of_a_case_meets_what_was_injected_before() -> None:
    """The drug of a case was handed to the bedside without what other treatments do."""

    def torque(at: str) -> float:
        found = eutonia.examine_case(parse_study(CASE + INJECTED), test="ashworth", at=at, limb="arm")
        rows = found.frame()
        return float(
            rows.filter((rows["what"] == "Mean resisting torque") & (rows["of"] == "elbow flexors"))["value"].mean()
        )

    assert torque("week 18") < 0.8 * torque("week 13")
