"""What a case of another use than spasticity may say: tablets, kidneys, weight, and what makes drowsy beside them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from eutonia import _bounds, parameters
from eutonia.assessment.scales import SCALES
from eutonia.errors import StudyError
from eutonia.patient.uses import USES, Use
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


def as_tried(study: CaseStudy) -> str:
    """Return what doses beyond the label are, where trials of this use gave as much; else empty."""
    use = use_of(study)
    if use is None or not use.tried:
        return ""
    with parameters.unrecorded():
        records = parameters.load("other_uses")
        most = records.value(use.tried, "mg/day")
    if any(event.mg_per_day > most * (1 + _ROUNDING) for event in study.events if event.kind == "tablets"):
        return ""
    return (
        f"No label has them; trials in {study.lesion.kind} gave up to {most:g} mg a day ({records[use.tried].source})"
    )


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
        yield from _within(study, _bounds.AGE, _bounds.WEIGHT)
    else:
        yield from _within(study, _bounds.AGE_OF_CHILD, _bounds.WEIGHT_OF_CHILD)
        if study.head.oral_model != _CHILDREN:
            why, do = (
                "The kinetics of adults are not those of a child.",
                f'Write oral_model = "{_CHILDREN}" in [study].',
            )
            yield Problem(("study", "oral_model"), why, study.oral_model, f'"{_CHILDREN}"', do=do)
    yield from _weights(study, use)
    if use is None:
        return
    for at, given, allowed in _too_much(study):
        yield Problem(at, use.why, given, allowed, do="Remove it.")
    if use.is_child:
        yield from _doses_of_a_child(study)


def _within(study: CaseStudy, ages: _bounds.Bounds, weights: _bounds.Bounds) -> Iterator[Problem]:
    """Find an age or a weight of nobody whom the model of this use is of."""
    person = study.patient
    for key, given, of in (("age", person.age_year, ages), ("weight", person.weight_kg, weights)):
        if of.hold(given):
            continue
        why, do = f"It is out of bounds, because {of.why}.", "Check digits and unit."
        if of.below is not None and given < of.low:
            why, do = of.below
        yield Problem(("patient", key), why, given.text, of.allowed, do=do)


def _weights(study: CaseStudy, use: Use | None) -> Iterator[Problem]:
    """Find a weight that changes in who does not grow, for whom it would change nothing."""
    for position, event in enumerate(study.events_as_written):
        if event.kind != "weight":
            continue
        if use is None or not use.is_child:
            why, do = "The kinetics of adults do not follow the weight.", "Remove the event."
            yield Problem(("event", position, "kind"), why, event.kind, "a child's case", do=do)
        elif not (of := _bounds.WEIGHT_OF_CHILD).hold(event.weight_kg):
            why, do = f"It is out of bounds, because {of.why}.", "Check digits and unit."
            yield Problem(("event", position, "value"), why, event.weight_kg.text, of.allowed, do=do)


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
    record = parameters.load(_CHILDREN)["highest_dose_per_weight"]
    most = parameters.load(_CHILDREN).value(record.name, "mg/kg/day")
    weight: Given = study.patient.weight_kg
    for event in study.events:
        if event.kind == "weight":
            weight = event.weight_kg
        elif event.kind == "tablets" and weight > 0 and event.mg_per_day > most * weight * (1 + _ROUNDING):
            at = ("event", study.events_as_written.index(event), "dose")
            why = f"That is {event.mg_per_day / weight:.3g} mg a day for each kg of {weight.text}."
            do = "Lower the dose, or check its unit."
            yield Problem(at, why, event.dose_mg.text, f"at most {most:g} mg/kg a day ({record.source})", do=do)


def quotations(use: Use) -> tuple[str, ...]:
    """Return what trials of a use found, a sentence a number, with its source."""
    found = []
    for name in use.quoted:
        record = parameters.load("other_uses")[name]
        if name.endswith("odds_ratio"):
            told = f"{record.value:g} ({record.spread.low:g} to {record.spread.high:g})"
        else:
            told = f"{100 * float(record.value):g}%"
        found.append(f"{record.label}: {told} ({record.source}; {record.people}).")
    return tuple(found)
