"""What may be asked of a server: text alone, no larger than a server can give, and nothing that names a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eutonia._hours import HOURS_A_DAY
from eutonia.errors import StudyError
from eutonia.web import limits

if TYPE_CHECKING:
    from eutonia.study.design import CaseStudy, TrialStudy


def study_of(text: str, name: str) -> TrialStudy | CaseStudy:
    """Return a study from its text, checked as a file is, and within what a server gives.

    Raises
    ------
    StudyError
        What `eutonia check` would say; a pump program or a mask that does not ship; more than a server gives.
    """
    from eutonia.study.design import parse_study
    from eutonia.study.shipped_files import text_alone

    _short(text, name)
    with text_alone():
        study = parse_study(text, name)
    affordable(study, name)
    return study


def _short(text: str, name: str) -> None:
    size = len(text.encode("utf-8", errors="replace"))
    if size > limits.TEXT:
        raise StudyError(
            f"{name} has {size:,} bytes. Allowed: {limits.TEXT:,} on a server. Nearest: a shorter one. Run it with the "
            "command eutonia."
        )


def affordable(study: TrialStudy | CaseStudy, name: str) -> None:
    """Refuse a study that is larger than a server gives to one who asks."""
    from eutonia.study.design import CaseStudy

    if isinstance(study, CaseStudy):
        asked = [("days of the case", float(study.case.duration_h) / HOURS_A_DAY, limits.DAYS)]
    else:
        population = study.population
        asked = [("people", float(population.n), limits.PEOPLE), ("people of the pool", population.pool, limits.POOL)]
    for what, given, most in asked:
        if given > most:
            raise StudyError(
                f"{name} asks for {given:,.0f} {what}. Allowed on a server: {most:,.0f}. Nearest: {most:,.0f}. Ask for "
                "less, or run it with the command eutonia run."
            )


def replicates_of(given: object) -> int:
    """Return a number of replicate trials that a server gives."""
    try:
        asked = int(str(given).strip())
    except ValueError:
        asked = 0
    if not 1 <= asked <= limits.REPLICATES:
        near = min(max(asked, 1), limits.REPLICATES)
        raise StudyError(
            f"{str(given)[:40]!r} replicate trials. Allowed on a server: 1 to {limits.REPLICATES}. Nearest: {near}. "
            "Write a whole number."
        )
    return asked
