"""What a case of another use than spasticity may say: tablets, kidneys, weight, and what makes drowsy beside them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from eutonia import _bounds, parameters
from eutonia.assessment.scales import SCALES
from eutonia.errors import StudyError
from eutonia.patient.uses import GROWN, USES, Use
from eutonia.study.fields import Given
from eutonia.study.studyfile import Key, Problem

if TYPE_CHECKING:
    from eutonia.study.design import CaseStudy

_MAY_HAPPEN = ("tablets", "stop tablets", "creatinine clearance", "dialysis", "weight")
_CHILDREN = "oral_he_2014"
_ROUNDING = 1e-9


def use_of(study: CaseStudy) -> Use | None:
    """Return the use of a case; None for spasticity, which is what the model is of."""
    return USES.get(study.lesion.kind)


def refuse_tone(study: CaseStudy, what: str) -> None:
    """Refuse a question on the tone of who takes baclofen for something else.

    Raises
    ------
    StudyError
        The case is of another use.
    """
    if (use := use_of(study)) is not None:
        raise StudyError(
            f"{what} of {study.name}, a case of {study.lesion.kind}. {use.why} Allowed: a case of spasticity. "
            "Nearest: eutonia run, which shows levels and drowsiness. Use that."
        )


def use_problems(study: CaseStudy) -> Iterator[Problem]:
    """Find what a person of this age and use cannot have, and what would be predicted of them without a model."""
    use = use_of(study)
    if use is None or not use.is_child:
        yield from _grown(study, use)
    elif study.patient.age_year >= GROWN:
        why, do = "Cerebral palsy of adults is a population of trials, and no case.", "Write a child, or a trial."
        yield Problem(("patient", "age"), why, study.patient.age_year.text, f"2 to {GROWN:g} year", do=do)
    elif study.head.oral_model != _CHILDREN:
        why, do = "The kinetics of adults are not those of a child.", f'Write oral_model = "{_CHILDREN}" in [study].'
        yield Problem(("study", "oral_model"), why, study.oral_model, f'"{_CHILDREN}"', do=do)
    yield from _weights(study, use)
    if use is None:
        return
    for at, given, allowed in _too_much(study):
        yield Problem(at, use.why, given, allowed, do="Remove it.")
    if use.is_child:
        yield from _doses_of_a_child(study)


def _grown(study: CaseStudy, use: Use | None) -> Iterator[Problem]:
    """Find the age or the weight of a child where only adults are modelled."""
    person = study.patient
    if not _bounds.AGE.hold(person.age_year):
        assert _bounds.AGE.below is not None
        why, do = _bounds.AGE.below
        yield Problem(("patient", "age"), why, person.age_year.text, _bounds.AGE.allowed, do=do)
    elif not _bounds.WEIGHT.hold(person.weight_kg):
        why = f"Nobody grown up has that ({_bounds.WEIGHT.why})."
        do = "Check digits and unit."
        yield Problem(("patient", "weight"), why, person.weight_kg.text, _bounds.WEIGHT.allowed, do=do)


def _weights(study: CaseStudy, use: Use | None) -> Iterator[Problem]:
    """Find a weight that changes in who does not grow, for whom it would change nothing."""
    for position, event in enumerate(study.events_as_written):
        if event.kind == "weight" and not (use is not None and use.is_child):
            why, do = "The kinetics of adults do not follow the weight.", "Remove the event."
            yield Problem(("event", position, "kind"), why, event.kind, "a child's case", do=do)


def _too_much(study: CaseStudy) -> Iterator[tuple[Key, object, str]]:
    """Yield everything of a case that is of tone, of pumps or of practice."""
    if study.charted:
        yield ("charted", 0), study.charted[0].place, "no charted scores"
    for k, scale in enumerate(study.assessment.scales):
        if SCALES[scale].is_score:
            yield ("assessment", "scales", k), scale, '["adverse"]'
    for table in ("pump", "therapy"):
        if getattr(study, table) is not None:
            yield (table,), table, "tablets"
    for k, event in enumerate(study.events_as_written):
        if event.kind not in _MAY_HAPPEN:
            yield ("event", k, "kind"), event.kind, ", ".join(_MAY_HAPPEN)
    for k, given in enumerate(study.treatments):
        if given.harms is None:
            yield ("treatment", k, "route"), given.route, "what makes drowsy"


def _doses_of_a_child(study: CaseStudy) -> Iterator[Problem]:
    """Find more a day for each kg than children of the trial took."""
    most = parameters.load(_CHILDREN).value("highest_dose_per_weight", "mg/kg/day")
    weight: Given = study.patient.weight_kg
    for event in study.events:
        if event.kind == "weight":
            weight = event.weight_kg
        elif event.kind == "tablets" and event.mg_per_day > most * weight * (1 + _ROUNDING):
            at = ("event", study.events_as_written.index(event), "dose")
            why = f"That is {event.mg_per_day / weight:.3g} mg a day for each kg of {weight.text}."
            do = "Lower the dose, or check its unit."
            yield Problem(at, why, event.dose_mg.text, f"at most {most:g} mg/kg a day (He_2014)", do=do)


def quotations(use: Use) -> tuple[str, ...]:
    """Return what trials of a use found, a sentence a number, with its source."""
    found = []
    for name in use.quoted:
        record = parameters.load("other_uses")[name]
        value = record.value
        share = name.endswith("odds_ratio")
        spread = parameters.load("other_uses").spread(name, "1") if share else None
        ends = "" if spread is None else f" ({spread.low:g} to {spread.high:g})"
        told = f"{value:g}{ends}" if share else f"{100 * float(value):g}%"
        found.append(f"{record.label}: {told} ({record.source}; {record.people}).")
    return tuple(found)
