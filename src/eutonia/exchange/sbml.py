"""Equations as SBML Level 3 Version 2: drug as species, movement as reactions, effect sites as rate rules.

Every number carries its record: notes for people, an annotation for programs, and its paper as a MIRIAM link where
one is known. Needs python-libsbml, the reference implementation of the standard, which also checks units.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from eutonia import __version__
from eutonia.errors import EutoniaError, SimulationError
from eutonia.exchange import sbml_units
from eutonia.exchange.equations import Amount, Constant, Equations, FlowTerm, Space
from eutonia.parameters import citations
from eutonia.parameters.record import Parameter, Spread

LEVEL, VERSION = 3, 2
NAMESPACE = "urn:eutonia:parameter-record"
SIGNATURE = "Written by Eutonia"
_NOT_A_DEVICE = "Research and teaching only, not a medical device."

# Terms of the Systems Biology Ontology.
_ODE, _SPACE, _DRUG, _TRANSPORT, _HILL, _CONCENTRATION = 293, 290, 247, 185, 190, 196
_NEXT_DOSE, _INTERVAL = "next_dose_time", "dose_interval"


def text(model: Equations) -> str:
    """Return the SBML of a model, checked for schema, consistency and units.

    Raises
    ------
    EutoniaError
        If python-libsbml is not installed.
    SimulationError
        If the document breaks a rule of the standard (a fault of this program).
    """
    libsbml = _libsbml()
    document = _Writer(libsbml, model).document
    found = faults(document)
    if found:
        raise SimulationError(f"the SBML of {model.name} breaks a rule: {found[0]} Please report this model.")
    return str(libsbml.writeSBMLToString(document))


def faults(document: Any) -> list[str]:
    """Return every error and warning that libsbml finds in a document, units and practice included."""
    document.checkConsistency()
    found = (document.getError(i) for i in range(document.getNumErrors()))
    return [f"{error.getErrorId()} (line {error.getLine()}): {error.getMessage().strip()}" for error in found]


def _libsbml() -> ModuleType:
    try:
        import libsbml
    except ImportError:
        raise EutoniaError(
            "SBML needs the library python-libsbml, which is not installed. Allowed: any version from 5.20. Do: "
            'python -m pip install "eutonia[exchange]"'
        ) from None
    return libsbml


class _Writer:
    """One document while it is being written."""

    def __init__(self, libsbml: ModuleType, model: Equations) -> None:
        self.libsbml, self.equations = libsbml, model
        self.document = libsbml.SBMLDocument(LEVEL, VERSION)
        self.model = self.document.createModel()
        self._settings = libsbml.L3ParserSettings()
        self._settings.setModel(self.model)
        self._head()
        for constant in model.constants:
            self._constant(constant)
        for space in model.spaces:
            self._space(space)
        for amount in model.amounts:
            self._species(amount)
        for rule in model.rules:
            self._quantity(rule.id, rule.label, rule.unit)
            self._rule(self.model.createAssignmentRule(), rule.id, rule.formula)
        for rate in model.rates:
            self._quantity(rate.id, rate.label, rate.unit).setValue(0.0)
            self._rule(self.model.createRateRule(), rate.id, rate.formula)
        for flow in model.flows:
            self._reaction(flow)
        if model.every_h is not None:
            self._repeat(model.every_h)

    def _head(self) -> None:
        model, mass = self.model, self._unit(self.equations.mass)
        model.setId(self.equations.name)
        model.setName(self.equations.title)
        model.setMetaId(f"meta_{self.equations.name}")
        model.setSBOTerm(_ODE)
        model.setTimeUnits(self._unit("h"))
        model.setSubstanceUnits(mass)
        model.setExtentUnits(mass)
        model.setVolumeUnits(self._unit("L"))
        self._notes(model, self.equations.note, f"{SIGNATURE} {__version__}. {_NOT_A_DEVICE}")

    def _unit(self, unit: str) -> str:
        return sbml_units.define(self.libsbml, self.model, unit)

    def _parse(self, formula: str) -> Any:
        node = self.libsbml.parseL3FormulaWithSettings(formula, self._settings)
        if node is None:
            raise SimulationError(f'"{formula}" is no formula: {self.libsbml.getLastParseL3Error()}')
        _make_bare_numbers_dimensionless(node)
        return node

    def _math(self, element: Any, formula: str) -> None:
        element.setMath(self._parse(formula))

    def _rule(self, rule: Any, variable: str, formula: str) -> None:
        rule.setVariable(variable)
        self._math(rule, formula)

    def _quantity(self, name: str, label: str, unit: str) -> Any:
        parameter = self.model.createParameter()
        parameter.setId(name)
        parameter.setName(label)
        parameter.setConstant(False)
        parameter.setUnits(self._unit(unit))
        if name == "hill":
            parameter.setSBOTerm(_HILL)
        elif unit == "ng/mL":
            parameter.setSBOTerm(_CONCENTRATION)
        return parameter

    def _constant(self, constant: Constant) -> None:
        # Not constant in the sense of SBML, so that another program's events may change kidneys or a pump.
        parameter = self._quantity(constant.id, constant.label, constant.unit)
        parameter.setValue(constant.value)
        self._provenance(parameter, constant.record)

    def _space(self, space: Space) -> None:
        compartment = self.model.createCompartment()
        compartment.setId(space.id)
        compartment.setName(space.label)
        compartment.setSpatialDimensions(3)
        compartment.setConstant(True)
        compartment.setUnits(self._unit(space.unit))
        compartment.setSBOTerm(_SPACE)
        if isinstance(space.size, str):
            self._initially(space.id, space.size)
        else:
            compartment.setSize(space.size)
        self._provenance(compartment, space.record)

    def _species(self, amount: Amount) -> None:
        species = self.model.createSpecies()
        species.setId(amount.id)
        species.setName(amount.label)
        species.setCompartment(amount.space)
        species.setSubstanceUnits(self._unit(self.equations.mass))
        species.setHasOnlySubstanceUnits(True)
        species.setBoundaryCondition(False)
        species.setConstant(False)
        species.setSBOTerm(_DRUG)
        species.setInitialAmount(0.0)
        if amount.initial:
            self._initially(amount.id, amount.initial)

    def _initially(self, symbol: str, formula: str) -> None:
        assignment = self.model.createInitialAssignment()
        assignment.setSymbol(symbol)
        self._math(assignment, formula)

    def _reaction(self, flow: FlowTerm) -> None:
        reaction = self.model.createReaction()
        reaction.setId(flow.id)
        reaction.setName(flow.label)
        reaction.setReversible(" - " in flow.formula)
        reaction.setSBOTerm(_TRANSPORT)
        ends = ((flow.source, reaction.createReactant), (flow.target, reaction.createProduct))
        for species, create in ends:
            if species is not None:
                reference = create()
                reference.setSpecies(species)
                reference.setStoichiometry(1.0)
                reference.setConstant(True)
        self._math(reaction.createKineticLaw(), flow.formula)

    def _repeat(self, every_h: float) -> None:
        """Give the dose again at every interval: one event that sets its own next time."""
        self._quantity(_INTERVAL, "Interval between doses", "h").setValue(every_h)
        self._quantity(_NEXT_DOSE, "Time of the next dose", "h").setValue(every_h)
        event = self.model.createEvent()
        event.setId("next_dose")
        event.setName("The dose again")
        event.setUseValuesFromTriggerTime(True)
        trigger = event.createTrigger()
        trigger.setInitialValue(False)
        trigger.setPersistent(True)
        self._math(trigger, f"time >= {_NEXT_DOSE}")
        changes = {amount: f"{amount} + {share}" for amount, share in self.equations.repeats.items()}
        for variable, formula in {**changes, _NEXT_DOSE: f"{_NEXT_DOSE} + {_INTERVAL}"}.items():
            assignment = event.createEventAssignment()
            assignment.setVariable(variable)
            self._math(assignment, formula)

    def _notes(self, element: Any, *paragraphs: str) -> None:
        inside = "".join(f"<p>{escape(paragraph)}</p>" for paragraph in paragraphs if paragraph)
        element.setNotes(f'<body xmlns="http://www.w3.org/1999/xhtml">{inside}</body>')

    def _provenance(self, element: Any, record: Parameter | None) -> None:
        if record is None:
            return
        element.setMetaId(f"meta_{element.getId()}")
        entry = citations.entries().get(record.source)
        title = f", {entry.title}" if entry else ""
        printed = f" Printed as: {record.as_given}." if record.as_given else ""
        source = f"Status: {record.status}; method: {record.method}. {record.source}{title}; {record.where}.{printed}"
        self._notes(element, f"{record.symbol}: {record.label}." if record.symbol else "", source, record.note)
        links = _links(record.source)
        if links:
            term = self.libsbml.CVTerm(self.libsbml.BIOLOGICAL_QUALIFIER)
            term.setBiologicalQualifierType(self.libsbml.BQB_IS_DESCRIBED_BY)
            for link in links:
                term.addResource(link)
            element.addCVTerm(term)
        fields = ("set", "name", "unit", "status", "method", "source", "where", "as_given", "people", "valid")
        values = {name: getattr(record, name) for name in fields}
        values |= {"value": " ".join(map(repr, record.numbers)), "spread": _spread(record.spread)}
        attributes = " ".join(f"{name}={quoteattr(value)}" for name, value in values.items() if value)
        element.appendAnnotation(f'<eutonia:record xmlns:eutonia="{NAMESPACE}" {attributes}/>')


def _spread(spread: Spread) -> str:
    """Return a spread as words, such as "lognormal, cv 0.21, between patients"; empty for none."""
    if spread.kind == "none":
        return ""
    numbers = (f"{name} {x:g}" for name in ("sd", "cv", "low", "high") if (x := getattr(spread, name)) is not None)
    return ", ".join([spread.kind, *numbers, spread.level])


def _links(source: str) -> list[str]:
    entry = citations.entries().get(source)
    fields = entry.fields if entry else {}
    kinds = (("pmid", "pubmed:"), ("doi", "doi:"))
    return [f"https://identifiers.org/{prefix}{fields[kind]}" for kind, prefix in kinds if fields.get(kind)]


def _make_bare_numbers_dimensionless(node: Any) -> None:
    if node.isNumber() and not node.isSetUnits():
        node.setUnits("dimensionless")
    for i in range(node.getNumChildren()):
        _make_bare_numbers_dimensionless(node.getChild(i))
