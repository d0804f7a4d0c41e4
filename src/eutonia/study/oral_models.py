"""Which oral model a study may name: one that is whole, and that was made of people of this age."""

from __future__ import annotations

from collections.abc import Iterator

from eutonia import parameters
from eutonia.errors import EutoniaError
from eutonia.study.fields import Given
from eutonia.study.studyfile import Problem

#: The oral model where a study names none.
ADULT = "oral_adult_default"
_AT = ("study", "oral_model")


def oral_model_problems(name: str | None, oldest: Given) -> Iterator[Problem]:
    """Yield what speaks against an oral model for people up to an age."""
    if name is None:
        return
    from eutonia.drug.kinetics.values import OralValues, oral_upper_age

    with parameters.unrecorded():
        try:
            OralValues.from_records(name)
        except EutoniaError as trouble:
            do = f"Mend {name}.toml, or name another set."
            yield Problem(_AT, f"It is no whole oral model: {trouble}", name, "a whole set", do=do)
            return
        upper = oral_upper_age(name)
        if oldest > upper:
            why = f"It was made of people up to {upper:g} years, and would clear the drug wrongly in older ones."
            do = "Name a set of adults, or leave the key out."
            yield Problem(_AT, why, f"{name}, for people up to {oldest.text}", f"at most {upper:g} year", do=do)
