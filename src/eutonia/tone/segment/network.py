"""The spiking network of one segment, soleus and tibialis anterior, stepped through a plan; many patients at once.

Populations per muscle: motoneurons, Ia and group II afferents, Ia inhibitory interneurons (to the antagonist), Renshaw
cells. Cells are single compartments; exponential Euler steps are exact while conductances hold.

Equation
    tau_i V' = -V + g_E (E_E - V) + g_I (E_I - V) + g_AHP (E_AHP - V) + g_GIRK (E_GIRK - V) + g_Ca m (E_Ca - V)
               + (B + D + command)/leak_i
    at V >= theta_i: impulse, V = 0, g_AHP += step, silent for t_ref
    m'       = (m_inf(V_d) - m)/tau_Ca,  m_inf(V_d) = 1/(1 + exp[-(V_d - theta_i - offset)/k])
Assumptions
    V_d, at which the persistent current opens, is where V would settle without the afterhyperpolarisation: a dendrite
    far from it, which the current itself depolarises too.
    Connections are sums over a population times the number of contacts of the receiving cell, which is drawn; who they
    come from is not. Impulses of the muscle and those of a shock do not collide in one afferent. Group II afferents act
    without an interneuron in between.
Source: Cisi_Kohn_2008 and the records of set `segment`.
Not for: dendrites in space, or more than one segment.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, UInt

from eutonia._types import Scalar
from eutonia.tone.segment import luck
from eutonia.tone.segment.cells import Cells, Sizes, build
from eutonia.tone.segment.condition import Condition
from eutonia.tone.segment.readout import Activity
from eutonia.tone.segment.stimuli import Plan
from eutonia.tone.segment.synapses import decay, efficacy, rested_store, spent

Record = Literal["motor", "all"]
#: Steps that one compiled program runs; longer plans repeat it, so that one program serves all.
_BLOCK = 500


class State(eqx.Module):
    """Everything that changes: potentials mV, conductances in shares of leak, times since an impulse ms."""

    potential: Float[Array, "2 motoneuron patient"]
    ahp: Float[Array, "2 motoneuron patient"]
    pic: Float[Array, "2 motoneuron patient"]
    since: Float[Array, "2 motoneuron patient"]
    ia_phase: Float[Array, "2 ia patient"]
    ia_count: UInt[Array, "2 ia patient"]
    store: Float[Array, "2 ia patient"]
    ii_phase: Float[Array, "2 ii patient"]
    ii_count: UInt[Array, "2 ii patient"]
    inter_potential: Float[Array, "kind 2 interneuron patient"]
    inter_since: Float[Array, "kind 2 interneuron patient"]
    inter_input: Float[Array, "kind 2 patient"]
    excitation: Float[Array, "2 patient"]
    inhibition: Float[Array, "kind 2 patient"]
    pad: Float[Array, "2 patient"]
    waiting: Float[Array, "delay path 2 patient"]
    shocks: UInt[Array, "2 patient"]


class Segment(eqx.Module):
    """A segment of every patient: cells, contacts and luck; `run` steps it through a plan."""

    cells: Cells
    condition: Condition
    sizes: Sizes = eqx.field(static=True)

    @classmethod
    def of(
        cls, condition: Condition, sizes: Sizes | None = None, seed: int = 1, person: Sequence[int] | None = None
    ) -> Segment:
        """Return the segments of patients in these conditions; `person` gives whose luck each has (0, 1, ... when left
        out).
        """
        who = jnp.arange(condition.n_patients) if person is None else jnp.asarray(person)
        given = sizes or Sizes()
        return cls(build(given, seed, who), condition, given)

    def run(
        self, plan: Plan, record: Record = "motor", shocks_before: Int[Array, " patient"] | None = None
    ) -> Activity:
        """Return what fires in the course of a plan, from long rest.

        `shocks_before` counts the shocks that a patient has had already: each has a luck of its own.
        """
        motor, more = [], []
        state = resting(self.cells, self.condition, plan.dt_ms, 0 if shocks_before is None else shocks_before)
        dtype = state.potential.dtype
        for first in range(0, plan.n_steps, _BLOCK):
            part = slice(first, first + _BLOCK)
            given = [plan.ia[part], plan.ii[part], plan.drive[part], plan.since[part], plan.current[part]]
            full = len(given[0]) == _BLOCK
            inputs = [jnp.asarray(x if full else _padded(x), dtype if x.dtype.kind == "f" else x.dtype) for x in given]
            state, spikes = advance(self.cells, self.condition, state, inputs, plan.dt_ms, record)
            motor.append(events(spikes[0], first, plan.n_steps))
            more.append([events(other, first, plan.n_steps) for other in spikes[1:]])
        kinds = [np.concatenate(parts) for parts in zip(*more, strict=True)]
        return Activity(self.cells.units, plan, self.sizes.by_kind, np.concatenate(motor), tuple(kinds))


def _padded(x: np.ndarray) -> np.ndarray:
    """Return the last part of a course with its end repeated, so that it fills a block."""
    return np.concatenate([x, np.repeat(x[-1:], _BLOCK - len(x), axis=0)])


def events(spikes: Bool[Array, "time 2 cell patient"], first: int, end: int) -> Int[np.ndarray, "impulse 4"]:
    """Return impulses as rows of step, muscle, cell, patient."""
    rows = np.argwhere(np.asarray(spikes)[: end - first]).astype(np.int32)
    rows[:, 0] += first
    return rows


@functools.partial(jax.jit, static_argnames="dt_ms")
def resting(cells: Cells, condition: Condition, dt_ms: float, shocks: Array | int) -> State:
    """Return the state of segments that have been at rest for long."""
    c, n = cells, condition.n_patients
    rate = jnp.maximum(c.ia_rest, 0.0) * c.human_scale
    shape = (2, c.units.n_units, n)
    zero = jnp.zeros(shape) + 0.0 * condition.bias
    leak = jnp.asarray(c.units.leak)[:, None]
    start = (c.background + condition.bias) / leak + condition.girk * c.girk_reversal
    afferents, interneurons = c.ia_key.shape[:2], (2, 2, c.inter_threshold.shape[0], n)
    small = jnp.zeros((2, n)) + 0.0 * condition.bias
    return State(
        potential=zero + start / (1.0 + condition.girk),
        ahp=zero,
        pic=zero,
        since=zero + 1000.0,
        ia_phase=luck.uniform(luck.hashed(c.ia_key)) * jnp.ones((*afferents, n)),
        ia_count=jnp.zeros_like(c.ia_key),
        store=rested_store(rate, c.synapses.depletion * condition.release, c.synapses.recovery_ms / 1000.0),
        ii_phase=luck.uniform(luck.hashed(c.ii_key)),
        ii_count=jnp.zeros_like(c.ii_key),
        inter_potential=jnp.zeros(interneurons),
        inter_since=jnp.full(interneurons, 1000.0),
        inter_input=jnp.zeros((2, 2, n)),
        excitation=small,
        inhibition=jnp.zeros((2, 2, n)),
        pad=small + condition.pad_rest,
        waiting=jnp.zeros((max(round(c.synaptic_delay / dt_ms), 1), 5, 2, n)),
        shocks=jnp.zeros((2, n), dtype=jnp.uint32) + jnp.asarray(shocks, dtype=jnp.uint32),
    )


@functools.partial(jax.jit, static_argnames=("dt", "record"))
def advance(
    cells: Cells, condition: Condition, state: State, inputs: Sequence[Array], dt: float, record: Record
) -> tuple[State, tuple[Bool[Array, "time 2 cell patient"], ...]]:
    """Step a segment through inputs (Ia and II signals, command, steps since a shock, its current); return the state
    after them and who fired.
    """

    def step(now: State, given: Sequence[Array]) -> tuple[State, tuple[Array, ...]]:
        return _step(cells, condition, now, given, dt, record)

    return jax.lax.scan(step, state, tuple(inputs))


def _step(
    c: Cells, condition: Condition, now: State, given: Sequence[Array], dt: float, record: Record
) -> tuple[State, tuple[Array, ...]]:
    """Advance everything by one step: afferents, gate, motoneurons, interneurons, then what is on its way."""
    ia_signal, ii_signal, drive, since_shock, current = given
    y = c.synapses
    arrived, waiting = now.waiting[0], now.waiting[1:]

    ia, ia_phase, ia_count = _afferents(c, now, ia_signal, since_shock, current, dt)
    rate = jnp.maximum(ii_signal, 0.0)[:, None] * c.human_scale
    ii, ii_phase, ii_count = _fire(now.ii_phase, now.ii_count, c.ii_key, rate, c.interval_cv, dt)
    released, store, pad = _terminals(c, condition, now, ia, dt)
    keep_e, mean_e = decay(y.excitatory_decay, dt)
    both = [decay(time, dt) for time in (y.inhibitory_decay, y.renshaw_decay)]
    keep_i, mean_i = (jnp.stack(numbers)[:, None, None] for numbers in zip(*both, strict=True))
    excitation = now.excitation + arrived[0]
    inhibition = now.inhibition + arrived[1:3]
    felt = (excitation * mean_e, inhibition * mean_i)
    motor, antidromic, more = _motoneurons(c, condition, now, *felt, drive, since_shock, current, dt)
    inter_input = now.inter_input + arrived[3:5]
    inter, inter_potential, inter_since = _interneurons(c, now, inter_input * mean_e, dt)

    fired = inter.mean(2, dtype=released.dtype)
    slow = jnp.asarray(c.units.is_slow, dtype=released.dtype)[:, None]
    leaving = jnp.stack(
        [
            y.ia_conductance * released + y.ii_conductance * ii.mean(1, dtype=released.dtype),
            y.inhibitory_conductance * condition.reciprocal * fired[0, ::-1],
            y.renshaw_conductance * fired[1],
            y.ia_conductance * released,
            y.motor_to_renshaw * ((motor | antidromic) * slow).sum(1) / slow.sum(),
        ]
    )
    after = State(
        potential=more[0],
        ahp=more[1],
        pic=more[2],
        since=more[3],
        ia_phase=ia_phase,
        ia_count=ia_count,
        store=store,
        ii_phase=ii_phase,
        ii_count=ii_count,
        inter_potential=inter_potential,
        inter_since=inter_since,
        inter_input=inter_input * keep_e,
        excitation=excitation * keep_e,
        inhibition=inhibition * keep_i,
        pad=pad,
        waiting=jnp.concatenate([waiting, leaving[None]]),
        shocks=now.shocks + (since_shock == 0),
    )
    return after, (motor,) if record == "motor" else (motor, ia, ii, inter[0], inter[1])


def _terminals(c: Cells, condition: Condition, now: State, ia: Array, dt: float) -> tuple[Array, Array, Array]:
    """Return what Ia terminals release, share of a rested ungated volley, and their store and gate after it."""
    y = c.synapses
    released = jnp.where(ia, efficacy(now.store, condition.depressible), 0.0).mean(1)
    released = released * condition.release * (1.0 - now.pad)
    left = spent(now.store, ia, y.depletion * condition.release)
    store = 1.0 - (1.0 - left) * jnp.exp(-dt / y.recovery_ms)
    volley = ia.mean(1, dtype=released.dtype)
    pad = condition.pad_rest + (now.pad - condition.pad_rest) * jnp.exp(-dt / y.pad_time)
    return released, store, jnp.minimum(pad + condition.pad_step * (volley + volley[::-1]), y.pad_most)


def _afferents(
    c: Cells, now: State, signal: Array, since_shock: Array, current: Array, dt: float
) -> tuple[Array, Array, Array]:
    """Return which Ia afferents bring an impulse to the cord, by stretch or shock; a shock starts their clock anew."""
    rate = jnp.clip((c.ia_rest + signal[:, None]) * c.human_scale, 0.0, c.ia_ceiling)
    natural, phase, count = _fire(now.ia_phase, now.ia_count, c.ia_key, rate, c.interval_cv, dt)
    arrives = since_shock[:, None] == jnp.rint(c.ia_delay / dt).astype(since_shock.dtype)
    shocked = arrives & (c.ia_current < current[:, None])
    return natural | shocked, jnp.where(shocked, 0.0, phase), count + (shocked & ~natural)


def _fire(
    phase: Array, count: Array, key: Array, rate: Array, interval_cv: Scalar, dt: float
) -> tuple[Array, Array, Array]:
    """Advance clocks that fire when their phase reaches an interval of mean 1, drawn anew after every impulse."""
    phase = phase + rate * (dt / 1000.0)
    interval = 1.0 + interval_cv * luck.near_normal(luck.counted(key, count), phase)
    fires = phase >= interval
    return fires, jnp.where(fires, phase - interval, phase), count + fires


def _motoneurons(
    c: Cells,
    condition: Condition,
    now: State,
    excitation: Array,
    inhibition: Array,
    drive: Array,
    since_shock: Array,
    current: Array,
    dt: float,
) -> tuple[Array, Array, tuple[Array, ...]]:
    """Return impulses that leave, those that came up the axon, and the new potential, AHP, PIC and time since."""
    m = c.membrane
    column = functools.partial(jnp.expand_dims, axis=1)
    units = {name: jnp.asarray(getattr(c.units, name), now.potential.dtype)[:, None] for name in _COLUMNS}
    leak, threshold = units["leak"], units["threshold"]
    g_e = column(excitation) * c.contacts[0] / leak
    g_i = (column(inhibition[0]) * c.contacts[1] + column(inhibition[1]) * c.contacts[2]) / leak
    g_ca = m.pic_conductance * now.pic
    still = 1.0 + g_e + g_i + condition.girk
    held = g_e * m.excitatory_reversal + g_i * m.inhibitory_reversal + condition.girk * c.girk_reversal
    held = held + column(c.background + condition.bias + drive) / leak
    total = still + now.ahp + g_ca
    target = (held + now.ahp * m.ahp_reversal + g_ca * m.pic_reversal) / total
    moved = target + (now.potential - target) * jnp.exp(-dt * total / units["membrane_time"])
    is_silent = now.since < m.refractory - dt / 2
    potential = jnp.where(is_silent, 0.0, moved)
    fires = potential >= threshold

    way = c.way_ms / units["velocity"]  # ms from the shock to the cord
    reaches = column(since_shock) == jnp.rint(way / dt).astype(since_shock.dtype)
    # An impulse that left within twice the way met the antidromic one in the axon; neither goes on.
    antidromic = reaches & (units["current"] < column(current)) & (now.since > 2.0 * way) & ~fires
    drawn = luck.uniform(luck.counted(c.backfire_key, column(now.shocks))).astype(leak.dtype)
    backfires = antidromic & (drawn < _backfire_chance(c, condition, leak))

    spike = fires | antidromic
    dendrite = (held + g_ca * m.pic_reversal) / (still + g_ca)
    opened = jax.nn.sigmoid((dendrite - threshold - m.pic_offset) / m.pic_slope)
    pic = opened + (now.pic - opened) * jnp.exp(-dt / m.pic_time)
    ahp = now.ahp * jnp.exp(-dt / units["ahp_time"]) + jnp.where(spike, m.ahp_step, 0.0)
    since = jnp.where(spike, 0.0, now.since + dt)
    return fires | backfires, antidromic, (jnp.where(spike, 0.0, potential), ahp, pic, since)


def _backfire_chance(c: Cells, condition: Condition, leak: Array) -> Array:
    """Return how likely an antidromic impulse is to be answered: by the potential that the soma rests at, not by the
    reflex volley that may just arrive.
    """

    def rests(bias: Array | Scalar, girk: Array | Scalar) -> Array:
        return ((c.background + bias) / leak + girk * c.girk_reversal) / (1.0 + girk)

    above = rests(condition.bias, condition.girk) - rests(c.backfire_bias, 0.0)
    return c.backfires * jnp.exp(above / c.backfire_per_mv)


_COLUMNS = ("threshold", "leak", "membrane_time", "ahp_time", "velocity", "current")


def _interneurons(c: Cells, now: State, given: Array, dt: float) -> tuple[Array, Array, Array]:
    """Return which Ia inhibitory interneurons and Renshaw cells fire, and their new potentials and times since."""
    m = c.membrane
    g = given[:, :, None]
    target = g * m.excitatory_reversal / (1.0 + g)
    moved = target + (now.inter_potential - target) * jnp.exp(-dt * (1.0 + g) / c.inter_time)
    potential = jnp.where(now.inter_since < m.refractory - dt / 2, 0.0, moved)
    fires = potential >= c.inter_threshold[:, None]
    return fires, jnp.where(fires, 0.0, potential), jnp.where(fires, 0.0, now.inter_since + dt)
