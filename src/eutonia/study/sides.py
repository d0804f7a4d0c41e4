"""Which side of the body a study may score: one side is simulated, and it stands for both only where both are alike.

The less affected side of people with a stroke is taken as whole: no bias, full strength, and the same drug. In a trial
people enter by their weak side, and what is charted at visits is the other.
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
    if side == OTHER_SIDE and not of:
        why = "The less affected side is that of people whom a lesion made weak on one side. Here both sides are weak."
        yield Problem(("assessment", "side"), why, OTHER_SIDE, '"both"', do='Write side = "both".')
    elif side == OTHER_SIDE:
        yield from _steered(study)
    if side == "both" and of:
        why = f"{of} weakens one side. That side is simulated; the other is healthy and not followed."
        do = 'Write side = "affected".'
        yield Problem(("assessment", "side"), why, "both", '"affected"', do=do)


def _steered(study: TrialStudy | CaseStudy) -> Iterator[Problem]:
    """Yield each rule of a trial that goes by a score: on a side that nothing ails it would wait for ever."""
    why, do = "It goes by a score of the side that is charted, and nothing ails the less affected one.", "Remove it."
    for k, phase in enumerate(getattr(study, "phases", ())):
        if phase.gate is not None:
            yield Problem(("phase", k, "gate"), why, "gate", "no gate", do=do)
        for number, arm in enumerate(phase.arms):
            here = ("phase", k, "arm", number)
            if arm.gate is not None:
                yield Problem((*here, "gate"), why, "gate", "no gate", do=do)
            for key, scale, _ in arm.titration.looks_at() if arm.titration is not None else ():
                yield Problem((*here, "titration", *key), why, scale, "a rule that asks for no score", do=do)


def _weak_on_one_side(study: TrialStudy | CaseStudy) -> str:
    """Return the lesion that is one-sided, in words; nothing where both sides are weak, or none."""
    origin = getattr(getattr(study, "population", None), "origin", "")
    kind = getattr(getattr(study, "lesion", None), "kind", "")
    if kind in _STROKES:
        return "A stroke"
    return str(origin).capitalize() if origin in _ONE_SIDED else ""
