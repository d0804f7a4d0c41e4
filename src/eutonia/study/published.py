"""A published result of a study file: what kind of number it is, and what has to be said with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, get_args

from pydantic import Field

from eutonia.study.fields import (
    Hours,
    Name,
    NotNegative,
    Number,
    Part,
    Positive,
    Reaction,
    ScaleName,
    Share,
    Source,
    Text,
    described,
    show_optional,
)
from eutonia.study.scales import limb_fits, on_scale
from eutonia.study.studyfile import Problem
from eutonia.study.vocabulary import LimbName

Statistic = Literal[
    "mean",
    "sd",
    "change from baseline",
    "difference between arms",
    "ratio",
    "fraction removed",
    "share with a fall",
    "share lost",
    "share with a reaction",
    "share entered",
    "dose",
    "lowest dose",
    "highest dose",
]
EvidenceStatus = Literal["verified", "secondary", "recalled", "derived"]


@dataclass(frozen=True)
class _Kind:
    """Which keys a statistic needs, and which it may have, of those that not every statistic has."""

    needs: tuple[str, ...]
    may: tuple[str, ...] = ()


_SCORE = _Kind(("arm", "scale", "visit"))
_DOSE = _Kind(("arm", "visit", "unit"))
_KINDS: Mapping[str, _Kind] = {
    **dict.fromkeys(get_args(Statistic), _SCORE),
    "difference between arms": _Kind((*_SCORE.needs, "against")),
    "ratio": _Kind(_SCORE.needs, ("against",)),
    "share with a fall": _Kind((*_SCORE.needs, "fall")),
    "share with a reaction": _Kind(("arm", "reaction")),
    "share entered": _Kind(()),
    **dict.fromkeys(("dose", "lowest dose", "highest dose"), _DOSE),
}
_SOMETIMES = ("arm", "scale", "visit", "unit", "against", "fall", "reaction")


class PublishedRow(Part):
    """A published result laid over the prediction. Nothing is fitted to it."""

    phase: Name = described("Phase to which it belongs.")
    arm: Name | None = described("Arm; left out when it concerns the whole phase.", default=None)
    limb: LimbName | None = described(
        "Limb; left out for whole-person scales, doses and shares of people.", default=None
    )
    scale: ScaleName | None = described(
        "Scale; left out for doses, reactions and for the share that entered.", default=None
    )
    visit_h: Hours | None = described(
        "Visit at which it was measured; a reaction is counted to the end of the phase.", alias="visit", default=None
    )
    statistic: Statistic = described(
        'What the number is; shares and fractions run from 0 to 1. "change from baseline" is after less before, '
        '"difference between arms" this arm less the arm `against`, both at the visit; "ratio" is this arm over the '
        "arm `against`, or after over before where no such arm is named."
    )
    value: Number = described("The published number.")
    against: Name | None = described("The other arm of a difference or a ratio.", default=None)
    fall: Positive | None = described('Least fall of the score that counts in a "share with a fall".', default=None)
    reaction: Reaction | None = described("The adverse reaction that a share of people had.", default=None)
    sd: NotNegative | None = described("Published SD between people.", default=None)
    se: NotNegative | None = described(
        "Published standard error; left out, it follows from SD and number of people where it can.", default=None
    )
    n: Annotated[int, Field(strict=True, ge=1)] | None = described("People behind the number.", default=None)
    baseline: Number | None = described("Published mean before treatment.", default=None)
    baseline_sd: NotNegative | None = described("Published SD before treatment.", default=None)
    p: Share | None = described("Published p value, or its upper bound.", default=None)
    unit: Literal["ug/day", "mg/day"] | None = described("Unit of a dose; left out otherwise.", default=None)
    source: Source = described(
        "Where it was published: a key of sources.bib or of a .bib file beside the study, or the reference itself "
        "as text."
    )
    status: EvidenceStatus = described("How far the number has been checked against its paper.")
    note: Text | None = described("What a reader has to know about the number.", default=None)

    @property
    def is_dose(self) -> bool:
        """Whether the number is a daily dose."""
        return _KINDS[self.statistic] is _DOSE

    def _problems(self) -> Iterable[Problem]:
        kind = _KINDS[self.statistic]
        found: list[Problem] = []
        for key in _SOMETIMES:
            value = self.visit_h if key == "visit" else getattr(self, key)
            if (value is not None) != (key in kind.needs) and not (value is not None and key in kind.may):
                wanted = key in kind.needs
                why = f'The statistic "{self.statistic}" {"needs" if wanted else "has no"} {key}.'
                do = f"{'Add' if wanted else 'Remove'} the key {key}."
                found.append(Problem((key,), why, show_optional(value), do=do))
        if self.against is not None and self.against == self.arm:
            why = "An arm is compared with another one."
            found.append(Problem(("against",), why, self.against, do="Name the other arm."))
        found += self._in_range()
        return found

    def _in_range(self) -> list[Problem]:
        if self.statistic.startswith(("share", "fraction")) and not -1 <= self.value <= 1:
            why = "A share is a number from 0 to 1, and a fraction removed lies between -1 and 1."
            return [Problem(("value",), why, self.value, "0 to 1", do="Divide a percentage by 100.")]
        if self.scale is None:
            return []
        found = limb_fits(self.scale, self.limb)
        if found:
            return found
        found = on_scale(self.scale, self.baseline, "baseline")
        found += on_scale(self.scale, self.fall, "fall", is_difference=True)
        if self.statistic in ("change from baseline", "difference between arms"):
            found += on_scale(self.scale, abs(self.value), "value", is_difference=True)
        return found + (on_scale(self.scale, self.value, "value") if self.statistic == "mean" else [])
