"""When a trial is looked at before everybody has been seen, and what makes it stop there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from eutonia.statistics.names import Spending
from eutonia.study.fields import Part, described
from eutonia.study.studyfile import Key, Problem

if TYPE_CHECKING:
    from eutonia.study.analysis_plan import AnalysisPlan

# Looks at so little more of the people tell the same.
_APART = 0.05
#: People without whom no look tells anything.
FEWEST = 4
_WHERE: Key = ("analysis", "interim")

_ShareSeen = Annotated[float, Field(strict=True, ge=_APART, le=1 - _APART, allow_inf_nan=False)]
# More than a half would stop trials whose trend, gone on with, ends beyond the last boundary.
_LowPower = Annotated[float, Field(strict=True, gt=0, le=0.5, allow_inf_nan=False)]


class InterimLooks(Part):
    """The table [analysis.interim]: looks at the first primary endpoint, which may stop the trial."""

    looks: Annotated[tuple[_ShareSeen, ...], Field(min_length=1, max_length=9)] = described(
        "Shares of all people, rising, each 0.05 above the last at least: a look analyses the first so many people, "
        "once they have all had the visits. The last look, at everybody, is not written."
    )
    spending: Spending = described(
        "How alpha is spent over the looks: next to nothing early, or nearly evenly.", default="O'Brien-Fleming"
    )
    futility: _LowPower | None = described(
        "Conditional power under the trend so far, below which the trial stops for futility; left out, it never does. "
        "Efficacy is not made easier by it.",
        default=None,
    )
    people_a_month: Annotated[float, Field(strict=True, gt=0, le=10_000, allow_inf_nan=False)] | None = described(
        "People who are recruited in a month, from which the report tells who was recruited by the time of a look, and "
        "how long the trial lasts; left out, it does not.",
        default=None,
    )

    def people(self, n: int) -> tuple[int, ...]:
        """Return at how many people the trial is looked at, the last look included."""
        return (*(round(share * n) for share in self.looks), n)

    def _problems(self) -> Iterable[Problem]:
        for place, (before, share) in enumerate(pairwise(self.looks), start=1):
            if share - before < _APART - 1e-9:
                why = "A look this near to the one before it tells the same, or nothing."
                do = "Write the shares rising, such as looks = [0.5, 0.75]."
                yield Problem(("looks", place), why, share, f"{before + _APART:.2g} or more", do=do)


def interim_problems(plan: AnalysisPlan, people: int) -> Iterator[Problem]:
    """Yield what in the looks does not fit the endpoints, or so few people."""
    if plan.interim is None:
        return
    if plan.endpoints[0].role != "primary":
        why, do = "The first endpoint says when the trial stops.", "Put the primary endpoint first."
        yield Problem(("analysis", "endpoint", 0, "role"), why, plan.endpoints[0].role, '"primary"', do=do)
    if plan.multiplicity == "holm" and len(plan.endpoints) > 1:
        why = "Holm's steps do not hold the level of several endpoints over several looks."
        do = 'Write multiplicity = "hierarchical".'
        yield Problem(("analysis", "multiplicity"), why, "holm", '"hierarchical" or "none"', do=do)
    at = plan.interim.people(people)
    if at[0] < FEWEST or len(set(at)) < len(at):
        why = "Of so few people the looks would be at the same ones, or at next to nobody."
        told = f"looks at {', '.join(str(n) for n in at)} people"
        do = "Take more people, or fewer looks."
        yield Problem((*_WHERE, "looks"), why, told, f"{FEWEST} or more, and each look at more than the last", do=do)
