"""A trial whose size is found again on the way, from scores of which nobody knows the arms."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from eutonia.study.fields import Part, Positive, described
from eutonia.study.interim_looks import FEWEST
from eutonia.study.scales import difference_fits
from eutonia.study.studyfile import Key, Problem

if TYPE_CHECKING:
    from eutonia.study.analysis_plan import AnalysisPlan

_METHODS = ("ANCOVA", "MMRM")


class Reestimation(Part):
    """The table [analysis.reestimation]: the spread of the first endpoint, arms unknown, sets the size of the trial."""

    at: Annotated[float, Field(strict=True, ge=0.1, le=0.9, allow_inf_nan=False)] = described(
        "Share of all people of the study, its largest size, whose scores are looked at; the trial is never smaller."
    )
    difference: Positive = described("Difference of the first endpoint that the trial has to find, in its unit.")
    power: Annotated[float, Field(strict=True, ge=0.5, le=0.99, allow_inf_nan=False)] = described(
        "How often it has to find it.", default=0.9
    )

    def people(self, n: int) -> int:
        """Return how many people are looked at."""
        return round(self.at * n)


def reestimation_problems(plan: AnalysisPlan, people: int) -> Iterator[Problem]:
    """Yield what in it does not fit the endpoints, the looks, or so few people."""
    given = plan.reestimation
    if given is None:
        return
    where: Key = ("analysis", "reestimation")
    if plan.interim is not None:
        why = "Looks with the arms known and a size found with them unknown are not computed together."
        yield Problem(where, why, "both", "[analysis.interim] or [analysis.reestimation]", do="Remove one of the two.")
    first = plan.endpoints[0]
    if first.role != "primary" or first.way not in _METHODS or first.scale is None:
        why = "The first endpoint sets the size: the primary one, and a difference of means."
        told = f"{first.role}, {first.way}"
        do = 'Put a primary endpoint with method = "ANCOVA" or "MMRM" first.'
        yield Problem(("analysis", "endpoint", 0, "method"), why, told, "primary, ANCOVA or MMRM", do=do)
    else:
        for fault in difference_fits(first.scale, given.difference, "difference"):
            yield replace(fault, at=(*where, *fault.at))
    if first.factor is not None or first.interaction:
        why, do = "The size is found for two arms, and factors have four.", "Remove the table, or name arm and against."
        yield Problem(where, why, first.factor or "interaction", "a first endpoint of two arms", do=do)
    if given.people(people) < FEWEST:
        why = "So few people have no spread that could be told."
        do = "Take more people, or a larger share."
        yield Problem((*where, "at"), why, f"{given.people(people)} people", f"{FEWEST} people or more", do=do)
