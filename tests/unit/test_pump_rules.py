"""Each rule is found where it is broken, and only there; what ships is as its file says."""

from __future__ import annotations

import pytest

from eutonia.drug.pump import Device, Program, ProgramStep, Therapy, play
from eutonia.drug.pump import therapy as happens
from eutonia.drug.pump.rules import breaches
from eutonia.study.pump_file import load_therapy, shipped

DAY = 24.0
SYNCHROMED, PROMETRA = Device.named("SynchroMed II"), Device.named("Prometra II")
PRIMED = (happens.Prime(0.0),)


def simple(at_h: float, per_day: float) -> happens.Programmed:
    return happens.Programmed(at_h, Program.simple(per_day / 24))


def found(*events: happens.Event, **more: object) -> list[str]:
    return [one.rule for one in breaches(play(made(*events, **more)))]  # type: ignore[arg-type]


def made(
    *events: happens.Event, days: float = 40.0, device: Device = SYNCHROMED, strength: float = 500.0, **more: object
) -> Therapy:
    return Therapy(
        device=device,
        reservoir=20.0,
        alarm_volume=2.0,
        catheter_cm=82.0,
        tip="T10",
        concentration=strength,
        origin=str(more.pop("origin", "cerebral")),
        events=events,
        duration_h=days * DAY,
        **more,  # type: ignore[arg-type]
    )


def test_a_careful_program_breaks_no_rule() -> None:
    assert found(*PRIMED, simple(0.0, 100), simple(DAY, 110), happens.Refill(30 * DAY), simple(30 * DAY, 125)) == []


THIRTEEN = [ProgramStep(1.5 * k, 4.0 + k % 2) for k in range(13)]


@pytest.mark.parametrize(
    ("rule", "events", "more"),
    [
        ("no priming", (simple(0.0, 100),), {}),
        ("flow below the lowest", (*PRIMED, simple(0.0, 90)), {"strength": 2000.0}),
        ("flow above the highest", (*PRIMED, happens.Programmed(0.0, Program.pulsatile(4.0, 60.0, 0.1, [6.0]))), {}),
        ("too many steps", (*PRIMED, happens.Programmed(0.0, Program.flex([*THIRTEEN, ProgramStep(23.0, 4.0)]))), {}),
        ("dose above the label", (*PRIMED, simple(0.0, 1200)), {"strength": 2000.0, "days": 20.0}),
        ("dose outside the usual range", (*PRIMED, simple(0.0, 750)), {"strength": 2000.0}),
        ("first dose above the test dose's", (*PRIMED, simple(0.0, 101)), {"screening_ug": 50.0}),
        (
            "first dose above the test dose's",
            (*PRIMED, simple(0.0, 60)),
            {"screening_ug": 50.0, "screening_lasted": True},
        ),
        ("step above the label", (*PRIMED, simple(0.0, 100), simple(DAY, 116)), {}),
        ("rise in the first day", (*PRIMED, simple(0.0, 100), simple(20.0, 110)), {}),
        ("rise too soon", (*PRIMED, simple(0.0, 100), simple(DAY, 110), simple(40.0, 120)), {}),
        ("fall above the label", (*PRIMED, simple(0.0, 100), simple(9 * DAY, 79)), {}),
        ("abrupt stop", (*PRIMED, simple(0.0, 100), simple(9 * DAY, 0)), {}),
        ("no such strength", (*PRIMED, simple(0.0, 100)), {"strength": 750.0}),
        ("no bridge bolus", (*PRIMED, simple(0.0, 100), happens.Refill(9 * DAY, 1000.0)), {}),
        ("bolus out of the catheter", (*PRIMED, simple(0.0, 100), happens.Prime(9 * DAY)), {}),
        ("refill missed", (*PRIMED, simple(0.0, 300)), {}),
        ("filling too old", (*PRIMED, simple(0.0, 30)), {"days": 190.0}),
        (
            "not emptied before a magnet",
            (*PRIMED, simple(0.0, 100), happens.Magnet(5 * DAY, 1.0), happens.Restart(5 * DAY + 2)),
            {"device": PROMETRA},
        ),
        ("priming too small", (happens.Prime(0.0, 0.01), simple(0.0, 100)), {}),
        ("stopped by a magnet", (*PRIMED, simple(0.0, 100), happens.Magnet(5 * DAY, 48.0)), {}),
        ("stopped by a magnet", (*PRIMED, simple(0.0, 100), happens.Magnet(5 * DAY, 6.0)), {}),
        ("reservoir left empty", (*PRIMED, simple(0.0, 100), happens.Emptied(5 * DAY)), {}),
        ("kinked catheter", (*PRIMED, simple(0.0, 100), happens.Kink(5 * DAY, 0.5)), {}),
        ("leaking catheter", (*PRIMED, simple(0.0, 100), happens.Leak(5 * DAY, 0.5)), {}),
        ("disconnected catheter", (*PRIMED, simple(0.0, 100), happens.Leak(5 * DAY, 1.0)), {}),
        ("catheter without drug", (*PRIMED, simple(0.0, 100), happens.Aspiration(5 * DAY)), {}),
        ("no priming", (*PRIMED, simple(0.0, 100), happens.Revision(5 * DAY)), {}),
        ("no priming", (*PRIMED, simple(0.0, 100), happens.Replacement(5 * DAY)), {}),
        (
            "no bridge bolus",
            (*PRIMED, simple(0.0, 100), happens.Refill(9 * DAY, 1000.0), happens.Prime(9 * DAY, 0.01)),
            {},
        ),
        (
            "bridge that changes the dose",
            (*PRIMED, simple(0.0, 100), happens.Refill(9 * DAY, 1000.0), happens.Bridge(9 * DAY, 120 / 24)),
            {},
        ),
        (
            "bridge below the lowest flow",
            (
                *PRIMED,
                simple(0.0, 96),
                happens.Refill(9 * DAY, 1000.0),
                simple(9 * DAY, 78),
                happens.Bridge(9 * DAY, 78 / 24),
            ),
            {"strength": 2000.0, "days": 13.0},
        ),
        (
            "wrong concentration in the programmer",
            (*PRIMED, simple(0.0, 100), happens.Entered(9 * DAY, 2000.0), happens.Entered(11 * DAY, 500.0)),
            {},
        ),
        ("flow outside its specification", (*PRIMED, simple(0.0, 100), happens.Refill(30 * DAY, None, None, 15.0)), {}),
        ("volume not explained", (*PRIMED, simple(0.0, 100), happens.Refill(30 * DAY, None, None, 2.0)), {}),
        ("drug primed out of the tip", (*PRIMED, simple(0.0, 50), happens.Prime(9 * DAY, 0.15)), {}),
    ],
)
def test_a_broken_rule_is_found_alone(rule: str, events: tuple[happens.Event, ...], more: dict[str, object]) -> None:
    assert set(found(*events, **more)) == {rule}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rules", "events", "more"),
    [
        (
            {"bolus out of the catheter", "catheter without drug"},  # the saline follows the drug
            (*PRIMED, simple(0.0, 200), happens.Flush(5 * DAY)),
            {"strength": 1000.0},
        ),
        (
            {"not emptied before a magnet", "stopped by a magnet"},  # and nobody resets the valve
            (*PRIMED, simple(0.0, 100), happens.Magnet(5 * DAY, 1.0)),
            {"device": PROMETRA},
        ),
        (
            {"magnet while an alarm sounds", "stopped by a magnet"},
            (*PRIMED, simple(0.0, 100), happens.Refill(9 * DAY, None, 2.0), happens.Magnet(10 * DAY, 1.0)),
            {"days": 12.0},
        ),
        (
            {"refill beside the port", "reservoir left empty"},
            (*PRIMED, simple(0.0, 100), happens.PocketFill(9 * DAY)),
            {},
        ),
        (
            {"disconnected catheter", "catheter not open"},
            (*PRIMED, simple(0.0, 100), happens.Leak(5 * DAY, 1.0), happens.Aspiration(6 * DAY)),
            {},
        ),
        (
            {"no bridge bolus", "bridge does not fit"},  # a day late: the old dose is low, and the bridge then too long
            (*PRIMED, simple(0.0, 240), happens.Refill(9 * DAY, 2000.0), happens.Bridge(10 * DAY, 240 / 24)),
            {"days": 30.0},
        ),
        (
            {"abrupt stop", "full dose after a holiday"},
            (*PRIMED, simple(0.0, 100), simple(2 * DAY, 110), simple(5 * DAY, 0), simple(19 * DAY, 110)),
            {},
        ),
        (
            {"abrupt stop"},
            (*PRIMED, simple(0.0, 100), simple(2 * DAY, 110), simple(5 * DAY, 0), simple(19 * DAY, 100)),
            {},
        ),
        (
            {"abrupt stop"},
            (*PRIMED, simple(0.0, 100), happens.Programmed(5 * DAY, None)),
            {},
        ),
        (set(), (*PRIMED, simple(0.0, 100), simple(5 * DAY, 0), simple(5 * DAY + 2, 100)), {}),  # to mend something
        (
            {"abrupt stop"},
            (*PRIMED, simple(0.0, 100), simple(5 * DAY, 0), simple(5 * DAY + 7, 100)),
            {},
        ),
        (
            {"abrupt stop", "step above the label"},  # the dose before the stop is still what was borne
            (*PRIMED, simple(0.0, 100), simple(5 * DAY, 0), simple(8 * DAY, 200)),
            {},
        ),
        (
            {"step above the label"},
            (*PRIMED, simple(0.0, 100), simple(5 * DAY, 0), simple(5 * DAY + 2, 200)),
            {},
        ),
        # Below 24 ug/day nothing can be programmed: from there the last step of a taper is to nothing.
        (set(), (*PRIMED, simple(0.0, 30), simple(3 * DAY, 25), simple(6 * DAY, 0)), {}),
        ({"abrupt stop"}, (*PRIMED, simple(0.0, 37), simple(3 * DAY, 31), simple(6 * DAY, 0)), {}),
        ({"fall above the label", "abrupt stop"}, (*PRIMED, simple(0.0, 300), simple(DAY, 25), simple(2 * DAY, 0)), {}),
        ({"fall above the label"}, (*PRIMED, simple(0.0, 300), simple(DAY, 25), simple(16 * DAY, 0)), {}),
    ],
)
def test_what_goes_together_is_found_together(
    rules: set[str], events: tuple[happens.Event, ...], more: dict[str, object]
) -> None:
    assert set(found(*events, **more)) == rules  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rule", "words", "events"),
    [
        ("stopped by a magnet", "For 2 days nothing leaves the tip, of 100 ug/day", (happens.Magnet(5 * DAY, 48.0),)),
        ("kinked catheter", "For 35 days the tip gives 40 instead of 100 ug/day", (happens.Kink(5 * DAY, 0.4),)),
        ("no bridge bolus", "days the tip gives 25 instead of 100 ug/day", (happens.Refill(5 * DAY, 2000.0),)),
    ],
)
def test_a_stretch_is_told_with_its_cause_and_length(rule: str, words: str, events: tuple[happens.Event, ...]) -> None:
    told = next(one for one in breaches(play(made(*PRIMED, simple(0.0, 100), *events))) if one.rule == rule)
    assert words in told.says
    assert told.at_h == pytest.approx(5 * DAY)
    assert told.is_hazard


def test_a_priming_that_was_cut_off_is_told_by_what_it_pushed() -> None:
    events = (happens.Prime(0.0), simple(0.0, 100), happens.Programmed(0.05, Program.simple(0.0)), simple(10.0, 100))
    told = next(one for one in breaches(play(made(*events))) if one.rule == "priming too small")
    assert "a priming cut off after 0.05 mL only moved it on" in told.says


def test_the_battery_is_booked_ahead() -> None:
    refills = [happens.Refill(150 * DAY * k) for k in range(1, 12)]
    year = 365.25
    assert found(*PRIMED, simple(0.0, 40), *refills, days=4.4 * year) == []
    assert found(*PRIMED, simple(0.0, 40), *refills, days=4.6 * year) == ["battery"]


@pytest.mark.parametrize(
    ("rule", "events", "more"),
    [
        ("too many steps", (*PRIMED, happens.Programmed(0.0, Program.flex(THIRTEEN))), {}),
        ("flow below the lowest", (*PRIMED, simple(0.0, 96)), {"strength": 2000.0}),
        ("first dose above the test dose's", (*PRIMED, simple(0.0, 100)), {"screening_ug": 50.0}),
        ("step above the label", (*PRIMED, simple(0.0, 100), simple(DAY, 130)), {"origin": "spinal"}),
        ("step above the label", (*PRIMED, simple(0.0, 100), happens.Refill(9 * DAY), simple(9 * DAY, 120)), {}),
        (
            "no bridge bolus",
            (*PRIMED, simple(0.0, 100), happens.Refill(9 * DAY, 1000.0), happens.Bridge(9 * DAY, 100 / 24)),
            {},
        ),
        (
            "not emptied before a magnet",
            (*PRIMED, simple(0.0, 100), happens.Emptied(4 * DAY), happens.Magnet(5 * DAY, 1.0)),
            {"device": PROMETRA},
        ),
        ("fall above the label", (*PRIMED, simple(0.0, 300), happens.Refill(36 * DAY), simple(36 * DAY, 100)), {}),
        ("stopped by a magnet", (*PRIMED, simple(0.0, 100), happens.Magnet(5 * DAY, 2.0)), {}),
        ("kinked catheter", (*PRIMED, simple(0.0, 100), happens.Kink(5 * DAY, 0.8)), {}),
        (
            "catheter without drug",
            (*PRIMED, simple(0.0, 100), happens.Aspiration(5 * DAY), happens.Prime(5 * DAY, 0.1804)),
            {},
        ),
        ("flow outside its specification", (*PRIMED, simple(0.0, 100), happens.Refill(30 * DAY, None, None, 14.5)), {}),
        (
            "magnet while an alarm sounds",
            (*PRIMED, simple(0.0, 100), happens.Refill(9 * DAY, None, 3.0), happens.Magnet(10 * DAY, 1.0)),
            {"days": 12.0},
        ),
        (
            "bridge that changes the dose",
            (*PRIMED, simple(0.0, 100), happens.Refill(9 * DAY, 1000.0), happens.Bridge(9 * DAY, 110 / 24)),
            {},
        ),
    ],
)
def test_what_is_just_allowed_is_not_a_breach(
    rule: str, events: tuple[happens.Event, ...], more: dict[str, object]
) -> None:
    assert rule not in found(*events, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "rules"),
    [
        ("first_pump", set()),
        ("flex_night", set()),
        ("concentration_change", set()),
        ("missed_refill", {"refill missed"}),
        (
            "clinic_year",
            {
                "kinked catheter",
                "catheter not open",
                "wrong concentration in the programmer",
                "magnet while an alarm sounds",
                "stopped by a magnet",
            },
        ),
        (
            "careless",
            {
                "first dose above the test dose's",
                "no priming",
                "step above the label",
                "rise in the first day",
                "flow below the lowest",
                "no bridge bolus",
                "bolus out of the catheter",
                "leaking catheter",
                "catheter without drug",
            },
        ),
    ],
)
def test_the_programs_that_ship_break_what_they_say(name: str, rules: set[str]) -> None:
    assert {one.rule for one in breaches(play(load_therapy(name)))} == rules
    assert name in shipped()
