"""Whether the analysis of a trial fits its phases, arms and visits; and what it means where it leaves something out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from eutonia.study import factorial
from eutonia.study.analysis_plan import AnalysedEndpoint
from eutonia.study.fields import not_a_name
from eutonia.study.interim_looks import interim_problems
from eutonia.study.parts import Arm, Phase
from eutonia.study.reestimation import reestimation_problems
from eutonia.study.response_adaptive import response_adaptive_problems
from eutonia.study.studyfile import Key, Problem

if TYPE_CHECKING:
    from eutonia.study.design import TrialStudy


def phase_of(phases: Sequence[Phase], endpoint: AnalysedEndpoint) -> Phase | None:
    """Return the phase of an endpoint: the one that it names, or the first of a design that its method suits."""
    if endpoint.phase is not None:
        return next((one for one in phases if one.name == endpoint.phase), None)
    suited = [one for one in phases if one.design == endpoint.design]
    if endpoint.factor is not None or endpoint.interaction:
        suited = [one for one in suited if one.factors] or suited
    return next(iter(suited), None)


def without_rescue(study: TrialStudy, phase: Phase) -> tuple[str, ...]:
    """Return the scores of a phase that the analysis asks for as they would be without rescue."""
    asked = study.analysis.endpoints if study.analysis and phase.rescue else ()
    mine = [one for one in asked if one.rescue_way == "hypothetical" and phase_of(study.phases, one) is phase]
    return tuple(dict.fromkeys(f"{one.scale}{'_muscle' if one.muscle else ''}" for one in mine if one.scale))


def arms_of(phase: Phase, endpoint: AnalysedEndpoint) -> tuple[Arm | None, Arm | None]:
    """Return the arm of an endpoint and the one that it is compared with; None where nothing tells which."""
    named = {arm.name: arm for arm in phase.arms}
    mine = named.get(endpoint.arm or "") if endpoint.arm else None
    other = named.get(endpoint.against or "") if endpoint.against else None
    if not endpoint.against:
        late = [arm for arm in phase.arms if arm.placebo_until_h is not None]
        shams = (*(arm for arm in phase.arms if arm.placebo), *late)
        other = next((arm for arm in shams if arm is not mine), None)
    if not endpoint.arm:
        mine = next((arm for arm in phase.arms if not arm.placebo and arm is not other), None)
    return mine, other


def analysis_problems(study: TrialStudy) -> Iterator[Problem]:
    """Yield everything in the analysis that does not fit the trial."""
    plan = study.analysis
    if plan is None:
        return
    yield from interim_problems(plan, study.population.n)
    yield from reestimation_problems(plan, study.population.n)
    yield from response_adaptive_problems(plan, study.phases, study.population.n)
    names: list[str] = []
    for position, endpoint in enumerate(plan.endpoints):
        where: Key = ("analysis", "endpoint", position)
        phase = phase_of(study.phases, endpoint)
        visit = phase.visits_h[-1] if phase and endpoint.visit_h is None else endpoint.visit_h
        name = endpoint.called("" if visit is None else visit.text)
        if name in names:
            told = "has this name already" if endpoint.name else f'is called "{name}" too, and this one has no name'
            do = "Rename one of the two." if endpoint.name else 'Tell them apart, such as by name = "sensitivity".'
            yield Problem((*where, "name"), f"Another endpoint {told}.", endpoint.name, "each name once", do=do)
        names.append(name)
        yield from _endpoint(study.phases, endpoint, where)
        if endpoint.way == "N-of-1" and (plan.interim or plan.reestimation):
            why = "Of a series everybody's pairs are analysed together, and no look at fewer people is made."
            allowed = "no [analysis.interim] and no [analysis.reestimation]"
            yield Problem((*where, "method"), why, endpoint.way, allowed, do="Remove the looks.")
    if not any(endpoint.role == "primary" for endpoint in plan.endpoints):
        why, do = "A trial stands on a primary endpoint.", 'Write role = "primary" at one of them.'
        yield Problem(("analysis", "endpoint", 0, "role"), why, "secondary", '"primary"', do=do)


def _endpoint(phases: Sequence[Phase], endpoint: AnalysedEndpoint, where: Key) -> Iterator[Problem]:
    design = endpoint.design
    suited = [phase.name for phase in phases if phase.design == design]
    phase = phase_of(phases, endpoint)
    if phase is None and endpoint.phase is not None:
        yield not_a_name((*where, "phase"), "phase in this study", endpoint.phase, [one.name for one in phases])
        return
    if phase is None or phase.design != design:
        is_in_one = "is in one of them" if design == "parallel" else "goes through both"
        why = f"By {endpoint.way} arms are compared where each person {is_in_one}, and this is not so here."
        given = f"no {design} phase" if phase is None else f'phase "{phase.name}", {phase.design}'
        do = f'Write phase = "{suited[0]}".' if suited else f"Add a {design} phase with two arms, or remove [analysis]."
        if design == "parallel" and any(one.design == "crossover" for one in phases) and (phase or not suited):
            paired = next(one for one in phases if one.design == "crossover").pairs is not None
            do = f'Write method = "{"N-of-1" if paired else "crossover"}".'
        yield Problem((*where, "phase"), why, given, ", ".join(f'"{one}"' for one in suited) or design, do=do)
        return
    if design == "crossover" and len(phase.arms) != 2:
        why, do = "Differences within people are those of two arms.", "Compare two arms in a phase of their own."
        yield Problem((*where, "phase"), why, f"{len(phase.arms)} arms", "two arms", do=do)
        return
    if design == "crossover" and (endpoint.way == "N-of-1") != (phase.pairs is not None):
        several = phase.pairs is not None
        why = f"Each person goes through {f'{phase.pairs} pairs of periods' if several else 'both arms once'} here."
        do = 'Write method = "N-of-1".' if several else 'Write method = "crossover", or pairs = 4 in the phase.'
        yield Problem((*where, "method"), why, endpoint.way, '"N-of-1"' if several else '"crossover"', do=do)
        return
    wrong = [*factorial.analysis_problems(phase, endpoint, where)]
    yield from wrong or (() if phase.factors and endpoint.arm is None else _arms(phase, endpoint, where))
    visits = phase.visits_h[1:]
    if endpoint.visit_h is not None and endpoint.visit_h not in visits:
        what = f'visit after the first in phase "{phase.name}"'
        yield not_a_name((*where, "visit"), what, endpoint.visit_h.text, [visit.text for visit in visits])
    yield from _of_events(phase, endpoint, where)
    if endpoint.estimand == "treatment policy" and phase.dropout:
        why = "Nobody is examined after leaving, so what came of those who left is not known."
        do = 'Write estimand = "hypothetical", or dropout = false in the phase.'
        other = {
            "MMRM": "",
            "Fisher": ', "composite" or "while on treatment"',
            "time to event": ' or "composite"',
        }
        allowed = '"hypothetical"' + other.get(endpoint.way, ' or "while on treatment"')
        yield Problem((*where, "estimand"), why, endpoint.estimand, allowed, do=do)


def _of_events(phase: Phase, endpoint: AnalysedEndpoint, where: Key) -> Iterator[Problem]:
    """Find what is asked of rescue or of leaving in a phase that has none."""
    asks = {"measure": endpoint.measure == "time to rescue", "rescue": endpoint.rescue is not None}
    for key in (key for key, is_asked in asks.items() if is_asked and phase.rescue is None):
        why, do = f'The phase "{phase.name}" gives no rescue.', "Remove it, or add [phase.rescue]."
        yield Problem((*where, key), why, getattr(endpoint, key), "a phase with [phase.rescue]", do=do)
    if endpoint.measure == "time to leaving" and not phase.dropout:
        why, do = f'Nobody leaves the phase "{phase.name}".', "Remove the endpoint, or write dropout = true there."
        yield Problem((*where, "measure"), why, endpoint.measure, "a phase with dropout = true", do=do)


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
