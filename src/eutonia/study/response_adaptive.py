"""A trial whose allocation moves on the way towards the arm that seems to be better."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from eutonia.study.fields import Inside, Part, described
from eutonia.study.interim_looks import FEWEST
from eutonia.study.studyfile import Key, Problem

if TYPE_CHECKING:
    from eutonia.study.analysis_plan import AnalysisPlan
    from eutonia.study.parts import Phase

_METHODS = ("ANCOVA", "MMRM")
_WHERE: Key = ("analysis", "response_adaptive")


class ResponseAdaptive(Part):
    """The table [analysis.response_adaptive]: looks at the first endpoint, each of which moves the allocation."""

    looks: Annotated[tuple[Inside, ...], Field(min_length=1, max_length=50)] = described(
        "Shares of all people, rising: at each the first so many people, who have all had the visit, say to whom the "
        "arm is given up to the next. Up to the first one both arms are given alike."
    )
    least_share: Annotated[float, Field(strict=True, gt=0, le=0.5, allow_inf_nan=False)] = described(
        "Least share of the next people that an arm is given, however bad it seems."
    )

    def people(self, n: int) -> tuple[int, ...]:
        """Return after how many people each stage ends, the last one included."""
        return (*(round(share * n) for share in self.looks), n)

    def _problems(self) -> Iterable[Problem]:
        for place, (before, share) in enumerate(pairwise(self.looks), start=1):
            if share <= before:
                do = "Write the shares rising, such as looks = [0.25, 0.5, 0.75]."
                why = "A look comes after the one before it."
                yield Problem(("looks", place), why, share, f"more than {before:g}", do=do)


def response_adaptive_problems(plan: AnalysisPlan, phases: tuple[Phase, ...], people: int) -> Iterator[Problem]:
    """Yield what in it does not fit the endpoints, the phase, other looks, or so few people."""
    given = plan.response_adaptive
    if given is None:
        return
    for key, other in (("interim", plan.interim), ("reestimation", plan.reestimation)):
        if other is not None:
            why, do = "Allocation that moves is not computed together with it.", "Remove one of the two."
            yield Problem(_WHERE, why, "both", f"[analysis.response_adaptive] or [analysis.{key}]", do=do)
    first = plan.endpoints[0]
    if first.role != "primary" or first.way not in _METHODS or first.factor is not None or first.interaction:
        why = "The first endpoint moves the allocation: the primary one, and a difference of means of two arms."
        told, do = f"{first.role}, {first.way}", 'Put a primary endpoint with method = "ANCOVA" or "MMRM" first.'
        yield Problem(("analysis", "endpoint", 0, "method"), why, told, "primary, ANCOVA or MMRM", do=do)
    if len(phases) > 1:
        why = "Who is given what is known when others have been seen, so such a trial has one phase."
        yield Problem(_WHERE, why, f"{len(phases)} phases", "one phase", do="Put it in a file of its own.")
    yield from _phase(phases[0])
    at = given.people(people)
    if at[0] < FEWEST or len(set(at)) < len(at):
        why, told = "Of so few people a look tells nothing.", f"looks at {', '.join(str(n) for n in at)} people"
        do = "Take more people, or fewer looks."
        yield Problem((*_WHERE, "looks"), why, told, f"{FEWEST} or more, and each look at more than the last", do=do)


def _phase(phase: Phase) -> Iterator[Problem]:
    """Yield what a phase has that cannot be beside an allocation that moves."""
    if phase.design != "parallel" or len(phase.arms) != 2 or phase.factors:
        why, do = "Allocation moves between two parallel arms.", 'Write design = "parallel" with two [[phase.arm]].'
        given = f"{phase.design}, {len(phase.arms)} arm{'s' * (len(phase.arms) != 1)}"
        yield Problem(("phase", 0, "design"), why, given, "two parallel arms", do=do)
    for number, arm in enumerate(phase.arms):
        if arm.allocation != 1:
            why, do = "Both arms are given alike at first, and then as the looks say.", "Remove the key."
            yield Problem(("phase", 0, "arm", number, "allocation"), why, arm.allocation, do=do)
        if arm.dropout is not None:
            why, do = "Who leaves which arm is settled before allocation moves.", "Remove the key."
            yield Problem(("phase", 0, "arm", number, "dropout"), why, arm.dropout.text, do=do)
    if phase.leaving:
        why, do = "Who leaves which arm is settled before allocation moves.", "Remove the table."
        yield Problem(("phase", 0, "leaving"), why, "[[phase.leaving]]", do=do)
    if phase.randomisation is not None and phase.randomisation.strata:
        why, do = "After the first look there are no lists, and so no strata.", "Remove them."
        yield Problem(("phase", 0, "randomisation", "stratum"), why, "strata", do=do)
