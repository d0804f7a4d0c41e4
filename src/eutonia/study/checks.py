"""What must hold between the parts of a trial: every name points to something, every time lies where it can."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from eutonia._hours import HOURS_A_DAY, HOURS_A_YEAR
from eutonia.patient import label_origin
from eutonia.study import vocabulary
from eutonia.study.adherence import adherence_problems
from eutonia.study.analysis_checks import analysis_problems
from eutonia.study.delayed_start import delayed_problems
from eutonia.study.doses import dose_problems
from eutonia.study.fields import Given, not_a_name
from eutonia.study.leaving import leaving_problems
from eutonia.study.own_gate import own_gate_problems
from eutonia.study.parts import MOST_VISITS_OF_A_PERIOD, Arm, GateRule, Phase
from eutonia.study.published import PublishedRow
from eutonia.study.pump_treatment import pump_problems
from eutonia.study.randomisation import ratio_of
from eutonia.study.reassessment import reassessment_problems
from eutonia.study.rescue import rescue_problems
from eutonia.study.studyfile import Key, Problem
from eutonia.study.unblinding import unblinding_problems

if TYPE_CHECKING:
    from eutonia.study.design import TrialStudy


def trial_problems(study: TrialStudy) -> list[Problem]:
    """Return everything in a trial that does not fit together."""
    names = [phase.name for phase in study.phases]
    found = list(_duplicates(("phase",), names, "phase"))
    for position, phase in enumerate(study.phases):
        where: Key = ("phase", position)
        found += chain(_arms(phase, where), _treatments(phase, where), _follows(study.phases, position))
        found += chain(
            _gate(phase, where),
            _titrations(study.phases, position),
            dose_problems(study.phases, position, beyond_label=study.head.allow_beyond_label),
            *(
                pump_problems(phase, arm, (*where, "arm", number), label_origin(study.population.origin))
                for number, arm in enumerate(phase.arms)
            ),
            leaving_problems(phase, study.assessment, where),
            adherence_problems(phase, where),
            unblinding_problems(phase, study.assessment, where),
            rescue_problems(phase, where, beyond_label=study.head.allow_beyond_label),
            *(own_gate_problems(phase, arm, (*where, "arm", number)) for number, arm in enumerate(phase.arms)),
        )
    found += chain(_came_with(study), _charted(study))
    found += _endpoint(study)
    found += _published(study)
    found += chain(analysis_problems(study), reassessment_problems(study))
    return found


def _came_with(study: TrialStudy) -> Iterator[Problem]:
    """Find what somebody would have been given before the onset of the lesion."""
    people, earlier_h = study.population, 0.0
    onset, low_h = people.time_since_onset_h, people.age_year.low * HOURS_A_YEAR
    shortest, low_h = (people.age_year.low, low_h) if onset is None else (onset.low, float(onset.low))
    for position, phase in enumerate(study.phases):
        for number, arm in enumerate(phase.arms):
            for place, given in enumerate(arm.treatments):
                taken: Given | None = getattr(given, "taken_for_h", None)
                if taken is not None and -given.since_h > low_h + earlier_h:
                    why = "Somebody would have taken it before the onset of the lesion, which nothing here is made for."
                    do = "Shorten it, or raise the lowest time_since_onset of the population."
                    at = ("phase", position, "arm", number, "treatment", place, "taken_for")
                    yield Problem(at, why, taken.text, f'at most "{shortest.text}"', do=do)
        earlier_h += float(phase.visits_h[-1])


def _duplicates(where: Key, names: Sequence[str], what: str) -> Iterator[Problem]:
    for position, name in enumerate(names):
        if name in names[:position]:
            why = f"Another {what} has this name already."
            yield Problem((*where, position, "name"), why, name, "each name once", do="Rename one of the two.")


def _arms(phase: Phase, where: Key) -> Iterator[Problem]:
    """Check that names, number of arms, washout and masking suit the design."""
    yield from _duplicates((*where, "arm"), [arm.name for arm in phase.arms], "arm")
    several, count = phase.design != "single", len(phase.arms)
    if several != (count > 1):
        why = f"A {phase.design} design has {'two or more arms' if several else 'one arm'}."
        do = "Add an arm, or write " + 'design = "single".' if several else 'Remove arms, or write design = "parallel".'
        yield Problem((*where, "design"), why, f"{phase.design}, {count} arm{'s' * (count > 1)}", do=do)
    if phase.design == "crossover" and phase.washout_h is None:
        why = "A crossover needs a time without treatment between its periods."
        yield Problem((*where, "washout"), why, None, 'a time such as "48 hour"', do="Add the key washout.")
    if phase.design == "crossover" and len(phase.visits_h) > MOST_VISITS_OF_A_PERIOD:
        why, do = "So many visits of one period have no luck of their own.", "Leave some out."
        given = f"{len(phase.visits_h)} visits"
        yield Problem((*where, "visits"), why, given, f"at most {MOST_VISITS_OF_A_PERIOD}", do=do)
    yield from chain(_randomisation(phase, where), _pairs(phase, where), delayed_problems(phase, where))
    for number, arm in enumerate(phase.arms):
        if phase.design == "crossover" and arm.practice is not None:
            why, do = "What was learned is carried into the next period.", 'Write design = "parallel".'
            yield Problem((*where, "arm", number, "practice"), why, phase.design, "parallel or single", do=do)
        if phase.design == "crossover":
            yield from _carried_over(phase, arm, (*where, "arm", number))
    if phase.masking == "double blind" and count == 1:
        why = "With one arm everybody knows the treatment."
        yield Problem((*where, "masking"), why, phase.masking, '"open"', do='Write masking = "open", or add an arm.')


def _pairs(phase: Phase, where: Key) -> Iterator[Problem]:
    """Check that pairs of periods are of a crossover of two arms, and that nothing asks which pair it is of."""
    if phase.pairs is None:
        return
    if phase.design != "crossover" or len(phase.arms) != 2:
        why, do = (
            "A pair is a period in each of two arms.",
            'Write design = "crossover" with two arms, or remove the key.',
        )
        given = f"{phase.design}, {len(phase.arms)} arm{'s' * (len(phase.arms) > 1)}"
        yield Problem((*where, "pairs"), why, given, "a crossover of two arms", do=do)
    if phase.gate is not None:
        why, do = "A gate looks at one period in each arm, and there are several.", "Remove [phase.gate]."
        yield Problem((*where, "gate"), why, "a gate", do=do)


def _carried_over(phase: Phase, arm: Arm, where: Key) -> Iterator[Problem]:
    """Find a treatment that goes on acting in the next period of a crossover."""
    for position, given in enumerate(arm.treatments):
        if given.since_h < 0:
            why, do = "Each period of a crossover begins washed out.", 'Remove the key, or write design = "parallel".'
            yield Problem((*where, "treatment", position, "taken_for"), why, phase.design, "parallel or single", do=do)
        if phase.washout_h is not None and given.outlasts_h > phase.washout_h:
            least = f"{given.outlasts_h / HOURS_A_DAY:.0f} day"
            why = "It would still act in the next period, and the model washes it out there."
            do = f'Write washout = "{least}" or more, or design = "parallel".'
            here = (*where, "treatment", position, given.tag)
            yield Problem(here, why, given.route, f"a washout of at least {least}", do=do)


def _randomisation(phase: Phase, where: Key) -> Iterator[Problem]:
    """Check that there is something to allocate, and that whole ratios make a block."""
    places = 0 if phase.design == "single" else sum(ratio_of([arm.allocation for arm in phase.arms]))
    for number, arm in enumerate(phase.arms):
        if phase.design != "parallel" and arm.allocation != 1:
            why = f"In a {phase.design} design everybody is given every arm, so there is no ratio."
            do = 'Remove the key, or write design = "parallel".'
            yield Problem((*where, "arm", number, "allocation"), why, arm.allocation, "no ratio", do=do)
    if phase.randomisation is None:
        return
    if not places:
        do = "Remove [phase.randomisation], or add an arm."
        yield Problem((*where, "randomisation"), "With one arm nobody is allocated.", phase.design, do=do)
    elif phase.randomisation.block is not None and phase.randomisation.block % places:
        near = tuple(str(places * max(phase.randomisation.block // places + k, 1)) for k in (0, 1))
        why = f"The ratio of the arms takes {places} places, and a block holds whole ratios."
        where = (*where, "randomisation", "block")
        do = "Choose a multiple."
        yield Problem(where, why, phase.randomisation.block, f"a multiple of {places}", near, do)


def _treatments(phase: Phase, where: Key) -> Iterator[Problem]:
    """Check products, and that doses lie between the first visit and the last."""
    last = phase.visits_h[-1]
    for number, arm in enumerate(phase.arms):
        for position, given in enumerate(arm.treatments):
            here: Key = (*where, "arm", number, "treatment", position)
            yield from (replace(one, at=(*here, *one.at)) for one in given.product_faults())
            if given.begins_h >= last:
                why = f"Nobody is examined after this: the last visit is at {last.text}."
                do = "Add a later visit, or give it earlier."
                yield Problem((*here, given.begins_key), why, given.begins_h.text, f"before {last.text}", do=do)
        yield from _early_visits(phase, where, arm)


def _early_visits(phase: Phase, where: Key, arm: Arm) -> Iterator[Problem]:
    """Find visits, other than the one at 0 hour, that lie before the first dose of an arm."""
    first = min((given.begins_h for given in arm.treatments), default=0.0)
    for position, visit in enumerate(phase.visits_h):
        if (arm.placebo_until_h or 0.0) < visit < first:
            why = f'This visit comes before the first dose of arm "{arm.name}".'
            do = "Give the first dose earlier, or remove the visit; 0 hour is the visit before any dose."
            yield Problem((*where, "visits", position), why, visit.text, "0 hour, or after the first dose", do=do)
            return


def _follows(phases: Sequence[Phase], position: int) -> Iterator[Problem]:
    phase, earlier = phases[position], [one.name for one in phases[:position]]
    if phase.follows is None:
        return
    where: Key = ("phase", position, "follows")
    if phase.follows not in earlier:
        problem = not_a_name(where, "earlier phase", phase.follows, earlier)
        allowed = problem.allowed if earlier else "a phase above this one in the file; this is the first"
        yield Problem(where, problem.why, phase.follows, allowed, problem.nearest, problem.do)
    elif next(one for one in phases if one.name == phase.follows).gate is None:
        why = f'The phase "{phase.follows}" has no gate, so nothing decides who enters this one.'
        do = "Add [phase.gate] to that phase, or remove the key follows."
        yield Problem(where, why, phase.follows, "a phase with a gate", do=do)


def _gate(phase: Phase, where: Key) -> Iterator[Problem]:
    names = [arm.name for arm in phase.arms]
    for position, rule in enumerate(phase.gate.rules if phase.gate else ()):
        here: Key = (*where, "gate", "rule", position)
        if rule.arm not in names:
            yield not_a_name((*here, "arm"), "arm in this phase", rule.arm, names)
        elif phase.arm(rule.arm).placebo:
            why = "A response is looked for where the drug was given, and this arm is a placebo."
            active = ", ".join(f'"{arm.name}"' for arm in phase.arms if not arm.placebo)
            yield Problem((*here, "arm"), why, rule.arm, active, do="Name the active arm.")
        yield from _rule_visit(phase, rule, here)


def _rule_visit(phase: Phase, rule: GateRule, here: Key) -> Iterator[Problem]:
    after = [visit.text for visit in phase.visits_h[1:]]
    if rule.visit_h is not None and rule.visit_h not in phase.visits_h[1:]:
        problem = not_a_name((*here, "visit"), "visit after the dose in this phase", rule.visit_h.text, after)
        yield problem


def _titrations(phases: Sequence[Phase], position: int) -> Iterator[Problem]:
    """Check that a policy that looks back at a test dose has one to look back at."""
    phase = phases[position]
    giving = [one.name for one in phases[:position] if any(arm.test_doses for arm in one.arms if not arm.placebo)]
    none = (
        "No earlier phase gives a test bolus"
        if not giving
        else "This phase does not follow the one with the test bolus"
    )
    do = f'Write follows = "{giving[-1]}", or ' if giving else "Add a phase with a bolus before this one, or "
    for number, arm in enumerate(phase.arms):
        where: Key = ("phase", position, "arm", number, "titration")
        for key, given in () if arm.titration is None else arm.titration.looks_back():
            if phase.follows in giving or arm.gate is not None:
                continue
            if key == ("start",):
                rate = f'{do}write a rate such as "100 ug/day".'
                yield Problem((*where, *key), f"{none}.", given, "a rate", do=rate)
            else:
                yield Problem((*where, *key), f"{none} whose score could be taken.", given, do=f"{do}remove the key.")


def _charted(study: TrialStudy) -> Iterator[Problem]:
    """Check that every scale and limb on which something depends is examined."""
    scales, limbs = study.assessment.scales, study.assessment.limbs
    for where, scale, wanted in _looked_at(study):
        if scale is not None and scale not in scales:
            why = "This scale is not charted: [assessment] scales does not name it."
            allowed = ", ".join(f'"{name}"' for name in scales)
            yield Problem((*where, "scale"), why, scale, allowed, do=f'Add "{scale}" to [assessment] scales.')
        missing = [limb for limb in ("leg", "arm") if wanted and limb in wanted and limb not in limbs]
        if missing:
            why = f"The {missing[0]} is not examined: [assessment] limbs does not name it."
            yield Problem((*where, "limb"), why, wanted, do=f'Add "{missing[0]}" to [assessment] limbs.')


def _looked_at(study: TrialStudy) -> Iterator[tuple[Key, str | None, str | None]]:
    """Yield the place, scale and limb of each thing that needs a score."""
    for position, entry in enumerate(study.population.entries):
        yield ("population", "entry", position), entry.scale, entry.limb
    if study.endpoint is not None:
        yield ("endpoint",), study.endpoint.scale, study.endpoint.limb
    for number, one in enumerate(study.analysis.endpoints if study.analysis else ()):
        limb = one.limb if one.muscle is None else vocabulary.muscles()[one.muscle]
        yield ("analysis", "endpoint", number), one.scale, limb
    for position, row in enumerate(study.published):
        yield ("published", position), row.scale, row.limb
    for number, phase in enumerate(study.phases):
        if phase.rescue is not None:
            yield ("phase", number, "rescue"), phase.rescue.scale, phase.rescue.limb
        for position, rule in enumerate(phase.gate.rules if phase.gate else ()):
            yield ("phase", number, "gate", "rule", position), rule.scale, rule.limb
        for position, arm in enumerate(phase.arms):
            for rule_number, own in enumerate(arm.gate.rules if arm.gate else ()):
                yield ("phase", number, "arm", position, "gate", "rule", rule_number), own.scale, own.limb
            where: Key = ("phase", number, "arm", position, "titration")
            for key, scale, limb in () if arm.titration is None else arm.titration.looks_at():
                yield (*where, *key), scale, limb


def _endpoint(study: TrialStudy) -> Iterator[Problem]:
    """Check that the endpoint names a phase and a visit after treatment of this study."""
    given = study.endpoint
    if given is None:
        return
    names = [phase.name for phase in study.phases]
    if given.phase is not None and given.phase not in names:
        yield not_a_name(("endpoint", "phase"), "phase in this study", given.phase, names)
        return
    phase = study.phases[0] if given.phase is None else study.phase(given.phase)
    if given.visit_h is not None and given.visit_h not in phase.visits_h[1:]:
        texts = [visit.text for visit in phase.visits_h[1:]]
        what = f'visit after the dose in phase "{phase.name}"'
        yield not_a_name(("endpoint", "visit"), what, given.visit_h.text, texts)


def _published(study: TrialStudy) -> Iterator[Problem]:
    """Check that each published row names a phase, an arm and a visit of this study."""
    names = [phase.name for phase in study.phases]
    for position, row in enumerate(study.published):
        where: Key = ("published", position)
        if row.phase not in names:
            yield not_a_name((*where, "phase"), "phase in this study", row.phase, names)
            continue
        phase = study.phase(row.phase)
        arms = [arm.name for arm in phase.arms]
        if row.arm is not None and row.arm not in arms:
            yield not_a_name((*where, "arm"), f'arm in phase "{phase.name}"', row.arm, arms)
        if row.against is not None and row.against not in arms:
            yield not_a_name((*where, "against"), f'arm in phase "{phase.name}"', row.against, arms)
        if row.reaction is not None and "adverse" not in study.assessment.scales:
            why = "Adverse effects are not charted: [assessment] scales does not name them."
            yield Problem((*where, "reaction"), why, row.reaction, do='Add "adverse" to [assessment] scales.')
        if row.visit_h is not None and row.visit_h not in phase.visits_h:
            texts = [visit.text for visit in phase.visits_h]
            yield not_a_name((*where, "visit"), f'visit in phase "{phase.name}"', row.visit_h.text, texts)
        yield from _published_statistic(row, phase, where)


def _published_statistic(row: PublishedRow, phase: Phase, where: Key) -> Iterator[Problem]:
    if row.statistic == "share entered" and phase.follows is None:
        why = f'Everybody enters the phase "{phase.name}": it follows no gate.'
        do = "Name the phase behind the gate, or add follows to it."
        yield Problem((*where, "statistic"), why, row.statistic, "a phase with the key follows", do=do)
    arm = next((one for one in phase.arms if one.name == row.arm), None)
    if row.is_dose and arm is not None and arm.treatments:
        units = {given.dose_unit for given in arm.treatments if given.dose_unit}
        unit = next(iter(units), None)
        if row.unit != unit and len(units) == 1:
            route = {"mg/day": "by mouth in mg", "ug/day": "into the spinal fluid in ug"}.get(f"{unit}", f"in {unit}")
            why = f'Arm "{arm.name}" is dosed {route}.'
            yield Problem((*where, "unit"), why, row.unit, f'"{unit}"', do=f'Write unit = "{unit}".')
