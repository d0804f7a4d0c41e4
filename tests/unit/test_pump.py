"""The pump as a device: what it runs at, how long it lasts, what comes out of the tip and when."""

from __future__ import annotations

import math

import pytest

from eutonia.drug.pump import Device, Program, ProgramStep, Pump, Therapy, next_dates, play
from eutonia.drug.pump import therapy as happens
from eutonia.errors import StudyError

SYNCHROMED, PROMETRA = Device.named("SynchroMed II"), Device.named("Prometra II")
DAY = 24.0


def full(concentration: float = 500.0, reservoir: float = 20.0, *, is_primed: bool = True) -> Pump:
    return Pump.implanted(SYNCHROMED, reservoir, concentration, 82.27, alarm_volume=2.0, is_primed=is_primed)


def therapy(*events: happens.Event, days: float = 100.0, device: Device = SYNCHROMED, **more: object) -> Therapy:
    given = {"concentration": 500.0, "tip": "T10", "origin": "cerebral"} | more
    return Therapy(
        device=device,
        reservoir=20.0,
        alarm_volume=2.0,
        catheter_cm=82.27,
        events=events,
        duration_h=days * DAY,
        **given,
    )  # type: ignore[arg-type]


def test_a_pump_delivers_what_is_programmed_and_empties_by_it() -> None:
    pump = full().program(100 / 24)
    assert pump.delivered == pytest.approx(100 / 24, rel=1e-14)
    assert pump.flow == pytest.approx(0.2 / 24)
    later = pump.at(30 * DAY)
    assert later.volume == pytest.approx(20.0 - 6.0)
    assert later.ledger.delivered == pytest.approx(3000.0)


@pytest.mark.parametrize(
    ("fill", "concentration", "dose", "days"),
    [
        (20.0, 500.0, 100, 90),
        (20.0, 2000.0, 250, 144),
        (40.0, 2000.0, 250, 304),
        (20.0, 2000.0, 600, 60),
        (40.0, 2000.0, 1000, 76),
    ],
)
def test_days_to_the_alarm_are_those_of_the_arithmetic(fill: float, concentration: float, dose: int, days: int) -> None:
    pump = full(concentration, fill).program(dose / 24)
    assert pump.alarm_at_h == pytest.approx(days * DAY, rel=1e-12)


def test_the_alarm_sounds_once_and_a_dry_pump_stays_dry_until_it_is_refilled() -> None:
    low = (pump := full().program(200 / 24)).at(pump.alarm_at_h)
    assert low.volume == pytest.approx(2.0)
    assert low.alarm_at_h == math.inf
    assert low.refill().alarm_at_h == pytest.approx(low.time_h + 45 * DAY)
    dry = low.at(1e5)
    assert (dry.volume, dry.delivered, dry.dry_at_h) == (0.0, 0.0, math.inf)
    assert dry.refill().delivered == pytest.approx(200 / 24)


@pytest.mark.parametrize(("concentration", "dose"), [(500.0, 24), (1000.0, 48), (2000.0, 96)])
def test_the_lowest_dose_is_that_of_the_lowest_flow(concentration: float, dose: int) -> None:
    assert SYNCHROMED.lowest_dose(concentration) * DAY == pytest.approx(dose)
    too_low = full(concentration).program(dose / 48)
    assert too_low.delivered * DAY == pytest.approx(dose)
    assert full(concentration).program(0.0).delivered == 0.0


def test_the_minimum_rate_mode_runs_below_the_lowest_flow() -> None:
    course = play(therapy(happens.Prime(0.0), happens.Programmed(DAY, None)))
    assert course.totals([50 * DAY, 51 * DAY])[1, 0] == pytest.approx(0.006 * 500)


def test_without_priming_nothing_reaches_the_tip_for_days() -> None:
    """The worked example of the notes: 0.38 mL at 0.125 mL a day are three days."""
    pump = full(2000.0, is_primed=False).program(250 / 24)
    assert pump.dead_volume == pytest.approx(0.38, abs=1e-4)
    assert pump.delivered == 0.0
    transit = pump.dead_volume / 0.125 * DAY
    assert transit == pytest.approx(3.04 * DAY, rel=1e-3)
    assert pump.at(transit - 0.01).delivered == 0.0
    assert pump.at(transit + 0.01).delivered == pytest.approx(250 / 24)


def test_priming_brings_drug_to_the_tip_and_none_out_of_it() -> None:
    course = play(therapy(happens.Prime(0.0), happens.Programmed(0.0, Program.simple(100 / 24))))
    pumped, tip, _ = course.totals([0.0, DAY])[:, 0]
    assert pumped == pytest.approx(0.38 * 500 + 100 * (1 - 0.38 / 24), rel=1e-3)
    assert tip == pytest.approx(100 * (1 - 0.38 / 24), rel=1e-3)


def test_a_bridge_keeps_the_old_dose_while_the_old_solution_leaves() -> None:
    """From 500 to 2000 ug/mL at 100 ug a day: with the bridge the tip never notices, without it gets a quarter."""
    start = (happens.Prime(0.0), happens.Programmed(0.0, Program.simple(100 / 24)))
    change = (happens.Refill(30 * DAY, 2000.0), happens.Programmed(30 * DAY, Program.simple(120 / 24)))
    bridged = play(therapy(*start, change[0], happens.Bridge(30 * DAY, 100 / 24), change[1]))
    length = bridged.pump.dead_volume * 500 / 100
    tip = bridged.totals([20 * DAY, 21 * DAY, 30 * DAY, (30 + length) * DAY, (31 + length) * DAY])[1]
    assert tip[0] == pytest.approx(100.0)
    assert tip[2] == pytest.approx(100.0 * length)
    assert tip[3] == pytest.approx(120.0)
    careless = play(therapy(*start, *change))
    assert careless.totals([30 * DAY, 31 * DAY])[1, 0] == pytest.approx(120.0 / 4)


def test_a_manual_flush_empties_the_catheter_into_the_fluid() -> None:
    course = play(
        therapy(happens.Prime(0.0), happens.Programmed(0.0, Program.simple(100 / 24)), happens.Flush(DAY, 0.1))
    )
    before, at_once, after = course.totals([DAY - 1, DAY, DAY + 1 / 60, DAY + 1 + 1 / 60])[1]
    assert at_once == pytest.approx(0.1 * 500, rel=1e-9)
    assert (before, after) == (pytest.approx(100 / 24), pytest.approx(100 / 24))
    late = course.totals([1.45 * DAY, 1.85 * DAY])[1, 0]
    assert late == 0.0  # the saline follows


def test_faults_change_what_reaches_the_tip() -> None:
    course = play(
        therapy(
            happens.Prime(0.0),
            happens.Programmed(0.0, Program.simple(100 / 24)),
            happens.Leak(10 * DAY, 0.3),
            happens.Repair(20 * DAY),
            happens.Kink(30 * DAY, 0.5),
            happens.Repair(40 * DAY),
            happens.Leak(50 * DAY, 1.0),
            happens.Repair(60 * DAY),
            happens.Magnet(70 * DAY, 2.0),
        )
    )
    pumped, tip, leaked = (course.totals([(d + 1) * DAY, (d + 2) * DAY])[:, 0] for d in (10, 30, 50))
    assert list(pumped) == pytest.approx([100, 70, 30])
    assert list(tip) == pytest.approx([50, 50, 0])
    assert list(leaked) == pytest.approx([100, 0, 100])
    assert course.totals([70 * DAY, 71 * DAY])[1, 0] == pytest.approx(100 * 22 / 24)


def test_a_magnet_shuts_the_valve_of_a_prometra_until_it_is_restarted() -> None:
    program = happens.Programmed(0.0, Program.simple(100 / 24))
    course = play(
        therapy(happens.Prime(0.0), program, happens.Magnet(10 * DAY, 1.0), happens.Restart(12 * DAY), device=PROMETRA)
    )
    given = course.totals([10 * DAY, 11 * DAY, 12 * DAY, 13 * DAY])[1]
    assert list(given) == pytest.approx([0.010 * 500, 0.0, 100.0])  # 10 uL at most, then nothing


def test_programs_repeat_by_day_and_week() -> None:
    flex = Program.flex(
        [ProgramStep(0.0, 2.0), ProgramStep(7.0, 6.0), ProgramStep(22.0, 2.0)], weekend=[ProgramStep(0.0, 3.0)]
    )
    assert flex.ug_per_day == pytest.approx((5 * (15 * 6 + 9 * 2) + 2 * 72) / 7)
    assert flex.rate_until(8.0, first_weekday=0) == (6.0, 22.0)
    assert flex.rate_until(8.0, first_weekday=5) == (3.0, 24.0)
    pulses = Program.pulsatile(1.0, 30.0, 2.0, [5.0, 23.0])
    assert pulses.ug_per_day == pytest.approx(60 + 20)
    assert [pulses.rate_until(h)[0] for h in (0.5, 2.0, 5.5, 8.0, 23.5, 24.5)] == [15.0, 1.0, 15.0, 1.0, 15.0, 15.0]
    odd = Program.flex([ProgramStep(0.0, 1.0), ProgramStep(2.05, 2.0)])
    assert odd.rate_until(48 + 2.05) == (2.0, 72.0)  # though 50.05 - 48 is less than 2.05 in binary
    with pytest.raises(StudyError, match="overlap"):
        Program.pulsatile(1.0, 30.0, 2.0, [5.0, 6.0])
    with pytest.raises(StudyError, match="midnight"):
        Program.flex([ProgramStep(1.0, 2.0)])


def test_dates_carry_the_error_of_flow() -> None:
    dates = {date.what: date.at_h for date in next_dates(therapy(happens.Programmed(0.0, Program.simple(200 / 24))))}
    alarm = dates["low-reservoir alarm"]
    assert (alarm.low, alarm.typical, alarm.high) == (
        pytest.approx(45 * DAY / 1.145),
        pytest.approx(45 * DAY),
        pytest.approx(45 * DAY / 0.855),
    )
    assert dates["refill due"].typical == alarm.low
    assert dates["battery ends"].low == 5 * 8766
    slow = {date.what: date.at_h for date in next_dates(therapy(happens.Programmed(0.0, Program.simple(30 / 24))))}
    assert slow["refill due"].typical == 180 * DAY


def test_a_wrong_model_names_the_nearest() -> None:
    with pytest.raises(StudyError, match="Nearest: SynchroMed II"):
        Device.named("Synchromed 2")
