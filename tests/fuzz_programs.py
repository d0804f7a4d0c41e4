"""Feed pump programs, right and wrong, to their reader and to the pump for as long as you like.

    python tests/fuzz_programs.py [--minutes 10] [--seed 1]

A program must be refused with faults that fit on a screen, or be played: no traceback, no hang, every microgram
accounted for, nothing pumped after a stop, and the same course whatever the order of its events. Anything else stops
the run and prints the program.
"""

from __future__ import annotations

import argparse
import random
import re
import signal
import sys
import time
from typing import Any

from eutonia import session
from eutonia.drug.pump import play
from eutonia.drug.pump import therapy as happens
from eutonia.drug.pump.course import Delivery
from eutonia.drug.pump.forecast import forecast
from eutonia.drug.pump.rules import breaches
from eutonia.errors import EutoniaError
from eutonia.report.pump import page as pump_page
from eutonia.report.pump import words as pump_words
from eutonia.study.pump_file import parse_therapy

LONGEST_S = 60
DUST = re.compile(r"\d[eE]-\d\d")
RATES = ("0 ug/day", "24 ug/day", "50 ug/day", "96 ug/day", "100 ug/day", "240 ug/day", "600 ug/day", "9 ug/h")
STRENGTHS = ("500 ug/mL", "1000 ug/mL", "2000 ug/mL", "750 ug/mL")
VOLUMES = ("0.01 mL", "0.18 mL", "0.38 mL", "1 mL", "10 mL", "18.5 mL")
WORDS = (
    "", "0", "-1 day", "nan", "1e400 ug/day", "240 mg/day", "240", "day", "2026-13-01", "2026-04-02 25:00",
    "02.04.2026", "2026-04-02", "2026-04-02 09:00", "1e-12 mL", "24 h", "0 mL", "T10", "refill", "é", "9" * 300,
    "100 ug/dday", "µg",
)  # fmt: skip


def moment(luck: random.Random) -> str:
    """Return a time, often one that another event has too."""
    if luck.random() < 0.25:
        return luck.choice(("10 hour", "20 day", "30 day", "30 day", "31 day", "724 hour"))
    if luck.random() < 0.15:
        return (
            f"2026-0{luck.randint(3, 4)}-{luck.randint(1, 28):02d} {luck.randint(0, 23):02d}:{luck.randint(0, 59):02d}"
        )
    return f"{luck.uniform(0, 60):.3f} day"


def steps(luck: random.Random) -> list[dict[str, str]]:
    """Return the steps of a day."""
    hours = [0, *sorted(luck.sample(range(1, 24), luck.randint(0, 5)))]
    return [{"from": f"{hour:02d}:00", "rate": f"{luck.uniform(0, 25):.2f} ug/h"} for hour in hours]


def some(luck: random.Random, **keys: Any) -> dict[str, Any]:
    """Return about half of some keys."""
    return {key: value for key, value in keys.items() if luck.random() < 0.5}


def event(luck: random.Random) -> dict[str, Any]:
    """Return an event of any kind."""
    made: dict[str, Any] = {
        "simple": {"rate": luck.choice(RATES)},
        "flex": {"steps": steps(luck), **some(luck, weekend=steps(luck))},
        "scheduled bolus": {
            "basal": luck.choice(RATES),
            "dose": f"{luck.uniform(1, 60):.1f} ug",
            "over": luck.choice(("5 min", "30 min", "2 hour")),
            "times": sorted({f"{luck.randint(0, 7) * 3:02d}:30" for _ in range(luck.randint(1, 4))}),
        },
        "minimum rate": {},
        "stop": {},
        "refill": some(luck, concentration=luck.choice(STRENGTHS), volume="18 mL")
        | ({"found": f"{luck.uniform(0, 20):.2f} mL"} if luck.random() < 0.2 else {}),
        "pocket fill": some(luck, concentration=luck.choice(STRENGTHS), volume="18 mL"),
        "concentration entered": {"concentration": luck.choice(STRENGTHS)},
        "prime": some(luck, volume=luck.choice(VOLUMES[:4])),
        "bridge": {"keeps": luck.choice(RATES[1:])},
        "patient bolus": {
            "dose": f"{luck.uniform(1, 30):.1f} ug",
            "over": "10 min",
            "lockout": luck.choice(("1 hour", "4 hour")),
            "most_a_day": luck.randint(1, 8),
        },
        "activation": {"every": "5 hour", "until": "59 day"} if luck.random() < 0.3 else {},
        "flush": some(luck, volume=luck.choice(VOLUMES[:4])),
        "aspiration": some(luck, volume=luck.choice(VOLUMES[:4])),
        "revision": some(luck, catheter=f"{luck.randint(30, 110)} cm", tip=luck.choice(("T6", "L1", "C5"))),
        "kink": {"passes": round(luck.choice((0.0, luck.random() * 0.99)), 3)},
        "leak": {"share": round(1.0 - luck.random() * 0.9, 3)},
        "disconnection": {},
        "repair": {},
        "restart": {},
        "empty": {},
        "magnet": {"lasts": luck.choice(("30 min", "2 hour", "48 hour"))},
        "replacement": some(
            luck, concentration=luck.choice(STRENGTHS), model=luck.choice(("SynchroMed II", "Prometra II"))
        )
        | some(luck, reservoir=luck.choice(("20 mL", "40 mL"))),
    }
    kind = luck.choice(list(made))
    return {"at": moment(luck), "kind": kind, **made[kind]}


def program(luck: random.Random) -> list[str]:
    """Return the blocks of a program: its head, then one for each event."""
    head = {
        "name": "fuzz",
        "title": "A made-up program",
        "origin": luck.choice(("cerebral", "spinal")),
        "duration": "60 day",
        **({"screening": "50 ug"} if luck.random() < 0.3 else {}),
    }
    pump = {
        "model": luck.choice(("SynchroMed II", "SynchroMed II", "Prometra II")),
        "product": "Lioresal Intrathecal",
        "reservoir": luck.choice(("20 mL", "40 mL")),
        "concentration": luck.choice(STRENGTHS),
        "catheter": f"{luck.randint(40, 110)} cm",
        "tip": "T10",
        **({"implanted": "2026-03-02"} if luck.random() < 0.9 else {}),
    }
    first = {"at": "10 hour", "kind": "simple", "rate": luck.choice(RATES)}
    events = [{"at": "10 hour", "kind": "prime"}, first, *(event(luck) for _ in range(luck.randint(0, 9)))]
    return [f"[therapy]\n{table(head)}\n[pump]\n{table(pump)}", *(f"[[event]]\n{table(one)}" for one in events)]


def table(keys: dict[str, Any]) -> str:
    """Return keys and values as TOML."""
    return "".join(f"{key} = {value_of(value)}\n" for key, value in keys.items())


def value_of(value: Any) -> str:
    """Return a value as TOML."""
    if isinstance(value, list):
        return f"[{', '.join(value_of(one) for one in value)}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f'{key} = "{one}"' for key, one in value.items()) + "}"
    return f'"{value}"' if isinstance(value, str) else str(value)


def broken(luck: random.Random, text: str) -> str:
    """Return a program in which something was changed without sense."""
    for _ in range(luck.randint(1, 3)):
        if luck.random() < 0.5:
            quoted = list(re.finditer(r'"[^"\n]*"', text))
            spot = luck.choice(quoted)
            text = text[: spot.start()] + f'"{luck.choice(WORDS)}"' + text[spot.end() :]
        else:
            at = luck.randrange(len(text))
            text = (
                text[:at]
                + luck.choice(("", "=", "[", '"', "\n", "\x00", "9", "-", "#"))
                + text[at + luck.randint(0, 5) :]
            )
    return text


def judge(luck: random.Random, blocks: list[str], text: str) -> str:
    """Read and play a program; return what became of it."""
    try:
        therapy = parse_therapy(text)
        course = play(therapy)
    except EutoniaError as error:
        check_words(str(error))
        for fault in getattr(error, "faults", ()):
            assert fault.why, fault
            assert fault.do, fault
        return "refused"
    check_mass(course)
    check_stops(course)
    found = breaches(course)
    for one in found:
        assert not DUST.search(f"{one.says} {one.do}"), one
    for one in course.happenings:
        assert not DUST.search(one.words), one
    if text == "\n".join(blocks):
        mixed = [blocks[0], *luck.sample(blocks[1:], len(blocks) - 1)]
        again = play(parse_therapy("\n".join(mixed)))
        assert (again.pieces, again.happenings) == (course.pieces, course.happenings), "\n".join(mixed)
        assert breaches(again) == found
    if luck.random() < 0.02:
        whole = forecast(course)
        assert whole.unaccounted < 1e-10, whole.unaccounted
        assert pump_page.html(whole, pump_words.shown_day(whole.course.therapy, None))
    return "played"


def check_words(message: str) -> None:
    """Hold a message to a screen."""
    lines = message.splitlines()
    assert len(lines) <= 25, message
    assert max(map(len, lines)) <= 400, message


def check_mass(course: Delivery) -> None:
    """Account for every microgram."""
    kept = course.pump.ledger
    left = kept.filled - kept.withdrawn - kept.delivered - kept.leaked - kept.pocket - course.pump.content
    assert abs(left) <= 1e-10 * kept.filled, (left, kept)
    assert min(kept.withdrawn, kept.delivered, kept.leaked, kept.pocket, course.pump.content) >= 0.0, kept
    assert 0.0 <= course.pump.volume <= course.pump.reservoir


def check_stops(course: Delivery) -> None:
    """Nothing is pumped from a stop to the next command; a magnet opens a valve whatever is programmed."""
    commands = happens.Programmed | happens.Prime | happens.Bridge
    programs = [one for one in course.therapy.events if isinstance(one, commands)]
    magnets = [one.at_h for one in course.therapy.events if isinstance(one, happens.Magnet)]
    ends = [*(one.at_h for one in programs[1:]), float("inf")]
    for stop, end in zip(programs, ends, strict=True):
        if not isinstance(stop, happens.Programmed) or not stop.is_stop:
            continue
        for piece in course.pieces:
            at_magnet = any(at <= piece.start_h < at + 0.1 for at in magnets)
            if stop.at_h + 0.1 <= piece.start_h and piece.end_h <= end and not at_magnet:
                device = course.implant(piece.start_h).device
                most = device.flow_minimum_mode if stop.program is None else 0.0
                assert piece.flow <= most * 2.0, (stop, piece)


def main() -> None:
    """Judge programs until the time is up."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    session.begin()
    luck, ends = random.Random(given.seed), time.monotonic() + 60.0 * given.minutes
    counts = {"refused": 0, "played": 0}
    while time.monotonic() < ends:
        blocks = program(luck)
        text = "\n".join(blocks)
        text = broken(luck, text) if luck.random() < 0.4 else text
        signal.alarm(LONGEST_S)
        try:
            counts[judge(luck, blocks, text)] += 1
        except BaseException:
            sys.stderr.write(f"seed {given.seed}, after {counts}:\n{text}\n")
            raise
        signal.alarm(0)
    sys.stdout.write(f"{counts}\n")


if __name__ == "__main__":
    main()
