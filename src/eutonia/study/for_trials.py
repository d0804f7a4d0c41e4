"""What only trials have is refused of a case, rather than left aside without a word."""

from __future__ import annotations

from eutonia.errors import StudyError
from eutonia.study.design import CaseStudy, TrialStudy


def for_trials(study: TrialStudy | CaseStudy, **options: object) -> None:
    """Refuse what only trials have, of a case, by name; what is None or False is not asked for.

    Raises
    ------
    StudyError
        Something is asked for, and the study is a case.
    """
    given = {name: value for name, value in options.items() if value is not None and value is not False}
    if isinstance(study, CaseStudy) and given:
        names = " and ".join(given)
        said = ", ".join(f"{name} is {value!s:.40}" for name, value in given.items())
        raise StudyError(
            f"{said}, but {study.name} is a case: one person, with no replicate trials, no arms and no blocks. "
            f"Allowed: {names} of a trial. Nearest: the same case without. Leave {names} out."
        )
