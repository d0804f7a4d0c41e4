"""The leg that a reader of the story moves: its grade, whether it carries, and how likely the drug makes drowsy.

`legs` computes it here; `for_page` hands the same numbers to `templates/story_model.js`, which computes it again in the
page. A test holds the two together over the whole range of every slider.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from eutonia import parameters
from eutonia._hours import HOURS_A_DAY
from eutonia.assessment.ashworth import latent_grade, reference_grid
from eutonia.assessment.walking import WalkingConstants, stance_support
from eutonia.drug.effect.adverse import REACTIONS, SOURCES, Hazards
from eutonia.drug.effect.exposed import Exposed, Habits
from eutonia.simulation import steady_leg
from eutonia.simulation.steady_leg import LegConstants, LegSettings, SteadyLeg

Points = Float[np.ndarray, " point"]


@dataclass(frozen=True)
class StorySlider:
    """What a reader may move: from where to where, by which step, where it stands at first, and its unit."""

    key: str
    low: float
    high: float
    step: float
    start: float = 0.0


@dataclass(frozen=True)
class StoryLeg:
    """What a reader sees: `grade` 1 to 5, `support` (1 carries the body), `drowsy` share within the label's trials,
    `resistance` (share of the ceiling), levels in ng/mL, `effect` of the drug, signal and what is left of it, mV.
    """

    grade: Points
    support: Points
    drowsy: Points
    resistance: Points
    leg: Points
    brain: Points
    effect: Points
    signal: Points
    left: Points
    steady: SteadyLeg


@dataclass(frozen=True)
class StoryModel:
    """All numbers of the story, read once."""

    constants: LegConstants
    curve: Points
    healthy: float
    grade_per_bias: float
    needed: float
    drowsy: dict[str, float]

    @classmethod
    def from_records(cls) -> StoryModel:
        """Read the records."""
        constants = LegConstants.from_records()
        curve, healthy = steady_leg.untreated_excess(reference_grid(), constants)
        return cls(
            constants=constants,
            curve=np.asarray(curve),
            healthy=healthy,
            grade_per_bias=parameters.load("bedside").value("grade_per_bias", "1/mV"),
            needed=WalkingConstants.from_records().needed_torque,
            drowsy=_drowsy(),
        )

    def legs(self, at: dict[str, Any]) -> StoryLeg:
        """Return the leg at settings by name, numbers or arrays of one length."""
        values = np.broadcast_arrays(*(np.atleast_1d(np.asarray(at[key], float)) for key in _SETTINGS))
        found = steady_leg.steady_leg(LegSettings(*map(jnp.asarray, values)), self.constants)
        latent = latent_grade(found.excess, jnp.asarray(self.curve), self.grade_per_bias)
        named = dict(zip(_SETTINGS, values, strict=True))
        return StoryLeg(
            grade=np.asarray(1.0 + jnp.clip(latent, 0.0, 4.0)),
            support=np.asarray(stance_support(found.voluntary_torque, found.tone_torque, self.needed)),
            drowsy=self._share_drowsy(named, found),
            resistance=np.asarray(found.resistance),
            leg=np.asarray(found.leg),
            brain=np.asarray(found.brain),
            effect=np.asarray(found.effect),
            signal=np.asarray(found.signal),
            left=np.asarray(found.left),
            steady=found,
        )

    def pull(self, at: StoryLeg, angle: Points, pace: Points) -> Points:
        """Return the resistance at angles (share of the range) of a stretch at a pace, share of the torque ceiling."""
        return np.asarray(steady_leg.pull(at.steady, jnp.asarray(angle), jnp.asarray(pace), self.constants))

    def _share_drowsy(self, at: dict[str, Points], found: SteadyLeg) -> Points:
        """Return the share of people whom doses held for as long as the label's trials make drowsy."""
        hazards = Hazards.of("cerebral", oral=True, intrathecal=True)
        span, habits = self.drowsy["span_h"], Habits.from_records()
        c, thinned = self.constants, np.asarray(found.brain_sensitivity)
        mouth, fluid = c.per_mg[1] * at["tablets"] * thinned, c.per_ug[1] * at["pump"] * thinned
        early = min(span, habits.titration_h)
        none, used = np.zeros_like(mouth), mouth * -np.expm1(-span / habits.habituation_h)
        met = (none, fluid * early, fluid * (span - early), mouth * span, used, used, none + span)
        exposed = Exposed(*map(jnp.asarray, met))
        return -np.expm1(-hazards.cumulative(hazards.met(exposed, 0.0))[REACTIONS.index("drowsiness")])

    def for_page(self) -> str:
        """Return every number that the page computes with, as JSON without an end of a script in it."""
        numbers = steady_leg.plain(self.constants)
        numbers["stance"] |= {"needed": self.needed}
        numbers["bedside"] = {"grade_per_bias": self.grade_per_bias}
        grid = np.asarray(reference_grid())
        lists = {
            "curve": self.curve.tolist(),
            "grid": [float(grid[0]), float(grid[-1])],
        }
        whole = numbers | lists | {"healthy": self.healthy, "drowsy": self.drowsy}
        return json.dumps(whole, allow_nan=False).replace("<", "\\u003c")


_SETTINGS = ("lost", "answer", "weeks", "lowered", "tablets", "pump", "months", "stopped", "pace")


def _drowsy() -> dict[str, float]:
    """Return hazards of drowsiness and the times that they go by, h."""
    hazards, habits = Hazards.of("cerebral", oral=True, intrathecal=True), Habits.from_records()
    row = dict(zip(SOURCES, hazards.table[REACTIONS.index("drowsiness")].tolist(), strict=True))
    return {key: row[key] for key in ("oral", "titration", "maintenance")} | {
        "habituation_h": hazards.habituation_h,
        "residual": hazards.residual,
        "titration_h": habits.titration_h,
        "span_h": parameters.load("adverse").value("oral_duration", "day") * HOURS_A_DAY,
    }
