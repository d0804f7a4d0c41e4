"""A number is read with its unit: an equal unit or another order changes nothing; other kinds are refused."""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from study_examples import walkers

import eutonia
from eutonia import parameters
from eutonia.errors import UnitError
from eutonia.parameters import library
from eutonia.study.design import parse_study

# Each word of a unit -> another of the same kind, so that every record with a dimension can be written anew.
OTHER = {
    "h": "min", "min": "s", "s": "ms", "ms": "s", "day": "h", "week": "h", "month": "day", "year": "month",
    "mV": "V", "mA": "A", "mm": "cm", "cm": "mm", "um": "mm", "m": "cm", "deg": "rad", "rad": "deg", "kg": "g",
    "mg": "g", "ug": "mg", "ng": "ug", "g": "mg", "mL": "L", "uL": "mL", "L": "mL", "N": "kN",
}  # fmt: skip
# Units of a toxin are those of its product, and have no other words.
WITHOUT = {"1", "grade", "score", "aboU", "onaU", "aboU/onaU"}


def otherwise(unit: str) -> str:
    return re.sub("[A-Za-z]+", lambda word: OTHER.get(word.group(), word.group()), unit)


def test_every_dimension_has_other_words() -> None:
    units = {record.unit for name in parameters.sets() for record in parameters.load(name).records()}
    assert {unit for unit in units if otherwise(unit) == unit} == WITHOUT


def found() -> dict[str, list[float]]:
    """Return what trials report and what the course of a case holds, by study."""
    loubser = eutonia.load_study("loubser_1991").override(n=4, pool=1024)
    out = {}
    for study in (parse_study(walkers()), loubser, eutonia.load_study("case_haemorrhage_pump")):
        result = eutonia.run(study, **({"replicates": 2, "workers": 1} if study.kind == "trial" else {}))
        if study.kind == "trial":
            out[study.name] = [x for q in result.quantities for x in (q.mean, q.low, q.high)]
        else:
            course = [one.values.ravel() for one in result.course.data_vars.values() if one.dtype.kind == "f"]
            out[study.name] = np.concatenate(course).tolist()
    return out


@contextmanager
def written_anew() -> Iterator[list[str]]:
    """Have every record in its other unit and every vector in the opposite order; give the sets that are read."""
    plain, sets = library._load, list[str]()

    def back(record: parameters.Parameter) -> parameters.Parameter:
        return dataclasses.replace(record, numbers=record.numbers[::-1], axis=record.axis[::-1])

    @functools.cache
    def anew(name: str) -> library.ParameterSet:
        found = plain(name)
        sets.append(name)
        records = {record.name: back(record.to(otherwise(record.unit))) for record in found.records()}
        return library.ParameterSet(found.name, found.title, found.released, found.note, records)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(library, "_load", anew)
        library._as_of.cache_clear()  # what was made of the records as they ship
        yield sets
    library._as_of.cache_clear()


def test_studies_on_records_in_other_units_and_another_order_are_the_same() -> None:
    plain = found()
    with written_anew() as sets:
        anew = found()
    assert {"receptor", "tone", "limb", "trial"} <= set(sets)
    assert len(plain) == 3
    for study, numbers in plain.items():
        assert len(numbers) > 50
        np.testing.assert_allclose(anew[study], numbers, rtol=1e-12, atol=1e-12, err_msg=study)


def test_another_kind_of_unit_is_refused_with_both() -> None:
    with pytest.raises(UnitError, match=r'"ec50" of receptor is recorded in "ng/mL", and what reads it wants "mV"'):
        parameters.load("receptor").value("ec50", "mV")


def test_a_number_and_its_spread_are_converted_together() -> None:
    records = parameters.load("pump_synchromed_ii")
    years, months = (records.spread("battery_life", unit) for unit in ("year", "month"))
    assert records.value("battery_life", "month") == pytest.approx(12 * records.value("battery_life", "year"))
    assert (months.low, months.high) == pytest.approx((12 * years.low, 12 * years.high))
    coefficient = parameters.load("oral_simon_2018")
    assert coefficient.spread("clearance_over_bioavailability", "mL/min").sd_log == pytest.approx(
        coefficient.spread("clearance_over_bioavailability", "L/h").sd_log
    )
