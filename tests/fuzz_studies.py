"""Change the studies that ship, for as long as you like, and look whether a wrong one is read as something else.

    python tests/fuzz_studies.py [--minutes 20] [--seed 1]

Numbers, units, names, keys, lines, tables and single characters are changed. A text must be refused with faults that
are whole and fit on a screen, or be read to the very quantities that stand in it, by a reading of their own here. A
traceback, a text that takes longer than ten seconds, a quantity that means something else, or one that was left out
stops the run.
"""

from __future__ import annotations

import argparse
import math
import random
import re
import signal
import string
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from pydantic import BaseModel

from eutonia.errors import EutoniaError
from eutonia.study.design import CaseStudy, TrialStudy, parse_study, shipped
from eutonia.study.fields import Given

SECONDS = 10
LETTERS = string.ascii_letters + "\u00b5\u03bc"
TEXTS = [path.read_text(encoding="utf-8") for path in shipped().values()]
DATED = re.compile(r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d)?)?")
QUANTITY = re.compile(r'"([-+.0-9][^"\s]*) ([A-Za-z\u00b5\u03bc][^"\n]*)"')
# What each unit means, written down again: (kind, how many canonical units).
HOUR, DAY = Decimal(1), Decimal(24)
TIMES = {
    **dict.fromkeys(("h", "hr", "hour", "hours"), HOUR),
    **dict.fromkeys(("day", "days"), DAY),
    **dict.fromkeys(("min", "minute", "minutes"), HOUR / 60),
    **dict.fromkeys(("second", "seconds"), HOUR / 3600),
    **dict.fromkeys(("wk", "week", "weeks"), 7 * DAY),
    **dict.fromkeys(("month", "months"), Decimal("30.4375") * DAY),
    **dict.fromkeys(("year", "years"), Decimal("365.25") * DAY),
}
MICROGRAMS = ("ug", "mcg", "\u00b5g", "\u03bcg", "microgram", "micrograms")
MILLIGRAMS = ("mg", "milligram", "milligrams")
MILLILITRES = ("mL", "ml", "millilitre", "millilitres", "milliliter", "milliliters")
# By the last part of an attribute's name, which says its unit.
MEANT: dict[str, dict[str, Decimal]] = {
    "_h": TIMES,
    "_ug_per_h": {f"{m}/{t}": 1 / x for m in MICROGRAMS for t, x in TIMES.items()},
    "start": {f"{m}/{t}": 1 / x for m in MICROGRAMS for t, x in TIMES.items()},
    "_ug": dict.fromkeys(MICROGRAMS, Decimal(1)),
    "_mg": dict.fromkeys(MILLIGRAMS, Decimal(1)),
    "_ml": dict.fromkeys(MILLILITRES, Decimal(1)),
    "_ug_per_ml": {f"{m}/{v}": Decimal(1) for m in MICROGRAMS for v in MILLILITRES},
    "_kg": {
        **dict.fromkeys(("kg", "kilogram", "kilograms"), Decimal(1)),
        **dict.fromkeys(("lb", "lbs", "pound", "pounds"), Decimal("0.45359237")),
    },
    "_year": {
        **dict.fromkeys(("year", "years", "yr", "y"), Decimal(1)),
        **dict.fromkeys(("month", "months"), Decimal(1) / 12),
    },
    "_ml_per_min": {
        **{f"{v}/{t}": Decimal(1) for v in MILLILITRES for t in ("min", "minute")},
        **{f"{v}/{t}": Decimal(1000) / 60 for v in ("L", "litre", "liter") for t in ("h", "hr", "hour")},
    },
    # Units of a toxin are those of its product, and no product's are another's.
    "_units": {f"U {name}botulinumtoxinA": Decimal(1) for name in ("ona", "abo")},
}
UNITS = [
    *sorted({unit for table in MEANT.values() for unit in table}),
    *("g", "kg", "ng", "pg", "s", "ms", "d", "y", "L", "uL", "cc", "%", "IU", "ug/kg", "mg/mL", "mg/day", "ug/d"),
    *("hour**2", "ug day", "ug/", "/day", "ug/day/kg", "u g", "UG", "Mg", "MG", "Hour", "m", "cm", "mm", "fortnight"),
]
NUMBERS = (
    *("0", "-0", "-5", "+5", "05", ".5", "5.", "1e3", "1E3", "1e-3", "1e400", "1e-320", "1e-400", "1e", "0x10", "1_0"),
    *(
        "1,5",
        "1.5.2",
        "nan",
        "inf",
        "-inf",
        "\u0665",
        "\uff15",
        "\u00b2",
        "5 0",
        "",
        "true",
        "9" * 70,
        "0." + "0" * 40 + "1",
    ),
    *("1", "2", "10", "100", "1000", "1e5", "0.05", "0.5", "10000", "1e9"),
)
VALUES = (
    *("5", "5.0", "true", "nan", "inf", "[]", "[5]", '""', '"x"', "2026-03-02", "07:30:00", "{}", "{ mean = 5 }", "-1"),
    *('"../x"', '"a\\u0000b"', '"\\u202eab"', '"~root"', '"' + "a" * 5000 + '"', "9" * 400, "1e400", "[[[[[]]]]]"),
    *('"MCA"', '"M2"', '"leg"', '"oral"', '"mg"', "0.5", '"0 hour"', '"50 ug"', '"10 mg"', '"100 ug/day"', "'50 ug'"),
)
FREE = frozenset({"onset", "name", "title", "note", "source", "product", "arm", "phase", "follows"})


def slip(luck: random.Random, text: str) -> str:
    """Return a text with one slip: a letter dropped, added, another, or two exchanged."""
    place = luck.randrange(len(text) + 1)
    head, tail, letter = text[:place], text[place:], luck.choice(LETTERS)
    kinds = (head + tail[1:], head + letter + tail, head + letter + tail[1:], head + tail[1:2] + tail[:1] + tail[2:])
    return luck.choice(kinds)


def mutated(luck: random.Random) -> str:
    """Return a study that ships, changed in one to three places."""
    text = luck.choice(TEXTS)
    for _ in range(luck.choice((1, 1, 1, 2, 3))):
        text = luck.choice((of_quantity, of_quantity, of_quantity, of_line, of_value, of_table, of_character))(
            luck, text
        )
    return text


def of_quantity(luck: random.Random, text: str) -> str:
    found = list(QUANTITY.finditer(text))
    if not found:
        return text
    one = luck.choice(found)
    number, unit = one[1], one[2]
    kind = luck.random()
    if kind < 0.4:
        unit = slip(luck, unit)
    elif kind < 0.6:
        unit = luck.choice(UNITS)
    elif kind < 0.9:
        number = luck.choice(NUMBERS)
    else:
        number = slip(luck, number)
    blank = luck.choice((" ", " ", " ", "", "  ", "\u00a0", "\u2009", "\u200b", "\\t", "\\n"))
    return f'{text[: one.start()]}"{number}{blank}{unit}"{text[one.end() :]}'


def of_line(luck: random.Random, text: str) -> str:
    lines = text.split("\n")
    place, other = luck.randrange(len(lines)), luck.randrange(len(lines))
    kind = luck.random()
    if kind < 0.3:
        del lines[place]
    elif kind < 0.5:
        lines.insert(other, lines[place])
    elif kind < 0.7:
        lines[place], lines[other] = lines[other], lines[place]
    else:
        key, equals, value = lines[place].partition("=")
        lines[place] = slip(luck, key) + equals + value
    return "\n".join(lines)


def of_value(luck: random.Random, text: str) -> str:
    lines = text.split("\n")
    given = [place for place, line in enumerate(lines) if "=" in line and not line.startswith("#")]
    if given:
        place = luck.choice(given)
        key = lines[place].partition("=")[0]
        lines[place] = f"{key}= {luck.choice(VALUES)}"
    return "\n".join(lines)


def of_table(luck: random.Random, text: str) -> str:
    blocks = re.split(r"(?m)^(?=\[)", text)
    place = luck.randrange(len(blocks))
    if luck.random() < 0.5:
        del blocks[place]
    else:
        blocks.insert(luck.randrange(len(blocks) + 1), blocks[place])
    return "".join(blocks)


def of_character(luck: random.Random, text: str) -> str:
    place = luck.randrange(len(text) + 1)
    new = luck.choice((*string.printable, "\x00", "\x1b", "\u202e", "\ufeff", "\u2028", "\U0001f600", "[" * 200, '"""'))
    return text[:place] + new + text[place + luck.choice((0, 1)) :]


def judge(text: str) -> str:
    """Read a text; return what became of it."""
    try:
        study = parse_study(text, "fuzzed.toml")
    except EutoniaError as error:
        said = str(error)
        assert len(said.splitlines()) <= 24, said
        assert max(map(len, said.splitlines())) <= 100, said
        for fault in getattr(error, "faults", ()):
            assert all((fault.key, fault.why, fault.do)), fault
        return "refused"
    means_what_it_says(study, tomllib.loads(text.removeprefix("\ufeff")))
    return "read"


def means_what_it_says(study: TrialStudy | CaseStudy, raw: dict[str, Any]) -> None:
    """Hold what was read against an own reading of the same text."""
    read, onset = list(quantities(study)), raw.get("case", {}).get("onset")
    for attribute, one in read:
        is_dated = onset is not None and DATED.fullmatch(one.text)
        wanted = hours_since(str(onset), one.text) if is_dated else meant(attribute, one.text)
        assert math.isclose(float(one), wanted, rel_tol=1e-12), (attribute, one.text, float(one))
    written = Counter(" ".join(text.split()) for key, text in strings(raw) if key not in FREE and looks_like_one(text))
    left_out = written - Counter(one.text for _, one in read)
    assert not left_out, f"written and not read: {left_out}"
    added = Counter(one.text for _, one in read) - written
    assert set(added) <= {"0 hour"}, f"read and not written: {added}"


def quantities(part: BaseModel) -> Iterator[tuple[str, Given]]:
    for name in type(part).model_fields:
        value = getattr(part, name)
        for one in value if isinstance(value, tuple) else (value,):
            if isinstance(one, Given):
                yield name, one
            elif isinstance(one, BaseModel):
                # A spread's numbers have the unit of the spread.
                own = [(name if key in ("mean", "sd", "low", "high") else key, given) for key, given in quantities(one)]
                yield from own


def hours_since(onset: str, text: str) -> float:
    """Return the hours from the midnight of the onset to a date, with or without a time of day."""
    return (datetime.fromisoformat(text) - datetime.fromisoformat(onset)).total_seconds() / 3600.0


def meant(attribute: str, text: str) -> float:
    """Return what a quantity means, from its text alone."""
    tail = max((end for end in MEANT if attribute.endswith(end)), key=len)
    match = re.fullmatch(r"([-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?) ?(.*)", text)
    assert match, (attribute, text)
    unit = re.sub(r" ?/ ?| per ", "/", match[2])
    try:
        return float(Decimal(match[1]) * MEANT[tail][unit])
    except (KeyError, InvalidOperation):
        raise AssertionError(f"{attribute} was read from {text!r}") from None


def strings(raw: object, key: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(raw, dict):
        for name, value in raw.items():
            if not (key == "reassessment" and name in ("start", "expected")):  # names of arms
                yield from strings(value, name)
    elif isinstance(raw, list):
        for value in raw:
            yield from strings(value, key)
    elif isinstance(raw, str | date):
        yield key, str(raw)


def looks_like_one(text: str) -> bool:
    return re.match(r"\s*[-+.]?[0-9]", text) is not None


def _too_long(*_: object) -> None:
    raise TimeoutError(f"a text of a study takes longer than {SECONDS} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    luck, ends = random.Random(given.seed), time.monotonic() + 60.0 * given.minutes
    counts = {"refused": 0, "read": 0}
    signal.signal(signal.SIGALRM, _too_long)
    while time.monotonic() < ends:
        text = mutated(luck)
        try:
            signal.alarm(SECONDS)
            counts[judge(text)] += 1
            signal.alarm(0)
        except BaseException:
            signal.alarm(0)
            sys.stderr.write(f"seed {given.seed}, after {counts}:\n{text}\n")
            raise
    sys.stdout.write(f"{counts}\n")


if __name__ == "__main__":
    main()
