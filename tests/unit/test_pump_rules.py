"""Each rule is found where it is broken, and only there; what ships is as its file says."""

from __future__ import annotations

import pytest

from eutonia.drug.pump import Device, Program, Step, Therapy, play
from eutonia.drug.pump import therapy as happens
from eutonia.drug.pump.rules import breaches
from eutonia.exchange.pump_file import load_therapy, shipped

DAY = 24.0
SYNCHROMED, PROMETRA = Device.named("SynchroMed II"), Device.named("Prometra II")
PRIMED = (happens.Prime(0.0),)


def simple(at_h: float, per_day: float) -> happens.Programmed:
    return happens.Programmed(at_h, Program.simple(per_day / 24))


def found(
    *events: happens.Event, days: float = 40.0, device: Device = SYNCHROMED, strength: float = 500.0, **more: object
) -> list[str]:
    therapy = Therapy(
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
    return [one.rule for one in breaches(play(therapy))]


def test_a_careful_program_breaks_no_rule() -> None:
    assert found(*PRIMED, simple(0.0, 100), simple(DAY, 110), happens.Refill(30 * DAY), simple(30 * DAY, 125)) == []


THIRTEEN = [Step(1.5 * k, 4.0 + k % 2) for k in range(13)]


@pytest.mark.parametrize(
    ("rule", "events", "more"),
    [
        ("no priming", (simple(0.0, 100),), {}),
        ("flow below the lowest", (*PRIMED, simple(0.0, 90)), {"strength": 2000.0}),
        ("flow above the highest", (*PRIMED, happens.Programmed(0.0, Program.pulsatile(4.0, 60.0, 0.1, [6.0]))), {}),
        ("too many steps", (*PRIMED, happens.Programmed(0.0, Program.flex([*THIRTEEN, Step(23.0, 4.0)]))), {}),
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
        ("bolus out of the catheter", (*PRIMED, simple(0.0, 200), happens.Flush(5 * DAY)), {"strength": 1000.0}),
        ("bolus out of the catheter", (*PRIMED, simple(0.0, 100), happens.Prime(9 * DAY)), {}),
        ("refill missed", (*PRIMED, simple(0.0, 300)), {}),
        ("filling too old", (*PRIMED, simple(0.0, 30)), {"days": 190.0}),
        (
            "not emptied before a magnet",
            (*PRIMED, simple(0.0, 100), happens.Magnet(5 * DAY, 1.0)),
            {"device": PROMETRA},
        ),
    ],
)
def test_a_broken_rule_is_found_alone(rule: str, events: tuple[happens.Event, ...], more: dict[str, object]) -> None:
    assert set(found(*events, **more)) == {rule}  # type: ignore[arg-type]


def test_the_battery_is_booked_ahead() -> None:
    refills = [happens.Refill(150 * DAY * k) for k in range(1, 12)]
    year = 365.25
    assert found(*PRIMED, simple(0.0, 40), *refills, days=3.7 * year) == []
    assert found(*PRIMED, simple(0.0, 40), *refills, days=3.9 * year) == ["battery"]


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
            "careless",
            {
                "first dose above the test dose's",
                "no priming",
                "step above the label",
                "rise in the first day",
                "flow below the lowest",
                "no bridge bolus",
                "bolus out of the catheter",
            },
        ),
    ],
)
def test_the_programs_that_ship_break_what_they_say(name: str, rules: set[str]) -> None:
    assert {one.rule for one in breaches(play(load_therapy(name)))} == rules
    assert name in shipped()
