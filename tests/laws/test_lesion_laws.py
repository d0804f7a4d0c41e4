"""Laws of lesions, pathways and descending bias: they hold whatever the numbers in the records."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eutonia.patient import ARM, LEG, SITES, TERRITORIES, Cohort, Lesion, Lesions, Pathways, Population
from eutonia.patient.lesion import reference_volume_mL
from eutonia.patient.pathways import CORTICOSPINAL, DORSAL_RETICULOSPINAL
from eutonia.tone.descending import bias_factors, descending_bias, strength_exponents, voluntary_strength

DAY = 24.0
A_THREAD = 1 / 119  # of the arm
MANY = settings(deadline=None, max_examples=60)

places = st.sampled_from([*TERRITORIES, *SITES, "C3", "C5", "C8", "T4", "T12", "L3"])
sizes = st.floats(0, 1)
times = st.floats(0, 10 * 365 * DAY)
factors = st.floats(0.05, 20)


def lesion_at(place: str, size: float) -> Lesion:
    """Return an infarct, a bleed or a cord lesion; `size` is a share of the territory, of 150 mL or of the cord."""
    if place in TERRITORIES:
        return Lesion.ischaemic(place, extent=size)
    return Lesion.haemorrhagic(place, 150.0 * size) if place in SITES else Lesion.spinal(place, size)


def bias_of(lesion: Lesion, factor: float, time_h: float) -> np.ndarray:
    integrity = lesion.pathways.integrity(time_h)
    return np.asarray(descending_bias(integrity, np.full((2, 1), factor), time_h))[:, 0]


@MANY
@given(factors, times)
def test_no_lesion_no_bias_and_full_strength(factor: float, time_h: float) -> None:
    integrity = Lesion.none().pathways.integrity(time_h)
    assert np.all(integrity == 1.0)
    assert np.all(bias_of(Lesion.none(), factor, time_h) == 0.0)
    assert np.all(np.asarray(voluntary_strength(integrity, np.full((2, 1), factor))) == 1.0)


@MANY
@given(places, sizes, times)
def test_integrity_stays_between_zero_and_what_is_not_dead(place: str, size: float, time_h: float) -> None:
    pathways = lesion_at(place, size).pathways
    integrity = pathways.integrity(time_h)
    assert np.all((integrity >= 0.0) & (integrity <= 1.0))
    assert np.all(integrity <= 1.0 - pathways.core_loss + 1e-12)


@MANY
@given(places, sizes, times, times)
def test_dead_tissue_stays_lost_and_the_damaged_only_recovers(
    place: str, size: float, one: float, other: float
) -> None:
    pathways = lesion_at(place, size).pathways
    early, late = pathways.integrity(min(one, other)), pathways.integrity(max(one, other))
    assert np.all(late >= early)
    assert np.allclose(pathways.integrity(1e7), 1.0 - pathways.core_loss)


@MANY
@given(st.sampled_from(TERRITORIES), st.floats(0, 1), st.floats(0, 1), times)
def test_a_larger_infarct_never_loses_less(territory: str, one: float, other: float, time_h: float) -> None:
    small = Lesion.ischaemic(territory, extent=min(one, other)).pathways
    large = Lesion.ischaemic(territory, extent=max(one, other)).pathways
    assert np.all(large.core_loss >= small.core_loss - 1e-12)
    assert np.all(large.integrity(time_h) <= small.integrity(time_h) + 1e-12)


@MANY
@given(st.sampled_from(SITES), st.floats(0, 150), st.floats(0, 150), times)
def test_a_larger_bleed_never_loses_less(site: str, one: float, other: float, time_h: float) -> None:
    small, large = (Lesion.haemorrhagic(site, volume).pathways for volume in sorted((one, other)))
    assert np.all(large.core_loss >= small.core_loss - 1e-12)
    assert np.all(large.integrity(time_h) <= small.integrity(time_h) + 1e-12)


@MANY
@given(st.sampled_from(["C4", "C6", "T2", "T10", "L2"]), st.floats(0, 1), st.floats(0, 1))
def test_a_more_complete_cord_lesion_never_loses_less(level: str, one: float, other: float) -> None:
    less, more = (Lesion.spinal(level, share).pathways for share in sorted((one, other)))
    assert np.all(more.core_loss >= less.core_loss)
    assert level == "L2" or np.all(more.core_loss[:, LEG] == max(one, other))


@MANY
@given(st.sampled_from(SITES), st.floats(2, 150))
def test_a_bleed_disables_more_early_than_late(site: str, volume: float) -> None:
    pathways = Lesion.haemorrhagic(site, volume).pathways
    early, late = 1.0 - pathways.integrity(0.0), 1.0 - pathways.integrity(365 * DAY)
    assert np.all(early >= late)
    assert np.all((early > late) | (early < 1e-9) | (pathways.shell_loss < 1e-9))


@pytest.mark.parametrize("volume", [3.0, 5.0, 9.0])
def test_the_early_deficit_of_a_deep_bleed_is_larger_than_the_late_one(volume: float) -> None:
    pathways = Lesion.haemorrhagic("thalamic", volume).pathways
    assert (1.0 - pathways.integrity(0.0)).sum() > (1.0 - pathways.integrity(180 * DAY)).sum() + 0.05


@MANY
@given(st.floats(0.05, 1), times)
def test_arm_before_leg_in_the_deep_branches(extent: float, time_h: float) -> None:
    left = Lesion.ischaemic("lenticulostriate", extent=extent).pathways.integrity(time_h)[CORTICOSPINAL]
    assert left[ARM] <= left[LEG] + A_THREAD


@MANY
@given(st.floats(0.35, 1), times)
def test_leg_before_arm_in_large_infarcts_of_the_anterior_cerebral_artery(extent: float, time_h: float) -> None:
    left = Lesion.ischaemic("ACA", extent=extent).pathways.integrity(time_h)
    assert left[CORTICOSPINAL, LEG] <= left[CORTICOSPINAL, ARM]
    assert left[DORSAL_RETICULOSPINAL, LEG] < left[DORSAL_RETICULOSPINAL, ARM]


@MANY
@given(places, sizes, factors, times)
def test_bias_is_never_negative_and_grows_with_the_persons_factor(
    place: str, size: float, factor: float, time_h: float
) -> None:
    lesion = lesion_at(place, size)
    bias = bias_of(lesion, factor, time_h)
    assert np.all(bias >= 0.0)
    assert np.all(bias_of(lesion, 1.5 * factor, time_h) >= bias)


@MANY
@given(st.sampled_from(TERRITORIES), factors, times, times)
def test_bias_of_dead_tissue_never_falls(territory: str, factor: float, one: float, other: float) -> None:
    core = Lesion.ischaemic(territory).pathways
    core = Pathways(core.core_loss, np.zeros_like(core.shell_loss), core.recovery_time_h)
    early, late = (
        np.asarray(descending_bias(core.integrity(t), np.full((2, 1), factor), t)) for t in sorted((one, other))
    )
    assert np.all(late >= early)


@MANY
@given(places, sizes, factors)
def test_a_limb_is_flaccid_at_first(place: str, size: float, factor: float) -> None:
    assert np.all(bias_of(lesion_at(place, size), factor, 0.0) == 0.0)


@MANY
@given(places, sizes, factors, times)
def test_strength_lies_between_nothing_and_all(place: str, size: float, exponent: float, time_h: float) -> None:
    integrity = lesion_at(place, size).pathways.integrity(time_h)
    strength = np.asarray(voluntary_strength(integrity, np.full((2, 1), exponent)))
    assert np.all((strength >= 0.0) & (strength <= 1.0))


@settings(deadline=None, max_examples=12)
@given(st.integers(0, 2**31 - 1), st.lists(st.integers(0, 10_000), min_size=7, max_size=7, unique=True))
def test_adding_a_person_changes_nobody_else(seed: int, person: list[int]) -> None:
    population = Population.typical("stroke")
    alone = Cohort.draw(seed, person[:1], population)
    among = Cohort.draw(seed, person[::-1], population).take(np.array([len(person) - 1]))
    assert alone.person == among.person
    for name in ("age_year", "weight_kg", "creatinine_clearance_mL_min", "time_since_onset_h", "is_woman"):
        assert getattr(alone, name) == getattr(among, name)
    assert np.array_equal(alone.pathways.core_loss, among.pathways.core_loss)
    assert np.array_equal(alone.pathways.shell_loss, among.pathways.shell_loss)
    last = np.s_[..., -1:]
    assert np.array_equal(bias_factors(seed, person[:1]), bias_factors(seed, person[::-1])[last])
    assert np.array_equal(strength_exponents(seed, person[:1]), strength_exponents(seed, person[::-1])[last])


def test_one_block_or_many_give_the_same_bits() -> None:
    population = Population.typical("stroke")
    whole = Cohort.draw(7, np.arange(5000), population)
    parts = [Cohort.draw(7, np.arange(start, start + 1000), population) for start in range(0, 5000, 1000)]
    for name in ("core_loss", "shell_loss"):
        joined = np.concatenate([getattr(part.pathways, name) for part in parts], axis=-1)
        assert np.array_equal(getattr(whole.pathways, name), joined)
    assert np.array_equal(whole.weight_kg, np.concatenate([part.weight_kg for part in parts]))


def test_one_lesion_is_the_same_alone_and_in_a_stack() -> None:
    many = [Lesion.ischaemic(name, extent=0.4) for name in TERRITORIES]
    many += [Lesion.haemorrhagic(name, 12.0) for name in SITES]
    many += [Lesion.spinal("C6", 0.7), Lesion.none()]
    stack = Lesions.of(many).pathways()
    for index, lesion in enumerate(many):
        assert np.array_equal(stack.core_loss[..., index : index + 1], lesion.pathways.core_loss)
        assert np.array_equal(stack.shell_loss[..., index : index + 1], lesion.pathways.shell_loss)


@pytest.mark.parametrize("territory", TERRITORIES)
def test_volume_and_extent_say_the_same(territory: str) -> None:
    by_extent = Lesion.ischaemic(territory, extent=0.5)
    assert by_extent == Lesion.ischaemic(territory, volume_mL=0.5 * reference_volume_mL(territory))
