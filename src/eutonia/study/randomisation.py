"""How people are allocated to arms: in permuted blocks, apart in each stratum."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Annotated, Literal

from pydantic import Field

from eutonia.study.fields import Age, Interval, Number, Part, ScaleName, described
from eutonia.study.scales import limb_fits, on_scale
from eutonia.study.studyfile import Problem
from eutonia.study.vocabulary import LimbName


def ratio_of(weights: Sequence[int]) -> list[int]:
    """Return the places of each arm in the smallest block that meets the ratio."""
    return [weight // math.gcd(*weights) for weight in weights]


class SexStratum(Part):
    """Women and men apart."""

    by: Literal["sex"] = described("Women and men.")


class LesionStratum(Part):
    """Kinds of lesion apart."""

    by: Literal["lesion"] = described("Kinds of lesion.")


class AgeStratum(Part):
    """Younger and older people apart."""

    by: Literal["age"] = described("Below a cut, and from it on.")
    cut: Age = described("Age from which people are in the upper stratum.")


class OnsetStratum(Part):
    """People early and late after the onset apart."""

    by: Literal["time since onset"] = described("Below a cut, and from it on.")
    cut: Interval = described("Time from which people are in the upper stratum.")


class ScoreStratum(Part):
    """People with low and high scores at entry apart."""

    by: Literal["score"] = described("Score at entry, before any treatment: below a cut, and from it on.")
    scale: ScaleName = described("Scale.")
    limb: LimbName | None = described("Limb; left out for scales of the whole person.", default=None)
    cut: Number = described("Score from which people are in the upper stratum.")

    def _problems(self) -> Iterable[Problem]:
        return [*limb_fits(self.scale, self.limb), *on_scale(self.scale, self.cut, "cut")]


Stratum = Annotated[SexStratum | LesionStratum | AgeStratum | OnsetStratum | ScoreStratum, Field(discriminator="by")]


class Randomisation(Part):
    """How people are allocated to the arms of a phase, or to the orders of a crossover."""

    block: Annotated[int, Field(strict=True, ge=2, le=1000)] | None = described(
        "People in a block of the list, in each of which the ratio is met; left out, the smallest such block.",
        default=None,
    )
    strata: Annotated[tuple[Stratum, ...], Field(max_length=4)] = described(
        "What people are told apart by; each combination has a list of its own.", alias="stratum", default=()
    )
