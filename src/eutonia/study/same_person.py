"""Whether cases are options of one person: they differ in what is given, and in nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eutonia.errors import StudyError, unknown
from eutonia.study.design import CaseStudy, TrialStudy

#: More lines than these cannot be told apart in one figure.
MOST_OPTIONS = 7
#: The event that changes the kidneys: it is of the person, not of what is given.
KIDNEYS = "creatinine clearance"


def check_options(studies: Sequence[TrialStudy | CaseStudy], against: str | None) -> tuple[list[CaseStudy], str]:
    """Return the cases, and the name of the one that the others are compared with.

    Raises
    ------
    StudyError
        A trial, fewer than two cases or more than a page can tell apart, two of one name, another person, or no option
        called `against`.
    """
    cases = [option for one in studies for option in _case(one).as_options]
    if not 2 <= len(cases) <= MOST_OPTIONS:
        nearest = 2 if len(cases) < 2 else MOST_OPTIONS
        raise StudyError(
            f"{len(cases)} option{'s are' if len(cases) != 1 else ' is'} given. Allowed: 2 to {MOST_OPTIONS} cases of "
            f"one person. Nearest: {nearest} of them. Write each treatment of that person as a case, or as an "
            "[[option]] of one."
        )
    names = [one.name for one in cases]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise StudyError(
            f'two options are called "{twice[0]}". Allowed: names that differ. Nearest: "{twice[0]}_2". Write another '
            "[study] name in one of the files."
        )
    for other in cases[1:]:
        _same_person(cases[0], other)
    if against is not None and against not in names:
        raise StudyError(unknown("option", against, names, "Name one of them, or leave it out."))
    return cases, against or names[0]


def _case(study: TrialStudy | CaseStudy) -> CaseStudy:
    if isinstance(study, CaseStudy):
        return study
    raise StudyError(
        f"{study.name} is a trial. Allowed: cases of one person. Nearest: eutonia.compare(eutonia.run(study)), which "
        "compares the arms of a trial. Use that, or name cases."
    )


def _same_person(one: CaseStudy, other: CaseStudy) -> None:
    """Refuse another person, another luck, another way of looking, or kidneys that fail in one option only."""
    theirs_by_field = _facts(other)
    for field, mine in _facts(one).items():
        if mine != (theirs := theirs_by_field[field]):
            raise StudyError(
                f"{one.name} and {other.name} are not options of one person: {field} is {_short(mine)} and "
                f"{_short(theirs)}. Allowed: cases that differ in what is given only. Nearest: the person of "
                f"{one.name}. Write the same {field} in both files."
            )


def _facts(study: CaseStudy) -> dict[str, Any]:
    """Return everything but the treatment, by its place in the file; equal quantities are equal in any unit."""
    parts = {name: getattr(study, name) for name in ("patient", "lesion", "assessment", "case")}
    return {
        "[study] seed": study.seed,
        "[study] oral_model": study.oral_model,
        **{
            f"[{name}] {field.alias or key}": getattr(part, key)
            for name, part in parts.items()
            for key, field in type(part).model_fields.items()
        },
        "[[charted]]": study.charted,
        f'[[event]] of kind "{KIDNEYS}"': tuple(event for event in study.events if event.kind == KIDNEYS),
        "[parameters]": dict(study.parameters),
    }


def _short(value: object) -> str:
    text = str(getattr(value, "text", value))
    return text if len(text) <= 80 else f"{text[:77]}..."
