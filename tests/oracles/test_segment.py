"""The segment against other programs: a pool with recurrent inhibition in NEST, one cell and torque in SciPy."""

from __future__ import annotations

import warnings

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from eutonia.tone.segment import stimuli
from eutonia.tone.segment.cells import Sizes
from eutonia.tone.segment.condition import Condition
from eutonia.tone.segment.network import Segment
from eutonia.tone.segment.readout import Activity

SIZES = Sizes(40, 30, 10, 20)
BIAS, GIRK, PATIENTS = 5.0, 0.05, 1
LEAK_NS = 10.0  # leak of the smallest motoneuron in NEST; only ratios matter
VOLLEY_S, END_S = 0.3, 0.6


def plain_segment() -> Segment:
    """A segment whose synapses neither tire nor are gated, without the parts that NEST's neurons lack."""
    condition = Condition.of_bias([BIAS] * PATIENTS)
    zero = jnp.zeros(PATIENTS)
    condition = eqx.tree_at(
        lambda c: (c.girk, c.depressible, c.pad_rest, c.pad_step), condition, (zero + GIRK, zero, zero, zero)
    )
    segment = Segment.of(condition, SIZES, person=[0] * PATIENTS)
    return eqx.tree_at(
        lambda s: (
            s.cells.membrane.pic_conductance,
            s.cells.synapses.ii_conductance,
            s.cells.synapses.inhibitory_conductance,
        ),
        segment,
        (0.0, 0.0, 0.0),
    )


@pytest.fixture(scope="module")
def ours() -> tuple[Segment, Activity]:
    """A volley, then vibration, in a pool with enough bias that the smallest units fire all along."""
    segment = plain_segment()
    plan = stimuli.shock(stimuli.rest(END_S, PATIENTS), [VOLLEY_S], 11.9)
    return segment, segment.run(stimuli.vibration(plan, 40.0, 0.35, END_S), "all")


def in_nest(segment: Segment, afferents: np.ndarray) -> list[np.ndarray]:
    """Return the spike times (ms) of the soleus motoneurons of patient 0 as NEST has them, given the Ia impulses."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        nest = pytest.importorskip("nest")
        nest.set_verbosity("M_ERROR")
        nest.ResetKernel()
        nest.resolution = 0.1
    c, units = segment.cells, segment.cells.units
    y, m = c.synapses, c.membrane
    pool = nest.Create("iaf_cond_exp_sfa_rr", units.n_units)
    for cell, leak, tau, ahp, theta in zip(
        pool, units.leak, units.membrane_time, units.ahp_time, units.threshold, strict=True
    ):
        cell.set(
            C_m=float(leak * tau * LEAK_NS), g_L=float(leak * LEAK_NS * (1.0 + GIRK)),
            E_L=float(GIRK * c.girk_reversal / (1.0 + GIRK)), V_m=float(BIAS + c.background) / leak / (1.0 + GIRK)
            + float(GIRK * c.girk_reversal / (1.0 + GIRK)), V_th=float(theta), V_reset=0.0, t_ref=m.refractory,
            E_ex=m.excitatory_reversal, E_in=m.inhibitory_reversal, tau_syn_ex=y.excitatory_decay,
            tau_syn_in=y.renshaw_decay, E_sfa=m.ahp_reversal, tau_sfa=float(ahp),
            q_sfa=float(m.ahp_step * leak * LEAK_NS), q_rr=0.0, E_rr=0.0, I_e=float((BIAS + c.background) * LEAK_NS),
        )  # fmt: skip
    renshaw = nest.Create("iaf_cond_exp", SIZES.interneurons)
    for cell, theta in zip(renshaw, np.asarray(c.inter_threshold), strict=True):
        cell.set(
            C_m=float(c.inter_time * LEAK_NS), g_L=LEAK_NS, E_L=0.0, V_m=0.0, V_th=float(theta), V_reset=0.0,
            t_ref=m.refractory, E_ex=m.excitatory_reversal, E_in=-16.0, tau_syn_ex=y.excitatory_decay,
        )  # fmt: skip
    steps = np.sort(afferents) * 0.1 + 0.1
    times, how_many = np.unique(np.round(steps, 1), return_counts=True)
    contacts = np.asarray(c.contacts)[:, 0, :, 0]
    for i, cell in enumerate(pool):
        weight = float(y.ia_conductance / SIZES.ia * contacts[0, i] * LEAK_NS)
        source = nest.Create(
            "spike_generator", params={"spike_times": times, "spike_weights": weight * how_many.astype(float)}
        )
        nest.Connect(source, cell, syn_spec={"weight": 1.0, "delay": c.synaptic_delay})
        back = -float(y.renshaw_conductance / SIZES.interneurons * contacts[2, i] * LEAK_NS)
        nest.Connect(renshaw, cell, syn_spec={"weight": back, "delay": c.synaptic_delay})
    slow = pool[: int(units.is_slow.sum())]
    forth = float(y.motor_to_renshaw / len(slow) * LEAK_NS)
    nest.Connect(slow, renshaw, syn_spec={"weight": forth, "delay": c.synaptic_delay})
    recorder = nest.Create("spike_recorder")
    nest.Connect(pool, recorder)
    nest.Simulate(1000.0 * END_S)
    events = recorder.events
    first = pool.tolist()[0]
    return [np.sort(events["times"][events["senders"] == first + i]) for i in range(units.n_units)]


def test_a_pool_with_renshaw_cells_fires_as_in_nest(ours: tuple[Segment, Activity]) -> None:
    segment, activity = ours
    ia = activity.others[0]
    theirs = in_nest(segment, ia[(ia[:, 1] == 0) & (ia[:, 3] == 0), 0])
    mine = [1000.0 * activity.train(i) for i in range(SIZES.motoneurons)]
    # Ours stamps an impulse with the start of its step and NEST with the end; 0.3 ms are three steps.
    alike = [a.size == b.size and np.abs(a - b).max(initial=0.0) < 0.3 for a, b in zip(mine, theirs, strict=True)]
    assert sum(train.size for train in theirs) > 100
    assert sum(train.size for train in mine) == pytest.approx(sum(train.size for train in theirs), rel=0.02)
    assert np.mean(alike) > 0.9
    volley = [train[(train > 309.0) & (train < 320.0)] for train in theirs]
    assert sum(train.size for train in volley) > 15


def test_one_motoneuron_follows_its_equation(ours: tuple[Segment, Activity]) -> None:
    """The first impulse of a cell in a growing command, against SciPy's solution of the same equation."""
    segment, _ = ours
    plan = stimuli.rest(0.3, PATIENTS)
    ramp = np.maximum(plan.time_s - 0.05, 0.0)[:, None] * 150.0 * np.ones((1, PATIENTS))
    silent = eqx.tree_at(lambda s: s.cells.synapses.ia_conductance, segment, 0.0)
    activity = silent.run(stimuli.command(plan, ramp), "all")
    units, c = activity.units, segment.cells
    for i in (10, 25):
        leak, tau = units.leak[i], units.membrane_time[i]

        def slope(t: float, v: np.ndarray, leak: float = leak, tau: float = tau) -> np.ndarray:
            drive = (BIAS + c.background + 0.15 * max(t - 50.0, 0.0)) / leak
            return (-v + GIRK * (c.girk_reversal - v) + drive) / tau

        def reaches(t: float, v: np.ndarray, theta: float = units.threshold[i]) -> float:
            return v[0] - theta

        reaches.terminal = True  # type: ignore[attr-defined]
        start = ((BIAS + c.background) / leak + GIRK * c.girk_reversal) / (1.0 + GIRK)
        solved = solve_ivp(slope, (0.0, 300.0), [start], events=reaches, rtol=1e-8, atol=1e-10, max_step=1.0)
        assert 1000.0 * activity.train(i)[0] == pytest.approx(solved.t_events[0][0], abs=0.3)


def test_torque_is_the_sum_of_twitches(ours: tuple[Segment, Activity]) -> None:
    _, activity = ours
    steps, unit, patient = activity._arrivals(0)
    mine = patient == 0
    time = activity.plan.time_s * 1000.0
    total = np.zeros_like(time)
    for step, i in zip(steps[mine], unit[mine], strict=True):
        x = np.maximum(time - step * 0.1, 0.0) / activity.units.twitch_time[i]
        total += 0.05 * activity.units.twitch_force[i] * x * np.exp(1.0 - x)
    assert activity.torque()[:, 0] == pytest.approx(total, rel=0.05, abs=0.02 * total.max())
