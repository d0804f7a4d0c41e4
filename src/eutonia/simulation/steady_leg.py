"""One leg at rest in time: what a lesion, the own signal and a held dose come to, small enough to move by hand.

The parts are those of the whole model: lesion to bias, level to receptor, bias to reflex, stretch to grade, strength
and tone to stance. Time is left out. The dose is held, so levels are those of the steady state, averaged over the day.

Equation
    m     = O(R(m) C),  R with m_a = m_f = m, m_s = m (1 - exp(-t/tau_s))      one level held for the time t
    e     = u - g m (1 - exp(-t/tau_o)),  u = m, or 0 where the drug has stopped
    D     = D_lesion (1 - s),  D_left = D - (K + s_D D) e
and from there on as in `tone.spinal`, `limb.ramp`, `assessment.ashworth`, `assessment.walking`, `drug.effect.adverse`.
Assumptions: the middle person but for how strongly the cord answers; one muscle group, the knee extensors; no
contracture; drug held since the start, so tolerance follows one occupancy (the course itself: `simulation.course`).
Not for: a course, peaks of a tablet, a person. `constants` gives the same numbers to a page, which computes it again.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from eutonia._compiled import compiled
from eutonia._hours import HOURS_A_DAY, HOURS_A_MONTH, HOURS_A_WEEK
from eutonia.drug.effect import gaba_b
from eutonia.drug.kinetics import Kinetics
from eutonia.limb.muscle import muscle_groups
from eutonia.limb.ramp import NODES, WEIGHTS, MuscleState, RampConstants, reflex_torque, stretch
from eutonia.patient import LIMBS
from eutonia.patient.pathways import CORTICOSPINAL, DORSAL_RETICULOSPINAL, PATHWAYS
from eutonia.simulation.examine import BodyConstants, muscle_state, untreated_resistance
from eutonia.simulation.stance import StanceConstants, held_by_tone
from eutonia.tone.descending import DescendingConstants, descending_bias, voluntary_strength
from eutonia.tone.drive import strength_under
from eutonia.tone.spinal import ToneConstants

Points = Float[Array, " point"]

_MUSCLE, _LEG, _BRAIN = "knee extensors", LIMBS.index("leg"), gaba_b.BRAIN
# Halvings of the interval that holds the adaptation: numerical accuracy, not science.
_HALVINGS = 60


class LegSettings(NamedTuple):
    """What may be moved: share of the paths `lost`; `answer` of the cord, standard normal; `weeks` since the lesion;
    share by which the own signal is `lowered`; doses a day; `months` on them; 1 where the drug has `stopped`; `pace`
    of the stretch (1: an examiner's).
    """

    lost: Points
    answer: Points
    weeks: Points
    lowered: Points
    tablets_mg_per_day: Points
    pump_ug_per_day: Points
    months: Points
    stopped: Points
    pace: Points


class SteadyLeg(NamedTuple):
    """What comes of it: `signal` and what is `left` of it under the drug, mV; `effect` of the drug net of what rises
    against it; mean effective level in the cord of the `leg` and at the `brain`, ng/mL; `resistance` of the stretch as
    a share of the torque ceiling, and the excess of an examiner's over a healthy leg; voluntary `strength`; the torque
    in stance that will and tone bring, N m/kg.
    """

    signal: Points
    left: Points
    effect: Points
    leg: Points
    brain: Points
    brain_sensitivity: Points
    resistance: Points
    excess: Points
    strength: Points
    voluntary_torque: Points
    tone_torque: Points


class LegConstants(eqx.Module):
    """All records that a steady leg rests on, and its steady levels for each unit of dose a day."""

    descending: DescendingConstants
    receptor: gaba_b.Receptor
    body: BodyConstants
    stance: StanceConstants
    per_mg: tuple[float, float]
    per_ug: tuple[float, float]

    @classmethod
    def from_records(cls) -> LegConstants:
        """Read the records; levels are those of the steady state of the middle person, at the slow site of the leg and
        the fast site of the brain.
        """
        receptor = gaba_b.Receptor.typical()
        kinetics = Kinetics.typical(2)
        rates = jnp.asarray([1.0 / HOURS_A_DAY, 0.0])
        found = kinetics.exposure(kinetics.steady_state(rates, rates[::-1])).levels(receptor.blood_potency)
        (ug_leg, mg_leg), (ug_brain, mg_brain) = found.slow_leg.tolist(), found.fast_brain.tolist()
        leg = tuple(one for one in muscle_groups() if one.name == _MUSCLE)
        return cls(
            descending=DescendingConstants.from_records(),
            receptor=receptor,
            body=BodyConstants.from_records(leg),
            stance=StanceConstants.from_records(),
            per_mg=(mg_leg, mg_brain),
            per_ug=(ug_leg, ug_brain),
        )


@compiled
def steady_leg(at: LegSettings, c: LegConstants) -> SteadyLeg:
    """Return what each setting comes to."""
    whole = jnp.ones((len(PATHWAYS), len(LIMBS), at.lost.size))
    integrity = whole.at[CORTICOSPINAL].add(-at.lost).at[DORSAL_RETICULOSPINAL].add(-at.lost)
    factor = jnp.exp(c.descending.bias_spread * at.answer) * whole[0]
    bias = descending_bias(integrity, factor, at.weeks * HOURS_A_WEEK, c.descending) * (1.0 - at.lowered)
    strength = voluntary_strength(integrity, whole[0], c.descending)[_LEG]

    leg, brain = (
        mg * at.tablets_mg_per_day + ug * at.pump_ug_per_day for mg, ug in zip(c.per_mg, c.per_ug, strict=True)
    )
    levels = jnp.zeros((gaba_b.N_SITES, at.lost.size)).at[_LEG].set(c.receptor.tone_potency * leg).at[_BRAIN].set(brain)
    adapted = _adapted(levels, at.months * HOURS_A_MONTH, c.receptor)
    effect = gaba_b.effect(levels * (1.0 - at.stopped), adapted, c.receptor)
    left = (bias - gaba_b.hyperpolarisation(effect[gaba_b.TONE], bias, c.receptor))[_LEG]
    signal = bias[_LEG]
    early = gaba_b.sensitivity(_adapted(levels, 0.0 * at.months, c.receptor), c.receptor)[_BRAIN]

    state = muscle_state(left[None], signal[None], jnp.zeros_like(left)[None], c.body)
    examined = stretch(state, c.body.ramp, c.body.speed).mean_resistance[0]
    healthy = untreated_resistance(jnp.zeros((1, 1)), c.body, c.body.speed)[0]
    strong = strength_under(strength, signal - left, c.stance.reach.full_effort, c.body.volley)
    return SteadyLeg(
        signal=signal,
        left=left,
        effect=effect[_LEG],
        leg=leg,
        brain=brain,
        brain_sensitivity=early,
        resistance=_resistance(state, at.pace, c),
        excess=examined - healthy,
        strength=strong,
        voluntary_torque=strong * jnp.sum(c.stance.voluntary),
        tone_torque=held_by_tone(left, signal, c.body, c.stance),
    )


@compiled
def pull(found: SteadyLeg, angle: Points, pace: Points, c: LegConstants) -> Points:
    """Return the resistance at an `angle` (share of the range) of a stretch at a `pace`, share of the ceiling."""
    state = muscle_state(found.left[None], found.signal[None], jnp.zeros_like(found.left)[None], c.body)
    speed = c.body.speed * pace
    active = reflex_torque(angle / speed, speed, state, c.body.ramp) + state.background
    return (active + state.stiffness * jnp.maximum(angle - state.rest_angle, 0.0))[0]


def untreated_excess(bias: Points, c: LegConstants) -> tuple[Points, float]:
    """Return the mean resistance over a healthy leg of untreated ones, against bias (mV), and that of the healthy."""
    healthy = float(untreated_resistance(jnp.zeros((1, 1)), c.body, c.body.speed)[0, 0])
    return untreated_resistance(bias[None], c.body, c.body.speed)[0] - healthy, healthy


def _adapted(levels: gaba_b.Sites, held_h: Points, receptor: gaba_b.Receptor) -> gaba_b.Adaptation:
    """Return the adaptation at which every site of the receptor rests under levels held for so long."""
    times = held_h / receptor.opposition_time
    opposed, slow = -jnp.expm1(-times), 1.0 - (1.0 + times) * jnp.exp(-times)

    def at(met: gaba_b.Sites) -> gaba_b.Adaptation:
        against = gaba_b.opposing(met, receptor)
        return gaba_b.Adaptation(met, met, slow * against, opposed * against)

    def halved(_: int | Array, ends: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = ends
        middle = (low + high) / 2
        is_above = gaba_b.occupied(levels, at(middle), receptor) > middle
        return jnp.where(is_above, middle, low), jnp.where(is_above, high, middle)

    low, high = lax.fori_loop(0, _HALVINGS, halved, (jnp.zeros_like(levels), jnp.ones_like(levels)))
    return at((low + high) / 2)


def _resistance(state: MuscleState, pace: Points, c: LegConstants) -> Points:
    """Return the mean resistance to a stretch at a pace of each one's own, share of the ceiling."""

    def of_one(own: MuscleState, its_pace: Array) -> Array:
        alone = jax.tree.map(lambda leaf: leaf[:, None], own)
        return stretch(alone, c.body.ramp, c.body.speed * its_pace).mean_resistance[0, 0]

    return jax.vmap(of_one, in_axes=(-1, 0))(state, pace)


def plain(c: LegConstants) -> dict[str, Any]:
    """Return every number of a steady leg by its group and name, as plain floats for another program."""
    descending, receptor, stance = c.descending, c.receptor, c.stance
    lesion = {
        name: getattr(descending, name)
        for name in ("redundancy", "bias_ceiling", "flaccid_time", "emergence_time", "bias_spread")
    }
    of_leg = ("dorsal_weight", "medial_weight", "strength_without_corticospinal")
    ramp: RampConstants = c.body.ramp
    tone: ToneConstants = c.body.tone
    return {
        "lesion": lesion | {name: getattr(descending, name)[_LEG] for name in of_leg},
        "receptor": {name: float(getattr(receptor, name)) for name in gaba_b.Receptor.__dataclass_fields__},
        "level": dict(zip(("mg_leg", "mg_brain", "ug_leg", "ug_brain"), (*c.per_mg, *c.per_ug), strict=True)),
        "tone": {name: float(getattr(tone, name)) for name in ToneConstants.__dataclass_fields__},
        "ramp": {
            name: float(getattr(ramp, name))
            for name in RampConstants.__dataclass_fields__
            if name not in ("range_rad", "strength")
        }
        | {"range_rad": float(ramp.range_rad[0, 0]), "speed": float(c.body.speed[0, 0])},
        "passive": {
            "stiffness": float(c.body.passive.passive_stiffness),
            "rest_angle": float(c.body.passive.passive_rest_angle),
        },
        "stance": {
            "joints": [
                dict(zip(("angle", "speed", "range_rad", "torque"), one, strict=True))
                for one in jnp.hstack([stance.angle, stance.speed, stance.range_rad, stance.ceiling]).tolist()
            ],
            "bias": float(stance.stance_bias),
            "voluntary": float(jnp.sum(stance.voluntary)),
            "full_effort": float(stance.reach.full_effort),
            "pool_spread": float(c.body.volley.pool_spread * c.body.volley.motoneuron_gap),
        },
        "nodes": NODES.tolist(),
        "weights": WEIGHTS.tolist(),
        "time": {"week_h": HOURS_A_WEEK, "month_h": HOURS_A_MONTH, "day_h": HOURS_A_DAY},
    }
