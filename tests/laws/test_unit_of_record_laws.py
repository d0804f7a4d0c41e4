"""A number is read with its unit: an equal unit or another order changes nothing; other kinds are refused."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import numpy as np
import pytest

from eutonia import parameters
from eutonia.errors import UnitError

# Each word of a unit -> another of the same kind, so that every record with a dimension can be written anew.
OTHER = {
    "h": "min", "min": "s", "s": "ms", "ms": "s", "day": "h", "week": "h", "month": "day", "year": "month",
    "mV": "V", "mA": "A", "mm": "cm", "cm": "mm", "um": "mm", "m": "cm", "deg": "rad", "rad": "deg", "kg": "g",
    "mg": "g", "ug": "mg", "ng": "ug", "g": "mg", "mL": "L", "uL": "mL", "L": "mL", "N": "kN",
}  # fmt: skip
# Units of a toxin are those of its product, and have no other words.
WITHOUT = {"1", "grade", "score", "aboU", "onaU", "aboU/onaU"}
STUDIES = ("kofler_2009", "loubser_1991", "case_haemorrhage_pump")
# Runs studies on the records as they are, or on every one in its other unit and every vector in the opposite order.
SCRIPT = """
import dataclasses, json, sys
from eutonia.parameters import library
other = json.loads(sys.argv[1])
if other:
    import re
    plain = library._load
    def back(record):
        return dataclasses.replace(record, numbers=record.numbers[::-1], axis=record.axis[::-1])
    def anew(name):
        found = plain(name)
        says = lambda unit: re.sub("[A-Za-z]+", lambda word: other.get(word.group(), word.group()), unit)
        records = {record.name: back(record.to(says(record.unit))) for record in found.records()}
        return library.ParameterSet(found.name, found.title, found.released, found.note, records)
    library._load = anew
import eutonia
found = {}
for name in sys.argv[2:]:
    study = eutonia.load_study(name)
    result = eutonia.run(study.override(n=4) if study.kind == "trial" else study, replicates=2)
    if study.kind == "trial":
        found[name] = [x for q in result.quantities for x in (q.mean, q.low, q.high)]
    else:
        course = [v.values.ravel().tolist() for v in result.course.data_vars.values() if v.dtype.kind == "f"]
        found[name] = sum(course, [])
print(json.dumps(found))
"""


def otherwise(unit: str) -> str:
    return re.sub("[A-Za-z]+", lambda word: OTHER.get(word.group(), word.group()), unit)


def test_every_dimension_has_other_words() -> None:
    units = {record.unit for name in parameters.sets() for record in parameters.load(name).records()}
    assert {unit for unit in units if otherwise(unit) == unit} == WITHOUT


def ran(other: dict[str, str]) -> dict[str, list[float]]:
    command = [sys.executable, "-c", SCRIPT, json.dumps(other), *STUDIES]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])  # type: ignore[no-any-return]


def test_studies_on_records_in_other_units_and_another_order_are_the_same() -> None:
    plain, anew = ran({}), ran(OTHER)
    for study in STUDIES:
        assert len(plain[study]) > 50
        np.testing.assert_allclose(anew[study], plain[study], rtol=1e-12, atol=1e-12, err_msg=study)


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
