"""Laws of named conditions: sides, sizes and times of what they leave of the pathways, of tone and of strength."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eutonia import parameters
from eutonia.errors import SimulationError
from eutonia.patient import (
    ARM,
    CONDITIONS,
    LEG,
    MIXES,
    ORIGINS,
    Cohort,
    Lesion,
    Lesions,
    Population,
    TruncatedNormal,
    lesion_mix,
)
from eutonia.patient.lesion import SEGMENTS
from eutonia.patient.pathways import MEDIAL_RETICULOSPINAL, MONOAMINERGIC
from eutonia.simulation.people import Traits
from eutonia.tone.descending import DescendingConstants, descending_bias, voluntary_strength

DAY, YEAR = 24.0, 8766.0
MANY = settings(deadline=None, max_examples=60)

names = st.sampled_from(["spinal cord injury", "relapsing", "progressive", "diplegic", "hemiplegic", "brain injury"])
shares = st.floats(0, 1)
times = st.floats(0, 60 * YEAR)
factors = st.floats(0.05, 20)


def condition_of(name: str) -> str:
    forms = {form: origin for origin, one in CONDITIONS.items() for form in one.forms}
    return forms.get(name, name)


def lesion_of(name: str, share: float, level: str = "C4") -> Lesion:
    if name in ("relapsing", "progressive"):
        return Lesion.multiple_sclerosis(share, name)
    if name in ("diplegic", "hemiplegic"):
        return Lesion.cerebral_palsy(share, name)
    return Lesion.brain_injury(share) if name == "brain injury" else Lesion.spinal(level, share)


def bias_of(name: str, share: float, time_h: float, factor: float = 1.0) -> np.ndarray:
    integrity = lesion_of(name, share).pathways.integrity(time_h)
    constants = DescendingConstants.of(condition_of(name))
    return np.asarray(descending_bias(integrity, np.full((2, 1), factor), time_h, constants))[:, 0]


def strength_of(name: str, share: float, time_h: float, exponent: float = 1.0) -> np.ndarray:
    integrity = lesion_of(name, share).pathways.integrity(time_h)
    constants = DescendingConstants.of(condition_of(name))
    return np.asarray(voluntary_strength(integrity, np.full((2, 1), exponent), constants))[:, 0]


@MANY
@given(names, times, factors)
def test_no_load_no_tone_and_full_strength(name: str, time_h: float, factor: float) -> None:
    assert np.all(lesion_of(name, 0.0).pathways.integrity(time_h) == 1.0)
    assert np.all(bias_of(name, 0.0, time_h, factor) == 0.0)
    assert np.all(strength_of(name, 0.0, time_h, factor) == 1.0)


@MANY
@given(names, shares, times)
def test_integrity_is_a_share(name: str, share: float, time_h: float) -> None:
    integrity = lesion_of(name, share).pathways.integrity(time_h)
    assert np.all((integrity >= 0.0) & (integrity <= 1.0))
    assert np.all(integrity >= 1.0 - lesion_of(name, share).pathways.core_loss - 1e-12)


@MANY
@given(names, shares, shares, times, factors)
def test_more_of_it_is_never_less_tone_nor_more_strength(
    name: str, one: float, other: float, time_h: float, factor: float
) -> None:
    less, more = sorted((one, other))
    assert np.all(bias_of(name, more, time_h, factor) >= bias_of(name, less, time_h, factor) - 1e-12)
    assert np.all(strength_of(name, more, time_h, factor) <= strength_of(name, less, time_h, factor) + 1e-12)


@MANY
@given(st.integers(0, len(SEGMENTS) - 1), st.integers(0, len(SEGMENTS) - 1), shares)
def test_a_higher_cord_injury_never_loses_less(one: int, other: int, share: float) -> None:
    high, low = (Lesion.spinal(SEGMENTS[i], share).pathways.core_loss for i in sorted((one, other)))
    assert np.all(high >= low)


@pytest.mark.parametrize("name", ["spinal cord injury", "relapsing", "progressive", "diplegic", "brain injury"])
def test_both_sides_are_weak_but_in_hemiplegia(name: str) -> None:
    assert lesion_of(name, 0.5).weak_side == "both"
    assert Lesion.cerebral_palsy(0.5, "hemiplegic", side="left").weak_side == "right"


@MANY
@given(st.floats(0.05, 0.95), times)
def test_legs_before_arms_in_sclerosis_and_diplegia_and_arms_before_legs_in_hemiplegia(
    share: float, time_h: float
) -> None:
    for name in ("relapsing", "progressive", "diplegic"):
        integrity = lesion_of(name, share).pathways.integrity(time_h)
        assert np.all(integrity[:, LEG] <= integrity[:, ARM])
    integrity = lesion_of("hemiplegic", share).pathways.integrity(time_h)
    assert np.all(integrity[:, ARM] <= integrity[:, LEG])


@MANY
@given(shares, times)
def test_only_the_cord_holds_monoaminergic_and_medial_paths(share: float, time_h: float) -> None:
    for name in ("diplegic", "hemiplegic", "brain injury"):
        assert np.all(lesion_of(name, share).pathways.integrity(time_h)[MEDIAL_RETICULOSPINAL:] == 1.0)
    for name in ("relapsing", "spinal cord injury"):
        assert np.all(lesion_of(name, max(share, 0.05)).pathways.integrity(time_h + DAY)[MONOAMINERGIC, LEG] < 1.0)


@MANY
@given(st.floats(0.2, 1), factors, st.floats(0, 1))
def test_flaccid_at_first_after_cord_injury_and_brain_injury_and_never_otherwise(
    share: float, factor: float, part: float
) -> None:
    for name in ("spinal cord injury", "brain injury"):
        flaccid_h = DescendingConstants.of(name).flaccid_time
        assert flaccid_h > DAY
        assert np.all(bias_of(name, share, part * flaccid_h, factor) == 0.0)
        assert bias_of(name, share, flaccid_h + DAY, factor)[LEG] > 0.0
    for name in ("relapsing", "progressive", "diplegic", "hemiplegic"):
        assert np.all(bias_of(name, share, DAY, factor) > 0.0)


@MANY
@given(st.sampled_from(["spinal cord injury", "progressive", "diplegic", "brain injury"]), shares, times, times)
def test_tone_rises_to_a_plateau(name: str, share: float, one: float, other: float) -> None:
    early, late = (bias_of(name, share, time_h) for time_h in sorted((one, other)))
    assert np.all(late >= early - 1e-12)
    assert np.allclose(bias_of(name, share, 1000 * YEAR), bias_of(name, share, 2000 * YEAR))


def test_tone_comes_more_slowly_after_a_cord_injury_than_after_stroke() -> None:
    stroke, cord = DescendingConstants.from_records(), DescendingConstants.of("spinal cord injury")
    assert cord.flaccid_time > stroke.flaccid_time
    assert cord.emergence_time > stroke.emergence_time
    assert DescendingConstants.of("brain injury") == stroke == DescendingConstants.of("spinal")


@MANY
@given(st.floats(0.05, 1), times, times)
def test_the_progressive_course_only_worsens_and_the_first_attack_remits(load: float, one: float, other: float) -> None:
    progressive, relapsing = (
        Lesion.multiple_sclerosis(load, course).pathways for course in ("progressive", "relapsing")
    )
    early, late = (progressive.integrity(time_h) for time_h in sorted((one, other)))
    assert np.all(late <= early + 1e-12)
    attack, year = relapsing.integrity(0.0), relapsing.integrity(YEAR)
    assert np.all(year > attack)
    assert np.all(relapsing.integrity(60 * YEAR) < year)
    assert np.all(progressive.integrity(10 * YEAR) < relapsing.integrity(10 * YEAR))


@settings(deadline=None, max_examples=10)
@given(
    st.sampled_from(list(CONDITIONS)),
    st.integers(0, 2**31 - 1),
    st.lists(st.integers(0, 10_000), min_size=7, max_size=7, unique=True),
)
def test_adding_a_person_changes_nobody_else(origin: str, seed: int, person: list[int]) -> None:
    population = Population.typical(origin)
    alone = Cohort.draw(seed, person[:1], population)
    among = Cohort.draw(seed, person[::-1], population).take(np.array([len(person) - 1]))
    time_h = alone.time_since_onset_h
    assert np.array_equal(time_h, among.time_since_onset_h)
    assert np.array_equal(alone.pathways.integrity(time_h), among.pathways.integrity(time_h))


@pytest.mark.parametrize("origin", CONDITIONS)
def test_a_typical_population_has_the_condition(origin: str) -> None:
    condition = CONDITIONS[origin]
    typical = Population.typical(origin)
    cohort = Cohort.draw(5, np.arange(512), typical)
    assert cohort.origin == origin
    assert {share.kind for share in lesion_mix(condition.mix)} == {condition.lesion}
    assert np.all((cohort.lesions.completeness >= 0.0) & (cohort.lesions.completeness <= 1.0))
    assert np.all(cohort.age_year >= 18.0)
    is_age = np.array_equal(cohort.time_since_onset_h, cohort.age_year * YEAR)
    assert is_age == (origin == "cerebral palsy")
    assert isinstance(typical.age, TruncatedNormal)
    assert cohort.age_year.mean() == pytest.approx(typical.age.mean, abs=3.0)
    assert np.mean(cohort.is_woman) == pytest.approx(parameters.load(condition.records).value("women", "1"), abs=0.08)
    contracture = np.asarray(Traits.draw(5, jnp.asarray(cohort.person), origin).contracture)
    assert np.all(contracture == 0.0) if condition.is_cord else np.median(contracture) > 0.5


def test_every_origin_but_health_has_its_mix() -> None:
    assert len(MIXES) == len(set(MIXES)) == len(ORIGINS) - 1


def test_a_stack_of_conditions_is_what_each_is_alone() -> None:
    many = [lesion_of(name, 0.6) for name in ("relapsing", "progressive", "diplegic", "hemiplegic", "brain injury")]
    many += [Lesion.spinal("C6", 0.6), Lesion.ischaemic("ACA"), Lesion.none()]
    integrity = Lesions.of(many).pathways().integrity(3 * YEAR)
    for index, lesion in enumerate(many):
        assert np.array_equal(integrity[..., index : index + 1], lesion.pathways.integrity(3 * YEAR))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Lesion.multiple_sclerosis(0.5, "relapsin"), ["relapsin", "Nearest: relapsing", "progressive"]),
        (lambda: Lesion.brain_injury(1.2), ["load of brain injury", "1.2", "Nearest: 1"]),
        (lambda: Lesion.cerebral_palsy(0.5, "tetraplegic"), ["tetraplegic", "diplegic"]),
        (lambda: Population.typical("brain injry"), ["brain injry", "Nearest: brain injury"]),
    ],
)
def test_errors_teach(make: object, words: list[str]) -> None:
    with pytest.raises(SimulationError) as caught:
        make()  # type: ignore[operator]
    for word in words:
        assert word in str(caught.value)
