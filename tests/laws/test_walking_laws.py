"""Laws of strength, stance, walking and hidden movement: one pool, one set of equations, other people."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from arm_examples import some_people

from eutonia import parameters
from eutonia.assessment.scoring import chart_constants, latent_grades
from eutonia.assessment.walking import ambulation_category, comfortable_speed, stance_support
from eutonia.drug.effect.gaba_b import Receptor, hyperpolarisation
from eutonia.limb.muscle import muscle_groups
from eutonia.patient import Cohort, Population
from eutonia.simulation.course import Snapshot
from eutonia.simulation.examine import body_constants, examine
from eutonia.simulation.lesion_course import LesionCourse
from eutonia.simulation.people import People
from eutonia.simulation.stance import Stance, stance
from eutonia.simulation.treated import changed, under
from eutonia.tone.drive import strength_under
from eutonia.tone.spinal import VolleyConstants
from eutonia.treatment import Effects

SEED, POOL = 11, 4096
#: Everybody comes in blocks of one width, so that each program is compiled once.
WIDTH = 64
NOTHING = Effects.none(WIDTH)
#: Effect of the drug where tone is made: none, up to that of a large dose.
EFFECTS = np.linspace(0.0, 0.7, 15)
LEG = 0
NAMES = [group.name for group in muscle_groups()]


def people_of(bias: Any, strength: Any, contracture: float = 0.0) -> People:
    """People of these biases and strengths, leg and arm alike where one row is given, again and again up to a width."""
    bias, strength = (
        jnp.asarray(np.stack([np.resize(row, WIDTH) for row in np.broadcast_to(one, (2, np.shape(one)[-1]))]))
        for one in (bias, strength)
    )
    like = some_people().take(jnp.zeros(WIDTH, int))
    traits = replace(like.traits, contracture=like.traits.contracture + contracture)
    return replace(like, person=jnp.arange(WIDTH), bias=bias, strength=strength, traits=traits)


def seen(people: People, effect: float) -> Snapshot:
    """What an examination sees where the drug has this effect in leg and arm."""
    taken = hyperpolarisation(jnp.full((2, WIDTH), effect), people.bias, Receptor.typical())
    return replace(Snapshot.untreated(WIDTH), hyperpolarisation=taken)


def treated(people: People, effects: Effects = NOTHING) -> Stance:
    """Return what people do under another treatment than the drug."""
    return stance(people, under(Snapshot.untreated(WIDTH), effects), body_constants())


def walking(standing: Stance) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return stance support, speed and category."""
    c = chart_constants().walking
    support = stance_support(standing.voluntary_torque, standing.tone_torque, c.needed_torque)
    speed = comfortable_speed(standing.strength, standing.bias, support, c)
    return np.asarray(support), np.asarray(speed), np.asarray(ambulation_category(support, speed, c))


def over_dose(people: People, effects: np.ndarray = EFFECTS) -> dict[str, np.ndarray]:
    """Return strength, support, speed, category and active ranges, by effect of the drug."""
    each = []
    for effect in effects:
        standing = stance(people, seen(people, float(effect)), body_constants())
        each.append((standing.strength, *walking(standing), standing.active_range))
    names = ("strength", "support", "speed", "category", "reach")
    return {
        name: np.stack([np.asarray(x) for x in one]) for name, one in zip(names, zip(*each, strict=True), strict=True)
    }


def grades(people: People, effect: float) -> np.ndarray:
    """Return the latent Ashworth grade of the leg's knee extensors."""
    return np.asarray(latent_grades(examine(people, seen(people, effect), body_constants()), chart_constants())[0])


@pytest.fixture(scope="module")
def population() -> People:
    """Survivors whose legs are spastic and who walk alone, as the program draws them."""
    cohort = Cohort.draw(SEED, np.arange(POOL), Population.typical("stroke"))
    bias, strength, _ = (np.asarray(one) for one in LesionCourse.of(cohort, SEED).at(0.0))
    spastic = np.flatnonzero(bias[LEG] > 0.8)[:WIDTH]
    assert spastic.size == WIDTH
    people = people_of(bias[:, spastic], strength[:, spastic])
    walks = np.flatnonzero(walking(treated(people))[0] >= 1.0)
    assert walks.size > WIDTH / 2
    return people_of(bias[:, spastic[walks]], strength[:, spastic[walks]])


@pytest.fixture(scope="module")
def dosed(population: People) -> dict[str, np.ndarray]:
    return over_dose(population)


# --- strength --------------------------------------------------------------------------------------------------------


def test_a_healthy_leg_keeps_its_strength_its_support_and_its_range_under_any_dose() -> None:
    healthy = over_dose(people_of([0.0], [1.0]))
    assert np.all(healthy["strength"] > 0.97)
    assert np.all(healthy["speed"] > 0.97 * parameters.load("walking").value("healthy_speed", "m/s"))
    assert np.all(healthy["category"] == 5.0)
    assert np.all(healthy["support"] > 2.0)
    ranges = np.array([group.range_of_motion for group in muscle_groups()])
    np.testing.assert_array_equal(healthy["reach"][:, :, 0], np.tile(ranges, (len(EFFECTS), 1)))


def test_the_drug_takes_strength_from_the_paretic_and_the_weaker_keep_less_of_theirs() -> None:
    strength, taken = jnp.linspace(0.0, 1.0, 41)[:, None], jnp.linspace(0.0, 6.0, 25)
    left = np.asarray(strength_under(strength, taken, 2.8, VolleyConstants.from_records()))
    np.testing.assert_array_equal(left[:, 0], strength[:, 0])
    assert np.all(np.diff(left, axis=1) <= 0.0), "more drug is never more strength"
    assert np.all(np.diff(left, axis=0) >= 0.0)
    assert np.all(np.diff(left[1:] / np.asarray(strength[1:]), axis=0) >= -1e-9)
    assert np.all(left[0] == 0.0)
    assert left[20, 8] < 0.8 * 0.5, "2 mV take a fifth and more of half a strength"


def test_what_lowers_the_signal_and_not_the_motoneuron_costs_no_strength() -> None:
    """A fifth of the own signal unlearned takes tone and leaves the pool what the will gives it."""
    people = people_of([3.0, 3.0, 3.0], [0.2, 0.5, 0.9])
    before, after = (treated(one) for one in (people, changed(people, Effects.on(WIDTH, "leg", bias_kept=0.8))))
    np.testing.assert_array_equal(after.strength, before.strength)
    assert np.all(np.asarray(after.tone_torque) < np.asarray(before.tone_torque))


# --- stance ----------------------------------------------------------------------------------------------------------


def test_hip_knee_and_ankle_hold_together() -> None:
    """A knee that holds nothing any more leaves what hip and ankle hold, and a strong leg stands on that."""
    people = people_of([0.0, 3.0], [1.0, 0.5])
    knee = Effects.on(WIDTH, "knee extensors", blockade=1.0, force=0.0)
    ankle = Effects.on(WIDTH, "ankle plantarflexors", blockade=1.0, force=0.0)
    each = [treated(people, effects) for effects in (NOTHING, knee, knee.joined(ankle))]
    torques = [np.asarray(one.voluntary_torque + one.tone_torque) for one in each]
    assert np.all(torques[0] > torques[1])
    assert np.all(torques[1] > torques[2])
    assert np.all(torques[2] > 0.0), "nobody injects the hip"
    assert walking(each[1])[0][0] > 1.0
    np.testing.assert_array_equal(each[1].strength, each[0].strength)


def test_benefit_and_harm_go_one_way_with_the_dose(population: People, dosed: dict[str, np.ndarray]) -> None:
    for name in ("strength", "support"):
        assert np.all(np.diff(dosed[name], axis=0) <= 1e-9), name
    tone = np.stack([grades(population, effect) for effect in EFFECTS[::7]])
    assert np.all(np.diff(tone, axis=0) <= 1e-9)


# --- walking ---------------------------------------------------------------------------------------------------------


def test_walking_turns_back_with_the_dose_only_where_drive_is_little() -> None:
    """Speed over dose: a spastic leg with full drive only gains, one with little gains first and loses then."""
    speed = over_dose(people_of([2.5] * 4, [1.0, 0.97, 0.6, 0.45]))["speed"][:, :4]
    lost = 1.0 - speed[-1] / speed.max(axis=0)
    assert np.all(lost[:2] < 0.05)
    assert np.all(lost[2:] > 0.15)
    for person in (2, 3):
        inside = int(np.argmax(speed[:, person]))
        assert 0 < inside < len(EFFECTS) - 1
        assert speed[inside, person] > 1.01 * speed[0, person]


def test_the_exponent_of_strength_is_the_middle_of_what_two_sources_allow() -> None:
    """Nadeau 1999 from below: strength explains 0.69 of the variance of speed (16 people, so 0.33 at least, by
    Fisher's z), if people differ besides as the healthy do (Kasovic 2021, 1.24 (0.28) m/s). Perry 1995 from above: who
    carries the body by strength alone, and just so (Akazawa 2017), is not bound to the house (0.4 m/s).
    """
    gait, c = parameters.load("walking"), chart_constants().walking
    healthy, exponent = gait.value("healthy_speed", "m/s"), gait.value("strength_exponent", "1")
    most = np.log(healthy / c.speed_marks[0]) / -np.log(gait.value("needed_share", "1"))
    cohort = Cohort.draw(SEED, np.arange(POOL), Population.typical("stroke"))
    bias, strength, since_h = (np.asarray(one) for one in LesionCourse.of(cohort, SEED).at(0.0))
    paretic = np.flatnonzero((strength[LEG] < 0.95) & (since_h > 6 * 730.5))[: 6 * WIDTH]
    standing = [treated(people_of(bias[:, k], strength[:, k])) for k in np.split(paretic, 6)]
    support, speed, _ = (np.concatenate(one) for one in zip(*map(walking, standing), strict=True))
    walks = support >= 1.0
    own, per_unit = strength[LEG, paretic][walks], speed[walks] / strength[LEG, paretic][walks] ** exponent
    scatter = (0.28 / 1.24) ** 2

    def explained(by: float) -> float:
        v = per_unit * own**by
        return float(np.cov(own, v)[0, 1] ** 2 / (own.var() * (v.var() * (1 + scatter) + scatter * v.mean() ** 2)))

    by = np.linspace(0.1, 1.5, 57)
    share = np.array([explained(one) for one in by])
    assert np.all(np.diff(share) > 0), "the more strength counts, the more it explains"
    least = np.interp(np.tanh(np.arctanh(np.sqrt(0.69)) - 1.96 / np.sqrt(16 - 3)) ** 2, share, by)
    assert least < exponent < most
    assert exponent == pytest.approx(np.sqrt(least * most), rel=0.1)
    assert (gait["strength_exponent"].spread.low, gait["strength_exponent"].spread.high) == pytest.approx(
        (least, most), rel=0.1
    )


def test_one_population_holds_who_collapses_who_is_freed_and_who_gains_comfort_only(
    population: People, dosed: dict[str, np.ndarray]
) -> None:
    """Same equations, other people: all walk alone before, all lose tone, and their walking goes three ways."""
    dose = int(np.searchsorted(EFFECTS, 0.45 - 1e-9))
    softer = grades(population, 0.0) - grades(population, float(EFFECTS[dose]))
    faster = dosed["speed"][dose] - dosed["speed"][0]
    collapses = dosed["support"][dose] < 1.0
    freed = ~collapses & (faster >= 0.1)
    comfort = ~collapses & (np.abs(faster) < 0.1) & (softer > 0.3)
    for kind in (collapses, freed, comfort):
        assert 0.05 < np.mean(kind) < 0.9, [np.mean(one) for one in (collapses, freed, comfort)]
    assert np.all(dosed["category"][0] >= 3.0)
    assert np.all(dosed["category"][dose][collapses] < 3.0)
    strength = np.asarray(population.strength[LEG])
    assert np.median(strength[collapses]) < np.median(strength[freed]), "what parts them is the drive that is left"


# --- hidden movement -------------------------------------------------------------------------------------------------


def test_a_drug_unmasks_movement_in_some_and_takes_it_from_the_weak() -> None:
    """Stiff arms with drive to spare open; who moves against stiff tissue with a tenth of the strength moves less."""
    people = people_of([2.0, 2.0, 2.0, 0.6], [0.1, 0.5, 0.9, 0.1], contracture=2.0)
    reach = over_dose(people, np.array([0.0, 0.35, 0.7]))["reach"][:, NAMES.index("elbow flexors"), :4]
    gained = reach[1:] - reach[0]
    assert np.all(gained[:, 1:3] > 10.0)
    assert gained[1, 3] < -5.0
    assert np.all(gained[:, 0] < gained[:, 1])


def test_toxin_opens_the_joint_whose_muscle_holds_back_and_no_other() -> None:
    people = people_of(np.linspace(0.5, 4.5, 8), np.linspace(0.15, 0.9, 8))
    row = NAMES.index("wrist flexors")
    blocks = [Effects.on(WIDTH, NAMES[row], blockade=q, force=1.0 - q) for q in (0.0, 0.2, 0.4, 0.6, 0.8)]
    reach = np.stack([np.asarray(treated(people, one).active_range) for one in blocks])
    assert np.all(np.diff(reach[:, row], axis=0) >= -1e-5)
    assert np.max(reach[-1, row] - reach[0, row]) > 10.0
    reflex_alone = np.asarray(treated(people, Effects.on(WIDTH, NAMES[row], blockade=0.8)).active_range)[row]
    assert np.max(reach[-1, row] - reflex_alone) > 5.0, "it weakens what the muscle does against the will, too"
    others = [k for k in range(len(NAMES)) if k != row]
    np.testing.assert_array_equal(reach[:, others], np.broadcast_to(reach[0, others], reach[:, others].shape))


def test_toxin_in_the_muscle_that_moves_a_joint_takes_range() -> None:
    """Elbow extensors straighten the arm against its flexors; the two groups of one joint answer each other."""
    people = people_of([2.0] * 4, [0.2, 0.4, 0.6, 0.8])
    blocks = (NOTHING, Effects.on(WIDTH, "elbow extensors", blockade=0.6, force=0.4))
    before, after = (np.asarray(treated(people, one).active_range) for one in blocks)
    row = NAMES.index("elbow flexors")
    assert np.all(after[row] < before[row])
