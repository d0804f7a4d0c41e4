"""Verb on one decision: benefit and harm of a treatment of one person over its dose, and where they cross."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence

from eutonia import _quantities, parameters, session
from eutonia._arguments import TEXT, Kind, accepts, one_of
from eutonia._hours import HOURS_A_DAY
from eutonia.assessment.scales import SCALES
from eutonia.errors import StudyError, unknown
from eutonia.study import vocabulary
from eutonia.study.case_checks import first_treatment
from eutonia.study.design import STUDY, CaseStudy, TrialStudy
from eutonia.study.other_uses import refuse_tone
from eutonia.trial.charted_items import items
from eutonia.trial.decision import PUMP, TABLETS, Decision, Question, decide
from eutonia.trial.moment import moment
from eutonia.trial.record import repeat, study_record
from eutonia.trial.responders import first_that_matters, usual_least

#: Doses that are tried where none are named: places on an axis, and no science. A tablet, every 8 hours; or a pump.
USUAL = {
    TABLETS: ("5 mg", "10 mg", "15 mg", "20 mg", "25 mg"),
    PUMP: ("50 ug/day", "100 ug/day", "150 ug/day", "225 ug/day", "300 ug/day", "450 ug/day", "600 ug/day"),
}
#: How long a dose is held, the hours from tablet to tablet, and the tip of who has no catheter, where nobody says it.
USUAL_HELD, EVERY_H, USUAL_TIP = "4 week", 8.0, "T10"
_MOST_DOSES = 40
_DOSES = Kind(
    "a list of doses, each a text with its unit, or None",
    '["50 ug/day", "100 ug/day"]',
    lambda given: given is None or (isinstance(given, list | tuple) and all(isinstance(one, str) for one in given)),
)


@accepts(
    study=STUDY,
    route=TEXT,
    doses=_DOSES,
    at=TEXT.or_none(),
    held=TEXT,
    scale=TEXT.or_none(),
    limb=TEXT.or_none(),
    tip=TEXT.or_none(),
)
def decision(
    study: TrialStudy | CaseStudy,
    *,
    route: str = TABLETS,
    doses: Sequence[str] | None = None,
    at: str | None = None,
    held: str = USUAL_HELD,
    scale: str | None = None,
    limb: str | None = None,
    tip: str | None = None,
) -> Decision:
    """Hold one treatment at several doses in the people that the person of a case may be: who gains, who is harmed.

    Parameters
    ----------
    study : CaseStudy
        Whose lesion, charts and kidneys; what the case gives is left out, so that only the dose differs.
    route : str
        "tablets" of baclofen, every 8 hours, or a "pump".
    doses : sequence of str or None
        Single doses of tablets ("10 mg") or rates of a pump ("100 ug/day"), in any order; none at all is always among
        them. Usual ones when left out.
    at, held : str
        When the treatment begins ("day 120"; the first treatment of the case when left out), and how long it is held.
    scale, limb : str or None
        What counts as a benefit: the minimal important change of this scale, or one step of it. Left out, the first
        scale of the case that has such a change.
    tip : str or None
        Vertebral level of the tip of the catheter of a pump; that of the case, or T10.

    Returns
    -------
    Decision
        `frame()` has the share of possible people with benefit, harm, benefit without harm, and each harm at each dose;
        `crossings` the doses at which benefit and harm cross.

    Raises
    ------
    ArgumentError, SimulationError, StudyError, UnitError
        A trial, no such route, scale, limb, level or time, a tip of tablets, mg where a pump gives ug, or more
        than the label allows.

    Notes
    -----
    **Not for** choosing a dose: research and teaching only.
    """
    began = time.perf_counter()
    with parameters.recording() as used, parameters.beneath(study.parameters):
        question = ask(study, route, doses, at=at, held=held, scale=scale, limb=limb, tip=tip)
        session.begin()
        found = decide(question)
        told = {"route": route, "at": at, "held": held, "scale": scale, "limb": limb, "tip": tip, "dose": doses}
        command = repeat("decision", question.study.word, own=study.parameters, seed=study.seed, **told)
        wall_s = time.perf_counter() - began
        run = study_record(question.study, used, wall_s, command, possible_people=int(found.table["n"][0]))
    return dataclasses.replace(found, run=run)


def ask(
    study: TrialStudy | CaseStudy,
    route: str,
    doses: Sequence[str] | None,
    *,
    at: str | None,
    held: str,
    scale: str | None,
    limb: str | None,
    tip: str | None,
) -> Question:
    """Return what is asked, checked whole before anything is run."""
    if not isinstance(study, CaseStudy):
        raise StudyError(
            f"{study.name} is a trial. Allowed: a case, which is one person. Nearest: eutonia.sweep(study, ...), which "
            "runs a trial at several doses. Use that, or name a case."
        )
    refuse_tone(study, "The decision")
    one_of("route", route, (TABLETS, PUMP), 'Write "tablets" or "pump".')
    key, where = _benefit(study, scale, limb)
    least, is_important = usual_least(SCALES[key], where)
    if tip is not None and route != PUMP:
        raise StudyError(
            f"tip is {tip:.40} and route is {route}, which have no catheter. Allowed: a tip of a pump. Nearest: route "
            f"{PUMP}. Leave tip out, or choose that route."
        )
    tip = tip or study.tip or USUAL_TIP
    one_of("level of the tip", tip, vocabulary.levels(), 'Write the level of the tip, such as "T10".')
    begun = first_treatment(study)
    at_h = moment(study, at) if at is not None or begun is None else float(begun)
    held_h = _quantities.parse(held, "duration", "held")
    if not HOURS_A_DAY <= held_h <= HOURS_A_DAY * 366:
        raise StudyError(
            f'held is "{held}". Allowed: "1 day" to "1 year", for which the lesion may be thought to stand still. '
            f'Nearest: "{USUAL_HELD}". Correct it.'
        )
    amounts = _amounts(study, route, list(USUAL[route] if doses is None else doses))
    return Question(study, route, amounts, at_h, held_h, EVERY_H, key, where, least, is_important, tip)


def _benefit(study: CaseStudy, scale: str | None, limb: str | None) -> tuple[str, str | None]:
    """Return the scale and the limb of what counts as a benefit."""
    charted = [one for one in items(study.assessment) if limb is None or one[1] in (limb, None)]
    if scale is not None:
        keys = [key for key, one in SCALES.items() if one.is_score]
        one_of("scale", scale, keys, "Name one that has a score.")
        if not SCALES[scale].of_limb and limb is not None:
            raise StudyError(f"{scale} has no score of a limb, and limb is {limb}. Leave limb out.")
        charted = [(scale, (limb or study.assessment.limbs[0]) if SCALES[scale].of_limb else None)]
    if limb is not None:
        one_of("limb", limb, ("leg", "arm"), 'Write "leg" or "arm".')
    if not charted:
        raise StudyError(unknown("scale of the case", str(limb), study.assessment.scales, "Name one by scale."))
    return first_that_matters(charted)


def _amounts(study: CaseStudy, route: str, doses: Sequence[str]) -> tuple[float, ...]:
    """Return the doses from none on, in ascending order, each once."""
    if not 1 <= len(doses) <= _MOST_DOSES:
        near = min(max(len(doses), 1), _MOST_DOSES)
        raise StudyError(
            f"{len(doses)} doses are given. Allowed: 1 to {_MOST_DOSES}. Nearest: {near}. Give as many, or none."
        )
    kind = "oral_dose" if route == TABLETS else "intrathecal_rate"
    found = {_quantities.parse(text, kind, "dose"): text for text in doses}
    beyond = study.head.allow_beyond_label
    if route == TABLETS:
        limit = vocabulary.oral_dose_on_record() if beyond else vocabulary.largest_oral_dose()
        most, factor, unit = limit.value, HOURS_A_DAY / EVERY_H, "mg a day"
    else:
        limit = vocabulary.intrathecal_rate_on_record() if beyond else vocabulary.largest_rate()
        most, factor, unit = limit.value * HOURS_A_DAY, HOURS_A_DAY, "ug a day"
    for amount, text in found.items():
        if amount < 0 or amount * factor > most * (1 + 1e-9):
            raise StudyError(
                f"dose {text} is {amount * factor:g} {unit}. Allowed: 0 to {most:g} {unit} ({limit.label.lower()}, "
                f"{limit.source}). Nearest: {most:g}. Check digits and unit, or lower it."
            )
    return tuple(sorted({0.0, *found}))
