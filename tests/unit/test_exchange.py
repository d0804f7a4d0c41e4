"""Exported models as documents: the standard's own checks, units by an independent program, sources of numbers."""

from __future__ import annotations

import dataclasses
import functools
import math
import re
import sys
import xml.etree.ElementTree as ET

import jax.numpy as jnp
import libsbml
import pint
import pytest

from eutonia import parameters
from eutonia.drug import exposure
from eutonia.drug.exposure.models import of_set
from eutonia.drug.exposure.structure import Structure
from eutonia.drug.kinetics.values import OralValues
from eutonia.errors import EutoniaError, SimulationError, StudyError, UnitError
from eutonia.exchange import Dosing, equations, export, models, sbml, write
from eutonia.exchange.equations import Equations
from eutonia.exchange.formula import Formula
from eutonia.parameters import citations

MODELS = tuple(models())
ORAL = tuple(name for name in MODELS if name.startswith("oral_"))
GIVEN = {
    **dict.fromkeys((*ORAL, "effect_oral"), Dosing(dose="10 mg", every="8 hour")),
    **dict.fromkeys(("intrathecal", "effect_intrathecal"), Dosing(dose="50 ug", every="1 day", infusion="96 ug/day")),
    "receptor": Dosing(),
}
UREG = pint.UnitRegistry()
SPATIAL = "http://www.sbml.org/sbml/level3/version2/core"


def document(text: str) -> libsbml.SBMLDocument:
    return libsbml.readSBMLFromString(text)


@pytest.fixture(params=MODELS)
def model(request: pytest.FixtureRequest) -> Equations:
    return equations(request.param, GIVEN[request.param])


def test_every_kinetic_and_effect_model_is_there() -> None:
    assert {*ORAL} == {name for name in parameters.sets() if name.startswith("oral_")}
    assert {*MODELS} - {*ORAL} == {"intrathecal", "receptor", "effect_oral", "effect_intrathecal"}


# --- the standard's own checks ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MODELS)
def test_the_document_breaks_no_rule_of_the_standard(name: str) -> None:
    text = export(name, GIVEN[name])
    read = document(text)
    assert (read.getLevel(), read.getVersion()) == (3, 2)
    assert sbml.faults(read) == []  # schema, consistency, units and practice; warnings count
    assert text == export(name, GIVEN[name])  # the same bits each time
    assert "not a medical device" in text


def test_the_check_sees_a_wrong_dimension() -> None:
    good = equations("oral_simon_2018")
    rules = tuple(dataclasses.replace(r, formula="drug_central") if r.id == "plasma" else r for r in good.rules)
    with pytest.raises(SimulationError, match=r"oral_simon_2018 breaks a rule: 10513"):
        sbml.text(dataclasses.replace(good, rules=rules))


# --- units by Pint: dimension and scale --------------------------------------------------------------------------


def python(formula: str) -> str:
    return formula.replace("^", "**")


def values(model: Equations) -> dict[str, tuple[float, str]]:
    """Return every quantity with its unit: real values where they are known, others not round on purpose."""
    found = {c.id: (c.value, c.unit) for c in model.constants}
    found |= {s.id: (0.7 + i / 7.0 if isinstance(s.size, str) else s.size, s.unit) for i, s in enumerate(model.spaces)}
    found |= {a.id: (1.3 + i / 11.0, model.mass) for i, a in enumerate(model.amounts)}
    found |= {r.id: (0.21 + i / 100.0, r.unit) for i, r in enumerate((*model.rules, *model.rates))}
    return found | {"time": (5.0, "h")}


def formulas(model: Equations) -> list[tuple[str, str, str]]:
    """Return (what, formula, unit that it must have)."""
    return [
        *((r.id, r.formula, r.unit) for r in model.rules),
        *((r.id, r.formula, "1/h" if r.unit == "1" else f"{r.unit}/h") for r in model.rates),
        *((f.id, f.formula, f"{model.mass}/h") for f in model.flows),
        *((s.id, s.size, s.unit) for s in model.spaces if isinstance(s.size, str)),
        *((a.id, a.initial, model.mass) for a in model.amounts if a.initial),
        *((key, formula, model.mass) for key, formula in model.repeats.items()),
    ]


def as_unit(unit: str) -> pint.Unit:
    return UREG.parse_units("dimensionless" if unit == "1" else re.sub(r"(?<=[A-Za-z]) (?=[A-Za-z])", "*", unit))


def test_every_formula_has_its_unit_and_hides_no_factor(model: Equations) -> None:
    """A slip of mL for L, or of mg for ug, gives another number with units than without."""
    known = values(model)
    functions = {
        "ln": lambda x: math.log(float(x)),
        "exp": lambda x: math.exp(float(x)),
        "abs": abs,
        "piecewise": lambda yes, condition, no: yes if condition else no,
        "__builtins__": {},
    }
    plain = {name: value for name, (value, _) in known.items()}
    dimensional = {name: value * UREG.Quantity(1.0, as_unit(unit)) for name, (value, unit) in known.items()}
    for what, formula, unit in formulas(model):
        code = compile(python(formula), what, "eval")
        bare = eval(code, functions, plain)
        full = UREG.Quantity(eval(code, functions, dimensional)).to(as_unit(unit))
        assert full.magnitude == pytest.approx(bare, rel=1e-12), (what, formula)


def test_the_check_by_pint_sees_a_slip_of_a_thousand() -> None:
    good = equations("oral_simon_2018")
    rules = tuple(dataclasses.replace(r, unit="mL/h") if r.id == "clearance" else r for r in good.rules)
    with pytest.raises(AssertionError):
        test_every_formula_has_its_unit_and_hides_no_factor(dataclasses.replace(good, rules=rules))


def sbml_unit(definition: libsbml.UnitDefinition) -> pint.Quantity:
    """Return a unit definition of a document as a quantity of Pint."""
    found = UREG.Quantity(1.0)
    for i in range(definition.getNumUnits()):
        part = definition.getUnit(i)
        base = UREG.Quantity(1.0, libsbml.UnitKind_toString(part.getKind()))
        found = found * (part.getMultiplier() * 10.0 ** part.getScale() * base) ** part.getExponent()
    return found


@pytest.mark.parametrize("name", MODELS)
def test_numbers_come_back_from_the_document_as_their_records_have_them(name: str) -> None:
    read = document(export(name, GIVEN[name])).getModel()
    seen = 0
    for parameter in [read.getParameter(i) for i in range(read.getNumParameters())]:
        if not parameter.isSetAnnotation():
            continue
        note = ET.fromstring(parameter.getAnnotationString()).find(f"{{{sbml.NAMESPACE}}}record")
        record = parameters.load(note.get("set"))[note.get("name")]
        assert note.get("status") == record.status
        assert note.get("source") == record.source
        assert record.source in parameter.getNotesString()
        unit = read.getUnitDefinition(parameter.getUnits())
        scale = sbml_unit(unit) if unit else UREG.Quantity(1.0)
        wanted = [UREG.Quantity(x, as_unit(record.unit)) for x in record.numbers]
        found = [(parameter.getValue() * scale).to(w.units).magnitude for w in wanted]
        assert any(f == pytest.approx(w.magnitude, rel=1e-12) for f, w in zip(found, wanted, strict=True)), record.name
        seen += 1
    assert seen >= 7


def test_a_paper_is_linked_where_it_is_known() -> None:
    text = export("oral_simon_2018")
    assert f"https://identifiers.org/pubmed:{citations.entry('Simon_2018').fields['pmid']}" in text
    assert 'as_given="11.6 L/h (10.8-12.3)"' in text
    assert 'spread="lognormal, cv 0.21, between patients"' in text


def test_what_a_user_may_change_is_not_constant() -> None:
    read = document(export("effect_intrathecal")).getModel()
    assert not any(read.getParameter(name).getConstant() for name in ("infusion", "creatinine_clearance", "ec50"))


# --- doses ------------------------------------------------------------------------------------------------------

REFUSED = [
    ("oral_simon", Dosing(), StudyError, ['no model to export "oral_simon"', "Nearest: oral_simon_2018", "--list"]),
    ("oral_simon_2018", Dosing(dose="10 ug"), UnitError, ["--dose", "intrathecal route", "0.01 mg"]),
    ("effect_oral", Dosing(dose="10 mcg"), UnitError, ["--dose", "intrathecal route"]),
    ("intrathecal", Dosing(dose="1 mg"), UnitError, ["--dose", "oral route", "1000 ug"]),
    ("effect_intrathecal", Dosing(infusion="0.1 mg/day"), UnitError, ["--infusion", "oral route", "100 ug/day"]),
    ("intrathecal", Dosing(infusion="100 ug"), UnitError, ["--infusion", "ug/h"]),
    ("oral_simon_2018", Dosing(dose="10"), UnitError, ["has no unit"]),
    ("oral_simon_2018", Dosing(dose="-10 mg"), UnitError, ["negative"]),
    ("oral_simon_2018", Dosing(every="8 hour"), StudyError, ["--every repeats a dose"]),
    ("oral_simon_2018", Dosing(dose="10 mg", every="0 hour"), StudyError, ["no interval"]),
    ("oral_simon_2018", Dosing(dose="1e300 mg"), UnitError, ["--dose", "too large"]),
    ("oral_simon_2018", Dosing(dose="5000 mg"), UnitError, ["--dose", "0.1 mg to 2500 mg"]),
    ("oral_simon_2018", Dosing(dose="0.05 mg"), UnitError, ["--dose", "0.1 mg to 2500 mg"]),
    ("intrathecal", Dosing(dose="0.001 ug"), UnitError, ["--dose", "1 ug to 13950 ug"]),
    ("intrathecal", Dosing(infusion="1e9 ug/day"), UnitError, ["--infusion", "1 ug/day to 13950 ug/day"]),
    ("oral_simon_2018", Dosing(dose="10 mg", every="0.0001 min"), UnitError, ["--every", "1 min to 100 year"]),
    ("oral_simon_2018", Dosing(infusion="100 ug/day"), StudyError, ["taken by mouth", "intrathecal"]),
    ("oral_simon_2018", Dosing(access="catheter"), StudyError, ["taken by mouth", "--access"]),
    ("intrathecal", Dosing(dose="50 ug", access="cathetr"), StudyError, ["Nearest: catheter"]),
    ("intrathecal", Dosing(tip="T13"), StudyError, ['no vertebral level "T13"', "Nearest:"]),
    ("oral_simon_2018", Dosing(tip="T10"), StudyError, ["taken by mouth", "--tip"]),
    ("receptor", Dosing(dose="10 mg"), StudyError, ["no drug to give", "effect_oral"]),
]


@pytest.mark.parametrize(("name", "given", "kind", "says"), REFUSED)
def test_a_dose_that_cannot_be_is_refused(name: str, given: Dosing, kind: type[EutoniaError], says: list[str]) -> None:
    with pytest.raises(kind) as error:
        export(name, given)
    assert all(part in str(error.value) for part in says), error.value


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(StudyError, match=r'no format "sbm"\. Nearest: sbml'):
        export("receptor", target="sbm")


def test_a_missing_library_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "libsbml", None)
    with pytest.raises(EutoniaError, match=r"python-libsbml.*not installed.*eutonia\[exchange\]"):
        export("receptor")


# --- the file ---------------------------------------------------------------------------------------------------


def test_a_file_is_written_whole_and_strangers_are_kept(tmp_path) -> None:  # type: ignore[no-untyped-def]
    text = export("receptor")
    file = tmp_path / "receptor.xml"
    assert write(text, file) == write(text, file) == file
    assert file.read_text(encoding="utf-8") == text
    other = tmp_path / "notes.xml"
    other.write_text("mine", encoding="utf-8")
    with pytest.raises(EutoniaError, match=r"no export of Eutonia.*notes-model\.xml"):
        write(text, other)
    refused = {
        tmp_path: "is no ordinary file",
        tmp_path / "no" / "receptor.xml": "is no file in a folder that exists",
        other / "receptor.xml": 'notes.xml" is a file, and ',
    }
    for nowhere, why in refused.items():
        with pytest.raises(EutoniaError, match=why):
            write(text, nowhere)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["notes.xml", "receptor.xml"]
    assert other.read_text(encoding="utf-8") == "mine"


# --- one kinetics: equations are the structure that tables are computed by, with names in place of numbers ----------


def shares(written: Equations) -> dict[tuple[str, str], float]:
    """What flows from which amount to which in an hour, as a share, by arithmetic on the text of the formulas."""
    known: dict[str, float] = {one.id: one.value for one in written.constants}
    sizes = {one.id: one.size for one in written.spaces}
    rules = {one.id: one.formula for one in written.rules}

    @functools.cache
    def value(name: str) -> float:
        if name in known:
            return known[name]
        formula = rules.get(name, sizes.get(name, 1.0))  # an amount is one
        return formula if isinstance(formula, float) else computed(formula)

    def computed(formula: str) -> float:
        names = re.findall(r"[A-Za-z_]\w*", formula)
        return float(eval(formula.replace("^", "**"), {name: value(name) for name in names}))

    return {(str(one.source), one.target): computed(one.formula) for one in written.flows}


@pytest.mark.parametrize("oral_set", ORAL)
def test_equations_flow_as_tables_do(oral_set: str) -> None:
    model = exposure.model(of_set(oral_set))
    shape, numbers = model.structure, {one.name: one.default for one in model.quantities}
    assert isinstance(shape, Structure)
    if shape.per_weight:
        numbers["WT"] = parameters.load(oral_set).value("example_weight", "kg")
    rates = shape.rates(numbers, shape.clearance(numbers), shape.volume(numbers))
    gut, tissue = [f"gut_{i + 1}" for i in range(len(rates.absorption))], ["drug_peripheral"] * len(rates.outward)
    stages = [*gut, "drug_central", *tissue, "drug_eliminated"]
    expected = {(stages[source], stages[target]): rate for source, target, rate in rates.flows()}
    assert shares(equations(oral_set, Dosing(dose="10 mg"))) == pytest.approx(expected, rel=1e-12)


def test_equations_follow_the_structure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Written by hand they would stay as they were."""
    plain = Structure.clearance
    monkeypatch.setattr(Structure, "clearance", lambda self, values: 2.0 * plain(self, values))
    rules = {rule.id: rule.formula for rule in equations("oral_simon_2018", Dosing(dose="10 mg")).rules}
    assert rules["clearance"].startswith("2 * (bioavailability * clearance_over_bioavailability * ")


def test_formulas_keep_the_order_of_their_arithmetic() -> None:
    a, b, c = Formula("a"), Formula("b"), Formula("c")
    for formula, text in (
        (a - (b - c), "a - (b - c)"),
        (a - b - c, "a - b - c"),
        (a / (b * c), "a / (b * c)"),
        (a * b / c, "a * b / c"),
        ((a + b) * c, "(a + b) * c"),
        (1.0 / (a + 2.0 * b), "1 / (a + 2 * b)"),
        ((a / b) ** 2, "(a / b)^2"),
        (1.0 - a, "1 - a"),
        (1.0 * a * 1.0, "a"),
    ):
        assert str(formula) == text
        numbers = {"a": 3.0, "b": 5.0, "c": 7.0}
        assert eval(str(formula).replace("^", "**"), dict(numbers)) == eval(text.replace("^", "**"), dict(numbers))


def test_a_chain_before_a_depot_has_as_many_stages_in_trials_as_in_tables() -> None:
    """No shipped set has both; trials had one stage less, at the rate of the longer chain."""
    values = OralValues.from_records("oral_he_2014")
    both = dataclasses.replace(values, absorption_rate=1.3)
    trials = both._gut(jnp.zeros(1))
    shape = dataclasses.replace(exposure.model("baclofen-oral-he-2014").structure, has_depot=True)
    numbers = {"MTT": float(values.mean_transit_time), "KA": 1.3}
    assert [float(rate[0]) for rate in trials] == pytest.approx(list(shape._gut(numbers)))
