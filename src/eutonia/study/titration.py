"""How a study file says that a dose changes: one small table for each policy."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from eutonia.assessment.scales import SCALES
from eutonia.study.fields import (
    Bolus,
    Given,
    Hours,
    Interval,
    Number,
    Part,
    Rate,
    RateOrTwiceScreening,
    ScaleName,
    Tablet,
    described,
    not_in_order,
    refuse,
)
from eutonia.study.scales import fall_fits, limb_fits, on_scale
from eutonia.study.studyfile import Problem
from eutonia.study.vocabulary import LimbName

BOTH_LIMBS = '"leg", "arm" or "leg and arm"'


class Target(Part):
    """The score at which the dose is high enough."""

    scale: ScaleName = described("Scale on which the policy looks.")
    limb: Literal["leg", "arm", "leg and arm"] | None = described(
        '"leg and arm" is the mean of both; left out for a score of the whole person.', default=None
    )
    at_most: Number = described("The dose rises while the score is above this.")
    below_screening: Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)] | None = described(
        "Nobody is asked for a score lower than the one reached after the test bolus, less this; left out, all are.",
        default=None,
    )

    @model_validator(mode="after")
    def _fits_scale(self) -> Target:
        found = [*limb_fits(self.scale, self.limb, BOTH_LIMBS), *on_scale(self.scale, self.at_most, "at_most")]
        if SCALES[self.scale].worse < 0:
            why = "On this scale a lower number is worse, and the dose would rise while the person does well."
            allowed = ", ".join(f'"{name}"' for name, one in SCALES.items() if one.is_score and one.worse > 0)
            found = [Problem(("scale",), why, self.scale, allowed, do="Choose a scale that the drug lowers.")]
        if found:
            refuse(*found)
        return self


class Response(Part):
    """The sign that a test dose has worked."""

    scale: ScaleName = described("Scale on which the policy looks.")
    limb: LimbName | None = described("Limb; left out for a score of the whole person.", default=None)
    fall: Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)] = described(
        "Least fall that counts, above 0."
    )
    over: Literal["limb mean", "spastic muscles"] = described("Over which muscle groups.", default="limb mean")

    @model_validator(mode="after")
    def _fits_scale(self) -> Response:
        if found := fall_fits(self.scale, self.limb, self.fall, self.over):
            refuse(*found)
        return self


class LabelTitration(Part):
    """Pump dose by the label: steps at visits while tone is above target, down on a sign of too much."""

    policy: Literal["label"] = described("Step by step as the product label says.")
    origin: Literal["cerebral", "spinal"] = described("The label's steps are smaller for spasticity from the brain.")
    start: RateOrTwiceScreening = described("First daily dose: twice the working test dose, or a rate.")
    target: Target = described("When the dose is high enough.")
    max_ug_per_h: Rate = described("The dose never goes above this.", alias="max")
    every_h: Interval = described("Time from visit to visit for changing the dose.", alias="every")
    daily_until_h: Hours | None = described(
        "Until then the dose is changed every day; left out, it is not.", alias="daily_until", default=None
    )
    later_after_h: Interval | None = described(
        "From here on visits lie further apart.", alias="later_after", default=None
    )
    later_every_h: Interval | None = described(
        "Time from visit to visit after that.", alias="later_every", default=None
    )

    @property
    def start_ug_per_h(self) -> float | None:
        """First rate, ug/h; None when it is twice the test dose over a day."""
        return self.start if isinstance(self.start, Given) else None

    @model_validator(mode="after")
    def _ordered(self) -> LabelTitration:
        _below_max(self.start, self.max_ug_per_h, "start")
        if (self.later_after_h is None) != (self.later_every_h is None):
            key = "later_after" if self.later_after_h is None else "later_every"
            refuse(
                Problem((key,), "later_after and later_every belong together.", None, "both or none", do=f"Add {key}.")
            )
        return self


class ReliefTitration(Part):
    """Infusion raised in equal steps until the target is reached, whatever else is lost on the way."""

    policy: Literal["to relief"] = described("Up until spasticity is relieved.")
    start_ug_per_h: Rate = described("First rate.", alias="start")
    step_ug_per_h: Rate = described("Rise at each change.", alias="step")
    target: Target = described("What relief means.")
    max_ug_per_h: Rate = described("The dose never goes above this.", alias="max")
    every_h: Interval = described("Time from change to change.", alias="every")

    @model_validator(mode="after")
    def _ordered(self) -> ReliefTitration:
        _below_max(self.start_ug_per_h, self.max_ug_per_h, "start")
        _rises(self.step_ug_per_h)
        return self


class LadderTitration(Part):
    """Test doses one after the other, each larger, until one works."""

    policy: Literal["screening ladder"] = described("Test doses until one works.")
    doses_ug: Annotated[tuple[Bolus, ...], Field(min_length=2, max_length=20)] = described(
        "Test doses, rising; the first is that of the treatment.", alias="doses"
    )
    every_h: Interval = described("Time from one test dose to the next.", alias="every")
    response: Response = described("When a test dose has worked.")

    @model_validator(mode="after")
    def _rising(self) -> LadderTitration:
        if found := not_in_order(("doses",), self.doses_ug):
            refuse(*found)
        return self


class OralTitration(Part):
    """Tablets by the label: a step up at fixed intervals while tolerated, to the largest dose or the target."""

    policy: Literal["oral label"] = described("Step by step as the product label says.")
    step_mg: Tablet = described("Rise of each single dose.", alias="step")
    max_mg: Tablet = described("Largest single dose.", alias="max")
    every_h: Interval = described("Time from step to step.", alias="every")
    target: Target | None = described("When the dose is high enough; left out, it rises to max.", default=None)

    @model_validator(mode="after")
    def _rising(self) -> OralTitration:
        _rises(self.step_mg)
        return self


class StopTitration(Part):
    """Treatment taken away, at once or little by little."""

    policy: Literal["stop"] = described("The treatment is taken away.")
    at_h: Hours = described("When the fall begins, time in the phase.", alias="at")
    over_h: Hours = described('How long the fall takes; "0 hour" is abrupt.', alias="over")


Titration = Annotated[
    LabelTitration | ReliefTitration | LadderTitration | OralTitration | StopTitration, Field(discriminator="policy")
]

_ROUTES = {
    "label": "intrathecal infusion",
    "to relief": "intrathecal infusion",
    "screening ladder": "intrathecal bolus",
    "oral label": "oral",
}


def titrated_route(
    titration: LabelTitration | ReliefTitration | LadderTitration | OralTitration | StopTitration,
) -> str | None:
    """Return the route that a policy steers; None if it steers any."""
    return _ROUTES.get(titration.policy)


def _below_max(start: Given | str, most: Given, key: str) -> None:
    if isinstance(start, Given) and start > most:
        refuse(Problem((key,), "It is above the largest dose.", start.text, f"at most {most.text}", do="Correct one."))


def _rises(step: Given) -> None:
    if step <= 0:
        refuse(Problem(("step",), "A step of nothing never arrives.", step.text, "more than 0", do="Raise the step."))
