"""Rescue: what whoever is charted badly enough at a visit is given besides, whatever their arm, and openly.

A clinic sees the scores of who comes to the visit, and nothing else decides. Whoever is given rescue stays in the trial
and in the arm; what that means for an endpoint is said by its estimand, as for leaving.

Source: ICH_E9_R1
Not for: crossovers, dose finding, pumps; what is given because of a reaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, PrivateAttr, model_validator

from eutonia._hours import HOURS_A_DAY
from eutonia.assessment.scales import SCALES
from eutonia.study.doses import at_once, of_one_person, sums, too_soon
from eutonia.study.fields import Given, Hours, Number, Part, Positive, ScaleName, described, not_a_name, not_in_order
from eutonia.study.scales import limb_fits, on_scale
from eutonia.study.studyfile import Key, Problem
from eutonia.study.treatments import EVERYBODY, Treatment
from eutonia.study.vocabulary import LimbName

if TYPE_CHECKING:
    from eutonia.study.parts import Arm, Phase

_TAKES_A_PUMP = ("intrathecal infusion", "pump")


class Rescue(Part):
    """The table [phase.rescue]: who is given what besides, at which visits, and how often at most."""

    scale: ScaleName = described("Scale.")
    limb: LimbName | None = described("Limb; left out for scales of the whole person.", default=None)
    score: Number | None = described(
        "Whoever is charted with this score or a worse one is given rescue; left out, any score will do.", default=None
    )
    improvement: Positive | None = described(
        "Whoever is better by less than this since the first visit is given rescue; left out, no change is asked for.",
        default=None,
    )
    visits_h: Annotated[tuple[Hours, ...], Field(min_length=1, max_length=20)] = described(
        "Visits at which it may be given, rising; whoever misses one is not given it there.", alias="visits"
    )
    times: Annotated[int, Field(strict=True, ge=1, le=20)] = described(
        "How often one person may be given it in the phase.", default=1
    )
    treatments: Annotated[tuple[Treatment, ...], Field(min_length=1, max_length=20)] = described(
        "What is given; times count from the visit.", alias="treatment"
    )

    # Made once: whoever follows rescue tells these treatments from all others that are equal to them.
    _at_visits: tuple[tuple[Treatment, ...], ...] = PrivateAttr(default=())

    @property
    def at_visits(self) -> tuple[tuple[Treatment, ...], ...]:
        """What is given at each of its visits, with the times of the phase."""
        return self._at_visits

    @property
    def said(self) -> str:
        """Who is given what, in words."""
        what = f"{self.limb or ''} {SCALES[self.scale].label}".strip()
        rules = [] if self.score is None else [f"whose {what} is {self.score:g} or worse"]
        rules += [] if self.improvement is None else [f"whose {what} is better by less than {self.improvement:g}"]
        given = ", ".join(f"{one.name} {one.dose_text}".strip() for one in self.treatments)
        visits = " or ".join(f"{one.text}{'s' * (not one.text.startswith('1 '))}" for one in self.visits_h)
        often = "once" if self.times == 1 else f"{self.times} times"
        return f"whoever comes at {visits} and {' and '.join(rules)} is given {given}, {often} at most"

    def _problems(self) -> Iterable[Problem]:
        found = limb_fits(self.scale, self.limb) or [*on_scale(self.scale, self.score, "score")]
        if not found and self.improvement is not None:
            found = on_scale(self.scale, self.improvement, "improvement", is_difference=True)
        if self.score is None and self.improvement is None:
            why, do = "Nothing tells who is given rescue.", "Add score = 3, or improvement = 1."
            found.append(Problem(("score",), why, None, "score, improvement, or both", do=do))
        return found or not_in_order(("visits",), self.visits_h)

    @model_validator(mode="after")
    def _given_at_visits(self) -> Rescue:
        self._at_visits = tuple(tuple(_later(one, visit) for one in self.treatments) for visit in self.visits_h)
        return self


def rescues_of(phases: Sequence[Phase]) -> list[Treatment]:
    """Return what is given as rescue in any phase."""
    return [one for phase in phases if phase.rescue is not None for one in phase.rescue.treatments]


def _later(treatment: Treatment, visit: Given) -> Treatment:
    """Return a treatment whose times count from a visit with the times of the phase."""
    keys = (f"{treatment.begins_key}_h", "stop_h")
    given = {key: time_h for key in keys if (time_h := getattr(treatment, key, None)) is not None}
    return treatment.model_copy(
        update={key: Given(visit + one, f"{(visit + one) / HOURS_A_DAY:g} day") for key, one in given.items()}
    )


def rescue_problems(phase: Phase, where: Key, *, beyond_label: bool) -> Iterator[Problem]:
    """Yield what in a rescue does not fit its phase, or cannot be given beside what arms give."""
    rescue, here = phase.rescue, (*where, "rescue")
    if rescue is None:
        return
    for kind, why in (
        (phase.design == "crossover", "In a crossover rescue would last into the next period."),
        (phase.reassessment is not None, "Dose finding judges people at every level, without anything besides."),
        (phase.gate is not None, "The gate of the phase would take what rescue does for a response."),
    ):
        if kind:
            yield Problem(here, why, "a rescue", do="Remove [phase.rescue], or write the phase without that.")
            return
    between = phase.visits_h[1:-1]
    for position, visit in enumerate(rescue.visits_h):
        if visit not in between:
            what = f'visit between the first and the last in phase "{phase.name}"'
            yield not_a_name((*here, "visits", position), what, visit.text, [one.text for one in between])
            return
    alone = [*chain.from_iterable(_alone(rescue, place, here) for place in range(len(rescue.treatments)))]
    yield from alone
    if not alone:
        beside = chain.from_iterable(_beside(arm, rescue, here, beyond_label=beyond_label) for arm in phase.arms)
        yield from list({one.at: one for one in beside}.values())


def _alone(rescue: Rescue, place: int, here: Key) -> Iterator[Problem]:
    """Find what cannot be rescue, or would be given again while it is still given."""
    one, at = rescue.treatments[place], (*here, "treatment", place)
    yield from (replace(fault, at=(*at, *fault.at)) for fault in one.product_faults())
    if one.route in _TAKES_A_PUMP or one.where_tip is not None:
        why, do = "It takes a catheter, which nobody has by the next day.", "Give tablets, toxin, or a lumbar puncture."
        yield Problem((*at, "route"), why, one.route, "what can be given at a visit", do=do)
    for key, given in (("given_to", one.given_to != EVERYBODY), ("taken_for", one.since_h < one.begins_h)):
        if given:
            why, do = "Rescue begins at its visit, in whoever needs it.", "Remove the key."
            yield Problem((*at, key), why, str(getattr(one, key, None) or "a time before"), "nothing", do=do)
    for earlier, later in pairwise(rescue.visits_h) if rescue.times > 1 else ():
        if one.ends_h > later - earlier:
            why = f"It may be given at {earlier.text} and again at {later.text}, too soon, or while it is still given."
            do = f'Write stop = "{(later - earlier) / HOURS_A_DAY:g} day" or less, visits further apart, or times = 1.'
            yield Problem((*here, "times"), why, rescue.times, "1, or visits far enough apart", do=do)
            return


def _beside(arm: Arm, rescue: Rescue, here: Key, *, beyond_label: bool) -> Iterator[Problem]:
    """Find rescue that adds up with what an arm gives to more than is allowed, or comes too soon after it."""
    most = getattr(arm.titration, "max_mg", None)
    for who in [()] if arm.placebo else of_one_person(arm):
        own: Sequence[Treatment | None] = [
            one.model_copy(update={"dose_mg": most}) if most is not None and one in arm.steered else one for one in who
        ]
        for visit, given in zip(rescue.visits_h, rescue.at_visits, strict=True):
            all_of_one = (*own, *given)
            faults = chain(
                sums(all_of_one, (), beyond_label=beyond_label), too_soon(all_of_one, ()), at_once(all_of_one, ())
            )
            for fault in faults:
                place = max(int(fault.at[1]) - len(own), 0)
                at = (*here, "treatment", place, *fault.at[2:])
                yield replace(fault, at=at, why=f'Rescue at {visit.text} in arm "{arm.name}": {fault.why}')
