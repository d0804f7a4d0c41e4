"""Whether the analysis of a trial fits its phases, arms and visits; and what it means where it leaves something out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from eutonia.study.analysis_plan import AnalysedEndpoint
from eutonia.study.fields import not_a_name
from eutonia.study.parts import Arm, Phase
from eutonia.study.studyfile import Key, Problem

if TYPE_CHECKING:
    from eutonia.study.design import TrialStudy


def phase_of(phases: Sequence[Phase], endpoint: AnalysedEndpoint) -> Phase | None:
    """Return the phase of an endpoint: the one that it names, or the first parallel one."""
    if endpoint.phase is not None:
        return next((one for one in phases if one.name == endpoint.phase), None)
    return next((one for one in phases if one.design == "parallel"), None)


def arms_of(phase: Phase, endpoint: AnalysedEndpoint) -> tuple[Arm | None, Arm | None]:
    """Return the arm of an endpoint and the one that it is compared with; None where nothing tells which."""
    named = {arm.name: arm for arm in phase.arms}
    mine = named.get(endpoint.arm or "") if endpoint.arm else None
    other = named.get(endpoint.against or "") if endpoint.against else None
    if not endpoint.against:
        other = next((arm for arm in phase.arms if arm.placebo and arm is not mine), None)
    if not endpoint.arm:
        mine = next((arm for arm in phase.arms if not arm.placebo and arm is not other), None)
    return mine, other


def analysis_problems(study: TrialStudy) -> Iterator[Problem]:
    """Yield everything in the analysis that does not fit the trial."""
    plan = study.analysis
    if plan is None:
        return
    names: list[str] = []
    called: list[tuple[object, ...]] = []
    for position, endpoint in enumerate(plan.endpoints):
        where: Key = ("analysis", "endpoint", position)
        if endpoint.name in names:
            why = "Another endpoint has this name already."
            yield Problem((*where, "name"), why, endpoint.name, "each name once", do="Rename one of the two.")
        names += [endpoint.name] if endpoint.name else []
        phase = phase_of(study.phases, endpoint)
        own = (*endpoint.described_by, phase.visits_h[-1] if phase and endpoint.visit_h is None else endpoint.visit_h)
        if endpoint.name is None and own in called:
            why = "An endpoint above this one is called after the same scale, limb, measure and visit."
            do = 'Tell them apart, such as by name = "sensitivity analysis".'
            yield Problem((*where, "name"), why, None, "a name of its own", do=do)
        called.append(own)
        yield from _endpoint(study.phases, endpoint, where)
    if not any(endpoint.role == "primary" for endpoint in plan.endpoints):
        why, do = "A trial stands on a primary endpoint.", 'Write role = "primary" at one of them.'
        yield Problem(("analysis", "endpoint", 0, "role"), why, "secondary", '"primary"', do=do)


def _endpoint(phases: Sequence[Phase], endpoint: AnalysedEndpoint, where: Key) -> Iterator[Problem]:
    parallel = [phase.name for phase in phases if phase.design == "parallel"]
    phase = phase_of(phases, endpoint)
    if phase is None and endpoint.phase is not None:
        yield not_a_name((*where, "phase"), "phase in this study", endpoint.phase, [one.name for one in phases])
        return
    if phase is None or phase.design != "parallel":
        why = "Arms are compared where each person is in one of them, and this is not so here."
        given = "no parallel phase" if phase is None else f'phase "{phase.name}", {phase.design}'
        do = (
            f'Write phase = "{parallel[0]}".'
            if parallel
            else "Add a parallel phase with two arms, or remove [analysis]."
        )
        yield Problem((*where, "phase"), why, given, ", ".join(f'"{one}"' for one in parallel) or "parallel", do=do)
        return
    yield from _arms(phase, endpoint, where)
    visits = phase.visits_h[1:]
    if endpoint.visit_h is not None and endpoint.visit_h not in visits:
        what = f'visit after the first in phase "{phase.name}"'
        yield not_a_name((*where, "visit"), what, endpoint.visit_h.text, [visit.text for visit in visits])
    if endpoint.estimand == "treatment policy" and phase.dropout:
        why = "Nobody is examined after leaving, so what came of those who left is not known."
        do = 'Write estimand = "hypothetical", or dropout = false in the phase.'
        other = {"MMRM": "", "Fisher": ', "composite" or "while on treatment"'}
        allowed = '"hypothetical"' + other.get(endpoint.way, ' or "while on treatment"')
        yield Problem((*where, "estimand"), why, endpoint.estimand, allowed, do=do)


def _arms(phase: Phase, endpoint: AnalysedEndpoint, where: Key) -> Iterator[Problem]:
    names = [arm.name for arm in phase.arms]
    for key in ("arm", "against"):
        given = getattr(endpoint, key)
        if given is not None and given not in names:
            yield not_a_name((*where, key), f'arm in phase "{phase.name}"', given, names)
            return
    if endpoint.arm is not None and endpoint.arm == endpoint.against:
        yield Problem((*where, "against"), "An arm is compared with another one.", endpoint.arm, do="Name another arm.")
        return
    for key, found in zip(("arm", "against"), arms_of(phase, endpoint), strict=True):
        if found is None:
            of = "given a drug" if key == "arm" else "a placebo"
            others = [name for name in names if name not in (endpoint.arm, endpoint.against)]
            why = f"The arms do not tell which is meant, because none {'' if others == names else 'but it '}is {of}."
            allowed = ", ".join(f'"{name}"' for name in others)
            yield Problem(
                (*where, key), why, None, allowed, do=f'Add the key {key}, such as {key} = "{(others or names)[-1]}".'
            )
