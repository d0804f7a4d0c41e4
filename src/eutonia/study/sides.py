"""Which side of the body a study may score: one side is simulated, and it stands for both only where both are alike.

The less affected side of a person with a stroke is taken as whole: no bias, full strength, and the same drug.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from eutonia.study.studyfile import Problem

if TYPE_CHECKING:
    from eutonia.study.design import CaseStudy, TrialStudy

_ONE_SIDED = ("stroke", "cerebral palsy")
_STROKES = ("ischaemic", "haemorrhagic")
#: The side that a lesion of one side spares.
OTHER_SIDE = "less affected"


def side_problems(study: TrialStudy | CaseStudy) -> Iterator[Problem]:
    """Yield the wish to score a side that is not simulated: the other one of people who are weak on one side."""
    side, of = study.assessment.side, _weak_on_one_side(study)
    is_trial = getattr(study, "population", None) is not None
    if side == OTHER_SIDE and (is_trial or not of):
        why = "The less affected side is that of one person whom a stroke made weak on one side."
        why += " Here a group is followed." if is_trial else " Here both sides are weak."
        do = f'Write side = "{"affected" if of else "both"}".'
        yield Problem(("assessment", "side"), why, OTHER_SIDE, '"affected", or "both"', do=do)
    if side == "both" and of:
        why = f"{of} weakens one side. That side is simulated; the other is healthy and not followed."
        do = 'Write side = "affected".'
        yield Problem(("assessment", "side"), why, "both", '"affected"', do=do)


def _weak_on_one_side(study: TrialStudy | CaseStudy) -> str:
    """Return the lesion that is one-sided, in words; nothing where both sides are weak, or none."""
    origin = getattr(getattr(study, "population", None), "origin", "")
    kind = getattr(getattr(study, "lesion", None), "kind", "")
    if kind in _STROKES:
        return "A stroke"
    return str(origin).capitalize() if origin in _ONE_SIDED else ""
