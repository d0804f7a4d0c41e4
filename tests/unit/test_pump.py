"""The reservoir: nothing is delivered that was not in it, and it runs dry and alarms when it has to."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eutonia.drug.pump import Pump

NANOLITRE_ML = 1e-6

rates = st.one_of(st.just(0.0), st.floats(1.0, 60.0))  # ug/h: 24 to 1440 ug a day
spans = st.floats(0.0, 3000.0)
concentrations = st.sampled_from([250.0, 500.0, 1000.0, 2000.0])
programmes = st.lists(st.tuples(rates, spans, st.booleans()), min_size=1, max_size=8)


def full(concentration: float = 500.0) -> Pump:
    return Pump(reservoir=20.0, concentration=concentration, alarm_volume=2.0, volume=20.0)


def test_a_pump_delivers_what_is_programmed_and_empties_by_it() -> None:
    pump = full().program(100 / 24)
    assert pump.delivered == 100 / 24
    assert pump.flow == pytest.approx(0.2 / 24)
    later = pump.at(30 * 24.0)
    assert later.volume == pytest.approx(20.0 - 6.0)
    assert (later.time_h, later.delivered) == (720.0, 100 / 24)


def test_dry_and_alarm_times_are_exact() -> None:
    pump = full().program(200 / 24)  # 0.4 mL a day
    assert pump.dry_at_h == pytest.approx(50 * 24.0, rel=1e-12)
    assert pump.alarm_at_h == pytest.approx(45 * 24.0, rel=1e-12)
    just_before = pump.at(pump.dry_at_h - 0.01)
    assert just_before.volume > 0.0
    assert just_before.delivered == 200 / 24
    dry = just_before.at(pump.dry_at_h)
    assert (dry.volume, dry.delivered) == (0.0, 0.0)


def test_the_alarm_sounds_once_and_again_after_a_refill() -> None:
    pump = full().program(200 / 24)
    low = pump.at(pump.alarm_at_h)
    assert low.volume == pytest.approx(2.0)
    assert low.at(low.time_h + 1.0).alarm_at_h == math.inf
    again = low.refill()
    assert again.alarm_at_h == pytest.approx(low.time_h + 45 * 24.0)


def test_a_dry_pump_stays_dry_until_it_is_refilled() -> None:
    dry = full().program(50.0).at(1e5)
    assert (dry.volume, dry.delivered, dry.dry_at_h, dry.alarm_at_h) == (0.0, 0.0, math.inf, math.inf)
    assert dry.at(2e5).volume == 0.0
    assert dry.refill().delivered == 50.0


def test_a_stopped_pump_never_runs_dry() -> None:
    stopped = full().program(0.0)
    assert (stopped.dry_at_h, stopped.alarm_at_h, stopped.delivered) == (math.inf, math.inf, 0.0)
    assert stopped.at(1e6).volume == 20.0


def test_a_refill_may_bring_another_concentration() -> None:
    stronger = full(500.0).program(200 / 24).at(24.0).refill(2000.0)
    assert (stronger.volume, stronger.concentration, stronger.programmed) == (20.0, 2000.0, 200 / 24)
    assert stronger.dry_at_h - stronger.time_h == pytest.approx(200 * 24.0)


@given(concentrations, programmes)
def test_drug_is_conserved_and_the_volume_never_negative(
    concentration: float, programme: list[tuple[float, float, bool]]
) -> None:
    """What left the reservoir is what reached the fluid, span by span, whether or not the pump ran dry in it."""
    pump = full(concentration)
    for rate, span, refilled in programme:
        pump = pump.refill() if refilled else pump
        pump = pump.program(rate)
        flowing_h = min(span, pump.dry_at_h - pump.time_h) if pump.delivered > 0 else 0.0
        later = pump.at(pump.time_h + span)
        assert 0.0 <= later.volume <= pump.volume
        given_ug = pump.delivered * flowing_h
        assert (pump.volume - later.volume) * concentration == pytest.approx(
            given_ug, rel=1e-9, abs=2 * NANOLITRE_ML * concentration
        )
        assert later.time_h == pump.time_h + span
        pump = later


@given(rates, spans, st.floats(0, 1))
def test_looking_in_between_changes_nothing(rate: float, span: float, share: float) -> None:
    pump = full().program(rate)
    direct, halted = pump.at(span), pump.at(share * span).at(span)
    assert halted.volume == pytest.approx(direct.volume, abs=2 * NANOLITRE_ML)
    assert (halted.delivered > 0) == (direct.delivered > 0) or direct.volume < 2 * NANOLITRE_ML
