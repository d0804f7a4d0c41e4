"""Units at the border: what is read, what is refused, and how the refusal teaches."""

from __future__ import annotations

import contextlib
import math
import string
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eutonia import _quantities, _units
from eutonia.errors import UnitError

READ = [
    ("48 hour", "duration", 48.0),
    ("12 month", "duration", 12 * 30.4375 * 24),
    ("-30 min", "duration", -0.5),
    ("50 ug", "intrathecal_dose", 50.0),
    ("50µg", "intrathecal_dose", 50.0),
    ("50 μg", "intrathecal_dose", 50.0),
    ("50 mcg", "intrathecal_dose", 50.0),
    ("1e2 microgram", "intrathecal_dose", 100.0),
    ("10 mg", "oral_dose", 10.0),
    ("100 ug/day", "intrathecal_rate", 100 / 24),
    ("100 mcg / day", "intrathecal_rate", 100 / 24),
    ("100 ug per day", "intrathecal_rate", 100 / 24),
    ("20 mL", "volume", 20.0),
    ("2000 ug/mL", "concentration_pump", 2000.0),
    ("71 kg", "weight", 71.0),
    ("154 lb", "weight", 69.853),
    ("67 year", "age", 67.0),
    ("30 month", "age", 2.5),
    ("80 mL/min", "clearance", 80.0),
    ("4.8 L/h", "clearance", 80.0),
    ("42 cm", "length", 42.0),
    ("1.75 m", "stature", 175.0),
    ("0.42 m", "shank", 42.0),
    ("300 ug/L", "concentration_csf", 300.0),
    ("50\u00a0mcg", "intrathecal_dose", 50.0),
    ("90 deg", "angle", 90.0),
    ("1 rad", "angle", 57.29578),
    ("130 deg/s", "speed", 130.0),
]


@pytest.mark.parametrize(("text", "kind", "expected"), READ)
def test_a_quantity_is_read_in_its_canonical_unit(text: str, kind: str, expected: float) -> None:
    assert _units.parse(text, kind) == pytest.approx(expected, rel=1e-5)


def test_every_kind_reads_its_own_canonical_unit_as_one() -> None:
    for kind in _units.kinds():
        assert _units.parse(f"60 {_units.canonical_unit(kind)}", kind) == pytest.approx(60.0)


def test_own_tables_agree_with_pint() -> None:
    for kind in _units.kinds():
        for unit in _units.units_of(kind):
            number = 0.5 if "m" in (unit[:1], unit) and kind in ("stature", "shank") else 60
            with contextlib.suppress(UnitError):  # too large for a leg
                ours = _units.parse(f"{number} {unit}", kind)
                spelled = unit.replace("\u00b0", "deg")
                assert ours == pytest.approx(_units.convert(number, spelled, _units.canonical_unit(kind)), rel=1e-9)


def test_factors_of_model_units_agree_with_pint() -> None:
    for canonical, table in _quantities._OF_MODEL.items():
        for unit in table:
            ours = _units.read(f"60 {unit}", canonical)
            spelled = "percent" if unit == "%" else f"1{unit}" if unit.startswith("/") else unit
            assert ours == pytest.approx(_units.convert(60, spelled, canonical), rel=1e-9), (unit, canonical)


@pytest.mark.parametrize(
    ("text", "kind", "parts"),
    [
        ("50 mg", "intrathecal_dose", ["oral", "intrathecal", "1 mg = 1000 ug", '"50000 ug"', '"50 ug"']),
        ("0.05 g", "intrathecal_dose", ["oral", "intrathecal", '"50000 ug"']),
        ("0.1 mg/day", "intrathecal_rate", ["oral", "intrathecal", '"100 ug/day"', '"0.1 ug/day"']),
        ("2 mg/mL", "concentration_pump", ["oral", "intrathecal", '"2000 ug/mL"']),
        ("50 ug", "oral_dose", ["intrathecal", "oral dose", "1 mg = 1000 ug", '"0.05 mg"', '"50 mg"']),
    ],
)
def test_the_other_routes_mass_is_refused_and_both_routes_are_named(text: str, kind: str, parts: list[str]) -> None:
    with pytest.raises(UnitError) as caught:
        _units.parse(text, kind, "phase 1, arm baclofen")
    message = str(caught.value)
    assert message.startswith("phase 1, arm baclofen: ")
    for part in parts:
        assert part in message, message


@pytest.mark.parametrize(
    ("text", "kind", "says"),
    [
        ("75 kg", "duration", 'Write it like "48 hour"'),
        ("10 tablets", "oral_dose", 'Write it like "10 mg"'),
        ("70000 g", "weight", 'Write it like "71 kg"'),
        ("2,5 mg", "oral_dose", 'Write it as "2.5 mg"'),
        ("1,000 ug", "intrathecal_dose", 'Write it as "1.000 ug" or "1000 ug", whichever is meant'),
        ("0,125 mg", "oral_dose", 'oral dose in mg. Write it as "0.125 mg"'),
        ("1 000 ug", "intrathecal_dose", 'intrathecal dose in ug. Write it as "1000 ug"'),
        ("10-20 mg", "oral_dose", 'Write it like "10 mg"'),
        ("20 %", "leaving", 'Write it like "0.2 1/year"'),
        ("20 %/year", "leaving", 'Write it as "0.2 1/year"'),
        ("7 huor", "duration", 'Write it as "7 hour"'),
        ("12.5", "oral_dose", 'Write it as "12.5 mg"'),
        ("500 units", "abobotulinumtoxinA", 'Write it as "500 aboU"'),
        ("-3 mg", "oral_dose", 'Write it like "10 mg"'),
        ("5 mg/day", "oral_dose", 'Write it like "10 mg"'),
        ("0.3 mg/kg", "oral_dose", 'Multiply the number by the body weight in kg, and write that, such as "10 mg"'),
        ("55 mL/min/1.73m2", "clearance", "by the body surface in m2, divided by 1.73, and write that, such as"),
        ("55 mL/min per 1.73 m\u00b2", "clearance", "Nearest: mL/min, which is that of the whole person"),
    ],
)
def test_what_to_write_keeps_the_number_that_was_given(text: str, kind: str, says: str) -> None:
    """ "75 kg" as a time was told to be written as "48 hour", which is another time."""
    with pytest.raises(UnitError) as caught:
        _units.parse(text, kind)
    assert says in str(caught.value)


@pytest.mark.parametrize("bare", [50, 50.0, "50", " 50 "])
def test_a_bare_number_is_told_which_unit_to_write(bare: object) -> None:
    with pytest.raises(UnitError, match=r"has no unit.*intrathecal dose in ug.*Write it as \"50 ug\""):
        _units.parse(bare, "intrathecal_dose")


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("50 hour", "oral_dose", "does not convert to mg"),
        ("5 yeers", "age", "Nearest: years"),
        ("100 ug/dday", "intrathecal_rate", "Nearest: ug/day"),
        ("5 ay", "duration", "Nearest: day"),
        ("500 ng", "intrathecal_dose", "Nearest: ug"),
        ("50 d", "duration", "Nearest: day"),
        ("0.1 L", "volume", "Nearest: mL"),
        ("\u0665\u0660 ug", "intrathecal_dose", "not a number with a unit"),
        ("\uff15\uff10 ug", "intrathecal_dose", "not a number with a unit"),
        ("50 \u202eug", "intrathecal_dose", "is no unit"),
        ("50 u g", "intrathecal_dose", "is no unit"),
        ("50 ug\n", "intrathecal_dose", "not a number with a unit"),
        ("nan ug", "intrathecal_dose", "not a number with a unit"),
        ("Infinity h", "duration", "not a number with a unit"),
        ("0x10 ug", "intrathecal_dose", "is no unit"),
        ("1_000 ug", "intrathecal_dose", "is no unit"),
        ("1,000 ug", "intrathecal_dose", "not one number with a unit"),
        ("1e-400 ug", "intrathecal_dose", "too small"),
        ("1e-320 day", "duration", "too small"),
        ("-1e-12 day", "duration", "too small"),
        ("1e12 day", "duration", "too large"),
        ("9" * 400 + " ug", "intrathecal_dose", "not a number with a unit"),
        ("1.7 cm", "stature", "45 to 250 cm"),
        ("ten mg", "oral_dose", "not a number with a unit"),
        ("", "oral_dose", "not a number with a unit"),
        ("-5 mg", "oral_dose", "negative"),
        ("1e999 hour", "duration", "too large"),
        ("5 mg", "dose", 'no kind of quantity "dose". Nearest: oral_dose'),
        ("5 Mg", "oral_dose", "Nearest: mg"),
        ("1 lb", "oral_dose", "Allowed: mg"),
        ("5 kg", "intrathecal_dose", "Allowed: ug"),
        ("5 (", "oral_dose", "does not convert"),
    ],
)
def test_a_wrong_quantity_is_refused(text: str, kind: str, words: str) -> None:
    with pytest.raises(UnitError) as caught:
        _units.parse(text, kind)
    assert words in str(caught.value)


LETTERS = string.ascii_letters + "\u00b5\u03bc"
COMMON = [
    "50 ug", "50 mcg", "50 \u00b5g", "10 mg", "100 ug/day", "100 mcg/day", "4 ug/h", "8 h", "48 hour", "12 month",
    "30 min", "7 day", "6 week", "67 year", "71 kg", "175 cm", "20 mL", "80 mL/min", "4.8 L/h", "500 ug/mL",
    "300 ng/mL", "90 deg", "130 deg/s", "3 mV",
]  # fmt: skip


def slips(text: str) -> set[str]:
    """Return every text whose unit is one slip of one letter away: dropped, added, another, or two exchanged."""
    number, _, unit = text.partition(" ")
    gaps, places = range(len(unit) + 1), range(len(unit))
    found = {unit[:k] + letter + unit[k:] for k in gaps for letter in LETTERS}
    found |= {unit[:k] + letter + unit[k + 1 :] for k in places for letter in ("", *LETTERS)}
    found |= {unit[:k] + unit[k + 1 : k + 2] + unit[k] + unit[k + 2 :] for k in places}
    return {f"{number} {one}" for one in found} | {number + unit}


@pytest.mark.parametrize("text", COMMON)
def test_a_slip_of_one_letter_is_never_another_quantity(text: str) -> None:
    tried = 0
    for kind in _units.kinds():
        with contextlib.suppress(UnitError):
            right = _units.parse(text, kind)
            for slip in slips(text):
                tried += 1
                try:
                    assert _units.parse(slip, kind) == pytest.approx(right, rel=1e-12), (slip, kind)
                except UnitError as error:
                    said = str(error)
                    assert (
                        "Nearest: " in said or "if the unit was a slip" in said or "slipped" in said or "Write" in said
                    )
    assert tried > 100


def test_there_are_ten_thousand_slips() -> None:
    assert sum(len(slips(text)) for text in COMMON) > 10_000


def test_units_of_one_kind_that_differ_lie_two_slips_apart() -> None:
    """The reason why no slip is ever another quantity, for every unit and not only the common ones."""
    tables = {kind: one.table for kind, one in _quantities._KINDS.items() if one.of is None}  # bounds part cm and m
    for kind, table in {**tables, **_quantities._OF_MODEL}.items():
        for unit in table:
            for slip in slips(f"1 {unit}"):
                other = _quantities._normal(slip.partition(" ")[2])
                assert table.get(other, table[unit]) == table[unit], (kind, unit, other)


@given(st.text(max_size=12), st.sampled_from(_units.kinds()))
def test_nothing_but_a_unit_error_is_ever_raised(unit: str, kind: str) -> None:
    try:
        value = _units.parse(f"3 {unit}", kind)
    except UnitError:
        return
    assert math.isfinite(value)


@pytest.mark.parametrize(
    "unit",
    ["", "1", "mL/min", "N m s/rad", "1/h", "s^-2", "cm2/h", "kg m2", "grade/mV", "1/year", "pps", "mS/cm^2", "degC"],
)
def test_units_of_records_are_read(unit: str) -> None:
    _units.check(unit)


@pytest.mark.parametrize("unit", ["mgg", "mL//h", "h/", "5 apples", "(", "mg per"])
def test_a_unit_that_cannot_be_read_is_refused(unit: str) -> None:
    with pytest.raises(UnitError, match="cannot be read"):
        _units.check(unit)
    with pytest.raises(UnitError, match="cannot be read"):
        _units.convert(1.0, unit, "mg")


def test_the_nearest_unit_is_named() -> None:
    with pytest.raises(UnitError, match="Nearest: mg"):
        _units.check("mgg")


def test_pint_reads_every_unit_that_is_waved_through() -> None:
    registry = _units._registry()
    for atom in sorted(_units._KNOWN_ATOMS):
        registry.parse_units(atom)


def test_conversion() -> None:
    assert _units.convert(180, "mL/min", "L/h") == pytest.approx(10.8)
    assert _units.convert(1.0, "1", "") == 1.0
    with pytest.raises(UnitError, match=r'"mg" does not convert to "h"'):
        _units.convert(1.0, "mg", "h")


def test_ordinary_units_do_not_wake_pint() -> None:
    code = (
        "import sys; from eutonia import _units;"
        "_units.parse('50 ug', 'intrathecal_dose'); _units.parse('12 month', 'duration'); _units.check('N m/rad');"
        "sys.exit('pint' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("text", ["5 h**9**9**9", "5 h^9^9^9", "5 h**99999999", "5 h**(9**9)", "1 mL**9 ** 9"])
def test_a_tower_of_powers_is_refused_at_once(text: str) -> None:
    with pytest.raises(UnitError):
        _units.parse(text, "duration")
