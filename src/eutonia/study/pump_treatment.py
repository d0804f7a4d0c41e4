"""An implanted pump in an arm of a trial: a pump program with its reservoir, refills and what goes wrong, and failures.

Every person of the arm has a pump of this program; a titration on top changes how much of it each of them is given.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import model_validator

from eutonia._hours import HOURS_A_DAY
from eutonia.drug.pump import Program, Therapy, play
from eutonia.drug.pump import therapy as happens
from eutonia.study import vocabulary
from eutonia.study.fields import Checking, Flag, Given, Hours, described, is_beyond_label, refuse
from eutonia.study.named_program import NamedProgram, ProgramField, on_clock
from eutonia.study.parts import Arm, Phase
from eutonia.study.studyfile import Key, Problem
from eutonia.study.treatments import Treatment
from eutonia.study.vocabulary import Limit

_SAME_H, _ROUNDING = 1e-6, 1e-9
IN_TIME = "in time"
# What happens to a pump otherwise at another dose, and what a dose is.
_OF_DOSES = ("programmed", "called", "refused", "alarm", "empty", "prime", "bridge")


class PumpTreatment(Treatment):
    """A pump with its program, reservoir and catheter."""

    route: Literal["pump"] = described("An implanted pump that runs a pump program.")
    program: Annotated[NamedProgram, ProgramField()] = described(
        "Pump program: a file beside this one, or one that ships."
    )
    start_h: Hours = described(
        "Day 0 of the program, whole days from the start of the phase.", alias="start", default=Given(0.0, "0 hour")
    )
    stop_h: Hours | None = described(
        "The pump is stopped; left out, it runs to the end of the phase.", alias="stop", default=None
    )
    refills: Literal["as programmed", "in time"] = described(
        'Filled only when the program says so, or also by a clinic that comes before the alarm ("in time").',
        default="as programmed",
    )
    failures: Flag = described(
        "Whether pumps and catheters fail, each person's own as often as published, until they are repaired.",
        default=False,
    )

    hazards: ClassVar[str | None] = "intrathecal"
    sources: ClassVar[tuple[str, ...]] = ("Label_ITB",)
    like: ClassVar[str | None] = "intrathecal infusion"
    case_event: ClassVar[str | None] = "infusion"
    amount_key: ClassVar[str] = "program"

    @property
    def name(self) -> str:
        """The program by its name."""
        return f"pump program {self.program.text}"

    @property
    def says_dose(self) -> bool:
        """Its program says how much."""
        return True

    @property
    def in_case(self) -> str:
        """A case has a table for it."""
        return f'Write [therapy] with program = "{self.program.text}" in its place.'

    @property
    def where_tip(self) -> str | None:
        """Vertebral level of the catheter tip."""
        return self.program.therapy.tip

    @property
    def begins_h(self) -> Given:
        """When the pump is first programmed to give anything, time in the phase: a policy counts from it."""
        first = next((at_h for at_h, _ in programs_of(self.program.therapy)), 0.0)
        at_h = float(self.start_h) + first
        return self.start_h if first == 0.0 else Given(at_h, f"{at_h:g} hour")

    @property
    def first_amount(self) -> float:
        """Mean rate of the first program that gives anything, ug/h."""
        return next((one.ug_per_day / HOURS_A_DAY for _, one in programs_of(self.program.therapy)), 0.0)

    def happenings(self, until_h: float) -> list[tuple[float, str]]:
        """Return what the program does to the pump beside its doses, which each person has of their own."""
        told = play(self.therapy(until_h)).happenings
        return [(one.at_h, one.words) for one in told if one.what not in _OF_DOSES and one.at_h <= until_h]

    def therapy(self, end_h: float) -> Therapy:
        """Return the program on the clock of a phase that ends at an hour."""
        return on_clock(self.program.therapy, float(self.start_h), min(end_h, self.ends_h))

    def adds_up(self, *, beyond_label: bool) -> tuple[float, Limit, float, str] | None:
        """Return its largest daily dose, ug/h, and what the label allows."""
        limit = vocabulary.intrathecal_rate_on_record() if beyond_label else vocabulary.largest_rate()
        most = max((one.ug_per_day for _, one in programs_of(self.program.therapy)), default=0.0)
        return most / HOURS_A_DAY, limit, HOURS_A_DAY, "ug/day"

    @model_validator(mode="after")
    def _fits(self, info: Checking) -> PumpTreatment:
        days = float(self.start_h) / HOURS_A_DAY
        found = []
        if abs(days - round(days)) * HOURS_A_DAY > _SAME_H:
            why, near = "Day 0 of a program begins at midnight.", (f'"{round(days)} day"',)
            do = "Write whole days; what happens when is told by the program."
            found.append(Problem(("start",), why, self.start_h.text, "whole days", near, do))
        tips = {one.tip for one in self.program.therapy.events if isinstance(one, happens.Revision) and one.tip}
        if other := sorted(tips - {self.where_tip}):
            why = (
                f"It moves the tip of the catheter from {self.where_tip} to {', '.join(other)}, which a trial does not."
            )
            do = "Leave the new tip out of the revision, or run the program in a case."
            found.append(Problem(("program",), why, self.program.text, "one level of the tip", do=do))
        amount, limit, factor, unit = self.adds_up(beyond_label=is_beyond_label(info)) or (0.0, None, 1.0, "")
        if limit is not None and amount > limit.value * (1 + _ROUNDING):
            why = f"It gives {amount * factor:.4g} {unit}. {limit.label} is {limit.text} ({limit.source})."
            do = "Lower it in the program."
            found.append(Problem(("program",), why, self.program.text, f"at most {limit.text}", do=do))
        if found:
            refuse(*found)
        return self


def programs_of(therapy: Therapy) -> list[tuple[float, Program]]:
    """Return what is programmed when, h, of programs that give anything."""
    told = [(one.at_h, one.program) for one in therapy.events if isinstance(one, happens.Programmed)]
    return [(at_h, one) for at_h, one in told if one is not None and any(one.rates)]


def pump_problems(phase: Phase, arm: Arm, here: Key, origin: str) -> Iterator[Problem]:
    """Find what does not fit between the pump of an arm, its phase, its other treatments and its titration."""
    for position, given in enumerate(arm.treatments):
        if not isinstance(given, PumpTreatment):
            continue
        where, therapy = (*here, "treatment", position), given.program.therapy
        end = min(float(phase.visits_h[-1]), given.ends_h)
        if therapy.origin != origin:
            why = f"The program is of {therapy.origin} origin, and these people are of {origin} origin."
            do = "Correct origin in [therapy] of the program, by which the label's steps are judged."
            yield Problem((*where, "program"), why, given.program.text, "a program of the same origin", do=do)
        if end > given.start_h + therapy.duration_h + _SAME_H:
            least = f'duration = "{(end - given.start_h) / HOURS_A_DAY:g} day"'
            why = "Nobody knows what the pump is given after the end of its program, which is before that of the phase."
            do = f"Write {least} or more in [therapy] of the program, or add stop here."
            yield Problem((*where, "program"), why, given.program.text, f"{least} or more", do=do)
        for other, two in enumerate(arm.treatments):
            if other != position and "intrathecal infusion" in (two.route, two.like):
                why, do = "One person has one pump.", "Remove one of the two, or write both into one program."
                yield Problem((*here, "treatment", other, "route"), why, two.route, "one pump", do=do)
        yield from _steered(arm, given, where)


def _steered(arm: Arm, given: PumpTreatment, where: Key) -> Iterator[Problem]:
    """Find a program that changes its dose under a policy that says the dose."""
    policy = arm.titration
    if policy is None or given not in arm.steered or policy.begins_with is None:
        return
    doses = [f"{one.ug_per_day:.4g} ug/day" for _, one in programs_of(given.program.therapy)]
    if len(doses) > 1:
        told = f"{', '.join(doses[:3])}{' and so on' if len(doses) > 3 else ''}"
        why = f'The program changes the dose ({told}), and so does the policy "{policy.policy}".'
        do = "Leave one program in the file, whose shape the policy scales, or remove the titration."
        yield Problem((*where, "program"), why, given.program.text, "one program", do=do)
