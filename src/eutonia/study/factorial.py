"""A factorial phase of two by two: each of two treatments is given or not, so that four arms answer two questions.

The arms are made from the factors: neither (a sham of both), the first alone, the second alone, both; whoever has one
alone has a sham of the other, unless everybody knows. Everybody counts for the effect of either factor, so that each is
found as surely as if it had the trial to itself, as long as they do not act on each other.

Source: Piantadosi_2005
Not for: factors of more than two levels, doses that rise, more than two factors.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from eutonia.study.fields import Name, Part, described, not_a_name
from eutonia.study.studyfile import Key, Problem
from eutonia.study.treatments import Treatment, rate_problems

if TYPE_CHECKING:
    from eutonia.study.analysis_plan import AnalysedEndpoint
    from eutonia.study.parts import Phase

NEITHER = "neither"
#: Which factors each arm is given, in the order of the arms.
CELLS = ((False, False), (True, False), (False, True), (True, True))
#: Methods in which the other factor is a term.
WITH_TERMS = ("ANCOVA", "MMRM")


class TreatmentFactor(Part):
    """One of the two treatments of a factorial phase: half of the people are given it, whatever else they are given."""

    name: Name = described("Name of the factor; arms are named by what they are given.")
    treatments: Annotated[tuple[Treatment, ...], Field(min_length=1, max_length=50)] = described(
        "What is given.", alias="treatment"
    )

    def _problems(self) -> Iterable[Problem]:
        return rate_problems(self.treatments)


def own_problems(phase: Phase) -> Iterator[Problem]:
    """Yield what in a phase does not fit its arms or its factors."""
    factors = phase.factors
    if not factors:
        if not phase.written_arms:
            why, do = "The table arm is missing. It says: Arms.", "Add the table [[phase.arm]]."
            yield Problem(("arm",), why, None, "[[phase.arm]]", do=do)
        return
    if phase.written_arms:
        why, do = "The arms of a factorial phase are made from its factors.", "Remove one of the two kinds of table."
        yield Problem(("arm",), why, "[[phase.arm]] and [[phase.factor]]", "[[phase.factor]] alone", do=do)
    if len(factors) != 2:
        why, do = (
            "Only a factorial of two by two is known.",
            "Write two tables [[phase.factor]], or write [[phase.arm]].",
        )
        yield Problem(("factor",), why, f"{len(factors)} factor{'s' * (len(factors) > 1)}", "two factors", do=do)
    elif factors[0].name == factors[1].name or NEITHER in (factors[0].name, factors[1].name):
        why = f'Arms are named by their factors, and "{NEITHER}" is the arm that is given none.'
        wrong = int(factors[0].name != NEITHER)
        yield Problem(("factor", wrong, "name"), why, factors[wrong].name, "two different names", do="Rename it.")
    if phase.design != "parallel":
        why, do = "Each person is in one of the four arms.", 'Write design = "parallel".'
        yield Problem(("design",), why, phase.design, '"parallel"', do=do)
    if phase.reassessment is not None:
        why, do = "The arms of a dose finding are dose levels.", "Remove one of the two."
        yield Problem(("reassessment",), why, "factors", "[[phase.arm]] with a dose each", do=do)


def at_factors(phases: Sequence[Phase], problems: Iterable[Problem]) -> list[Problem]:
    """Return problems of arms that are made from factors at the factors, which stand in the file, each once."""
    found = [_placed(phases, one) for one in problems]
    # Two arms that are given one factor have its faults both.
    return [one for k, one in enumerate(found) if one not in found[:k]]


def _placed(phases: Sequence[Phase], problem: Problem) -> Problem:
    match problem.at:
        case ("phase", int(position), "arm", int(number), *own) if phases[position].factors:
            k, before = int(CELLS[number] == (False, True)), len(phases[position].factors[0].treatments)
        case _:
            return problem
    match own:
        case ("treatment", int(place), *key) if k == 0 and place >= before:
            own, k = ["treatment", place - before, *key], 1
        case ("treatment", int(), *_):
            pass
        case _:
            return replace(problem, at=("phase", position, "factor"))
    return replace(problem, at=("phase", position, "factor", k, *own))


def endpoint_problems(endpoint: AnalysedEndpoint) -> Iterator[Problem]:
    """Yield what in an endpoint does not fit the factor or the interaction that it asks for."""
    if endpoint.factor is None and not endpoint.interaction:
        return
    if endpoint.factor is not None and endpoint.interaction:
        why, do = "The effect of one factor is one endpoint, their interaction another.", "Make two endpoints of it."
        yield Problem(("interaction",), why, True, "factor or interaction", do=do)
    for key in ("arm", "against"):
        if getattr(endpoint, key) is not None:
            why, do = "All four arms are analysed where a factor is asked for.", f"Remove the key {key}."
            yield Problem((key,), why, getattr(endpoint, key), "none beside factor or interaction", do=do)
    if endpoint.way not in WITH_TERMS:
        why, do = "The other factor is a term of a linear model.", 'Write measure = "change" and method = "ANCOVA".'
        yield Problem(("method",), why, endpoint.way, '"ANCOVA" or "MMRM"', do=do)


def analysis_problems(phase: Phase, endpoint: AnalysedEndpoint, where: Key) -> Iterator[Problem]:
    """Yield what in an endpoint does not fit the factors of its phase."""
    names = [factor.name for factor in phase.factors]
    asks = endpoint.factor is not None or endpoint.interaction
    if asks and not names:
        key = "interaction" if endpoint.interaction else "factor"
        why, do = (
            f'The phase "{phase.name}" has arms and no factors.',
            f"Remove the key {key}, or add [[phase.factor]].",
        )
        yield Problem((*where, key), why, endpoint.factor or True, "a phase with [[phase.factor]]", do=do)
    elif endpoint.factor is not None and endpoint.factor not in names:
        yield not_a_name((*where, "factor"), f'factor in phase "{phase.name}"', endpoint.factor, names)
    elif names and not asks and None in (endpoint.arm, endpoint.against):
        why = "In a factorial phase an endpoint says what it asks, or two arms would be compared and the others lost."
        allowed = ", ".join(f'factor = "{name}"' for name in names) + ", interaction = true, or arm and against"
        yield Problem((*where, "factor"), why, None, allowed, do=f'Write factor = "{names[0]}".')
