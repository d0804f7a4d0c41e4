"""Doses, regimens and products: what is given when, and what is refused."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jaxtyping import TypeCheckError

from eutonia.drug import products
from eutonia.drug.regimen import (
    Bolus,
    Infusion,
    InfusionChange,
    IntrathecalDose,
    OralDose,
    Regimen,
    Tablets,
    TabletTaken,
)
from eutonia.errors import StudyError, UnitError

pytestmark = pytest.mark.unit


def test_milligrams_and_micrograms_never_add() -> None:
    for add in (lambda: OralDose(10) + IntrathecalDose(50), lambda: IntrathecalDose(50) + OralDose(10)):
        with pytest.raises(UnitError, match=r"10 mg by mouth and 50 ug in the spinal fluid"):
            add()
    assert OralDose(10) + OralDose(5) == OralDose(15)
    assert 2 * IntrathecalDose(50) == IntrathecalDose(100)
    with pytest.raises(TypeError):
        OralDose(10) + 5


@pytest.mark.parametrize("bad", [-1.0, math.nan, math.inf])
def test_an_amount_is_finite_and_not_negative(bad: float) -> None:
    for make in (OralDose, IntrathecalDose, Infusion):
        with pytest.raises(UnitError, match="Allowed: 0"):
            make(bad)


def test_an_infusion_reads_per_day() -> None:
    pump = Infusion.per_day(100.0)
    assert pump.ug_per_h == pytest.approx(100 / 24)
    assert str(pump) == "100 ug/day"
    assert pump.over(12.0).ug == pytest.approx(50.0)
    assert (1.25 * pump).ug_per_day == pytest.approx(125.0)


@pytest.mark.parametrize("swap", [lambda: Tablets(IntrathecalDose(50), 8), lambda: Bolus(0, OralDose(10))])
def test_a_dose_of_the_other_route_is_refused(swap: object) -> None:
    with pytest.raises((UnitError, TypeCheckError)):  # under test the type check comes first
        swap()  # type: ignore[operator]


def test_tablets_expand_to_times() -> None:
    tablets = Tablets(OralDose(10), every_h=8, start_h=2, stop_h=26)
    assert tablets.times(0, 100) == (2.0, 10.0, 18.0)
    assert tablets.times(10, 18) == (10.0,)
    assert tablets.mg_per_day == 30.0
    with pytest.raises(StudyError, match="without a stop"):
        Tablets(OralDose(10), 8).times(0, math.inf)
    with pytest.raises(StudyError, match="not below a minute"):
        Tablets(OralDose(0), every_h=1e-9)
    with pytest.raises(StudyError, match="more than 0 h"):
        Tablets(OralDose(10), 0)
    with pytest.raises(StudyError, match="before their start"):
        Tablets(OralDose(10), 8, start_h=5, stop_h=4)


@given(every=st.floats(0.1, 30), start=st.floats(0, 50), cut=st.floats(0, 400))
def test_no_tablet_is_lost_or_doubled_at_a_border(every: float, start: float, cut: float) -> None:
    tablets = Tablets(OralDose(10), every, start)
    border = start + round(cut / every) * every  # on a tablet, to rounding
    assert tablets.times(0, border) + tablets.times(border, 500) == tablets.times(0, 500)
    assert tablets.times(0, cut) + tablets.times(cut, 500) == tablets.times(0, 500)


def test_events_come_in_order_and_half_open() -> None:
    regimen = (
        Regimen.oral(OralDose(10), every_h=8)
        + Regimen.bolus(IntrathecalDose(50), time_h=8.0)
        + Regimen.infusion(Infusion.per_day(100), start_h=8.0, stop_h=20.0)
    )
    events = regimen.events(0, 24)
    assert [type(event) for event in events] == [
        TabletTaken,
        InfusionChange,
        Bolus,
        TabletTaken,
        TabletTaken,
        InfusionChange,
    ]
    assert regimen.times(0, 24) == (0.0, 8.0, 16.0, 20.0)
    assert regimen.events(0, 8) == events[:1]
    assert [change.infusion.ug_per_day for change in regimen.infusions] == pytest.approx([100, 0])


def test_a_placebo_gives_nothing() -> None:
    zero = Regimen.oral(OralDose(0), every_h=8) + Regimen.infusion(Infusion(0))
    assert Regimen.placebo().is_placebo
    assert zero.is_placebo
    assert not (zero + Regimen.bolus(IntrathecalDose(1))).is_placebo
    assert Regimen.placebo().events(0, 1000) == ()


def test_a_regimen_shifts_and_scales() -> None:
    regimen = Regimen.bolus(IntrathecalDose(50), 1.0) + Regimen.oral(OralDose(5), 12) + Regimen.infusion(Infusion(2), 3)
    later = regimen.shift(24.0)
    assert later.times(0, 48) == tuple(time + 24 for time in regimen.times(0, 24))
    assert later.shift(-24.0) == regimen
    double = regimen.scale(2.0)
    assert (double.boluses[0].dose, double.tablets[0].dose) == (IntrathecalDose(100), OralDose(10))
    assert double.infusions[0].infusion == Infusion(4)


def test_what_makes_no_sense_is_refused_with_advice() -> None:
    with pytest.raises(StudyError, match="at the same time, 3 h"):
        Regimen.infusion(Infusion(1), 3.0) + Regimen.infusion(Infusion(2), 3.0)
    with pytest.raises(StudyError, match="Nearest: lumbar puncture"):
        Bolus(0.0, IntrathecalDose(50), access="lumbar punctur")
    with pytest.raises(StudyError, match="Only a catheter has one"):
        Bolus(0.0, IntrathecalDose(50), access="lumbar puncture", tip="T10")
    with pytest.raises(StudyError, match="not after its start"):
        Regimen.infusion(Infusion(1), 3.0, 3.0)
    with pytest.raises(StudyError, match="finite time"):
        Bolus(math.nan, IntrathecalDose(50))


def test_a_product_is_found_by_any_of_its_names() -> None:
    assert products.find("lioresal intrathecal").route == "intrathecal"
    assert products.find("baclofen").route == "oral"
    assert products.find("baclofen", "intrathecal").route == "intrathecal"
    with pytest.raises(StudyError, match="Nearest: Gablofen"):
        products.find("Gablofin")
    with pytest.raises(StudyError, match="is an intrathecal product, asked for by the oral route"):
        products.find("Gablofen", "oral")


@pytest.mark.parametrize(
    ("name", "mg", "nearest"),
    [
        ("baclofen tablets", 10.0, None),
        ("baclofen tablets", 7.5, None),  # one and a half of 5 mg
        ("baclofen tablets", 6.0, ("5 mg", "7.5 mg")),
        ("baclofen tablets", 1.0, ("2.5 mg",)),
        ("Lioresal", 12.5, None),  # half of 25 mg
        ("Lioresal", 7.5, ("5 mg", "10 mg")),
        ("Kemstro", 5.0, ("10 mg",)),  # not to be halved
        ("Ozobax", 3.3, None),  # a liquid
    ],
)
def test_tablets_are_whole_or_half(name: str, mg: float, nearest: tuple[str, ...] | None) -> None:
    warning = products.check_dose(products.find(name), OralDose(mg))
    assert (None if warning is None else tuple(str(dose) for dose in warning.nearest)) == nearest
    assert warning is None or str(warning.nearest[0]) in str(warning)


def test_a_tablet_never_goes_into_a_pump() -> None:
    with pytest.raises(UnitError, match=r"10 mg is an oral dose, and Gablofen is an intrathecal product"):
        products.check_dose(products.find("Gablofen"), OralDose(10))
    with pytest.raises(UnitError, match=r"50 ug is an intrathecal dose, and Lioresal is an oral product"):
        products.check_dose(products.find("Lioresal"), IntrathecalDose(50))
    assert products.check_dose(products.find("Gablofen"), IntrathecalDose(50)) is None


def test_regimens_need_no_array_library() -> None:
    code = "import sys, eutonia.drug.regimen, eutonia.drug.products; sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


NO_NUMBERS = [True, False, 10**400, -(10**400), 1e300, math.nan]


@pytest.mark.parametrize("value", NO_NUMBERS, ids=lambda value: f"{value!r:.20}")
def test_what_is_no_number_is_no_dose_and_no_time(value: float) -> None:
    for make in (OralDose, IntrathecalDose, Infusion, Infusion.per_day):
        with pytest.raises(UnitError, match="Allowed: 0"):
            make(value)
    with pytest.raises(StudyError, match="Allowed: "):
        Regimen.bolus(IntrathecalDose(50), time_h=value)
    with pytest.raises(StudyError, match="Allowed: "):
        Regimen.infusion(Infusion(5), start_h=value)
    with pytest.raises(StudyError, match="Allowed: "):
        Tablets(OralDose(10), 8, start_h=value)
    if value < 1e9:
        with pytest.raises(StudyError, match="Allowed: "):
            Tablets(OralDose(10), every_h=value)


def test_without_the_type_check_of_tests_texts_are_no_numbers_and_numbers_of_other_libraries_are() -> None:
    code = """
from fractions import Fraction
import numpy as np
from eutonia.drug.regimen import IntrathecalDose, OralDose, Tablets
from eutonia.errors import EutoniaError
for value in ("50", "\u0665", b"5", None, [5], object(), np.array([1.0, 2.0]), np.bool_(True)):
    for make in (OralDose, IntrathecalDose, lambda x: Tablets(OralDose(10), x)):
        try:
            make(value)
        except EutoniaError:
            continue
        raise SystemExit(f"{value!r} was taken for a number")
for value in (np.float32(5), np.int64(5), np.float64(5), Fraction(5)):
    assert OralDose(value).mg == 5.0 and type(OralDose(value).mg) is float
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
