"""Examinations of a segment as a clinical neurophysiologist does them, and what each reads.

One person at a time: what differs within an examination (current, frequency, interval, speed) is laid out as copies of
the person that run together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from eutonia import parameters
from eutonia.tone.segment import stimuli
from eutonia.tone.segment.cells import Sizes
from eutonia.tone.segment.condition import Condition
from eutonia.tone.segment.network import Record, Segment
from eutonia.tone.segment.readout import Activity, peak_to_peak, window
from eutonia.tone.segment.units import TYPES

Row = Float[np.ndarray, " copy"]
#: Where the waves are looked for after a shock, ms: M ends before H and F begin.
_M, _H = (0.0, 20.0), (24.0, 60.0)
#: Time before the first shock, s, over which a segment forgets where its clocks started.
LEAD_S = 0.1
_TAIL_S = 0.065
_F_LEAD_S = 0.005  # without a reflex volley the clocks of afferents hardly matter
_TRAIN = 4  # shocks of a train


def supramaximal() -> float:
    """Return a current, mA, above every motor axon's threshold."""
    return parameters.load("examination").value("supramaximal", "mA")


def usual_vibration() -> tuple[float, float]:
    """Return the rate of a tendon's vibration, 1/s, and how long it precedes the test shock, s."""
    rate, time = parameters.load("examination").values(vibration_rate="1/s", vibration_time="s")
    return rate, time


@dataclass(frozen=True)
class Person:
    """Who is examined: state of the segment, size of the simulated populations, luck."""

    condition: Condition
    sizes: Sizes = field(default_factory=Sizes)
    seed: int = 1
    person: int = 0

    def copies(self, n: int, plan: stimuli.Plan, record: Record = "motor") -> Activity:
        """Return what happens in `n` copies of the person in the course of a plan."""
        return self.segment(n).run(plan, record)

    def segment(self, n: int) -> Segment:
        """Return the segments of `n` copies of the person."""
        many = jax.tree_util.tree_map(lambda x: jnp.repeat(x, n), self.condition)
        return Segment.of(many, self.sizes, self.seed, [self.person] * n)


@dataclass(frozen=True)
class Recruitment:
    """Recruitment curve: currents mA, M and H waves in shares of the largest M, latency of H in ms (nan: no H)."""

    current: Row
    m: Row
    h: Row
    latency_ms: Row
    activity: Activity

    @property
    def h_over_m(self) -> float:
        """Hmax/Mmax."""
        return float(self.h.max())

    @property
    def is_seen(self) -> bool:
        """Whether there is an H at any current."""
        return self.h_over_m >= parameters.load("examination").value("reflex_seen", "1")

    @property
    def best(self) -> int:
        """Which current gives the largest H; without an H, the largest M."""
        return int((self.h if self.is_seen else self.m).argmax())

    @property
    def test_current(self) -> float:
        """The lowest current, mA, that gives half the largest H: the usual size of a test reflex."""
        return float(self.current[np.argmax(self.h >= self.h_over_m / 2.0)])


def recruitment(person: Person, n_currents: int = 12) -> Recruitment:
    """Shock the tibial nerve with growing currents, one copy each; the last one is supramaximal."""
    current = np.linspace(
        parameters.load("segment").ends("afferent_current", "mA")[0] + 1.0, supramaximal(), n_currents
    )
    activity = person.copies(n_currents, _shocked(n_currents, [LEAD_S], current[None, :]))
    m, h = waves(activity)
    seen = np.abs(window(activity.emg(), activity.plan, *_H))
    begun = parameters.load("examination").value("onset_seen", "1")
    latency = _H[0] + (seen > begun * seen.max(0)).argmax(0) * activity.plan.dt_ms
    return Recruitment(current, m / m.max(), h / m.max(), np.where(h > 0.0, latency, np.nan), activity)


def waves(activity: Activity, shock: int = 0) -> tuple[Row, Row]:
    """Return the size of the M and of the H wave after a shock, peak to peak, above what was there before."""
    emg = activity.emg()
    m = peak_to_peak(window(emg, activity.plan, *_M, shock))
    return m, peak_to_peak(window(emg, activity.plan, *_H, shock))


def _shocked(n: int, times_s: Sequence[float], current: np.ndarray | float) -> stimuli.Plan:
    return stimuli.shock(stimuli.rest(max(times_s) + _TAIL_S, n), times_s, current)


@dataclass(frozen=True)
class Depression:
    """Post-activation depression: H of a train over its first, by frequency in Hz."""

    hertz: Row
    ratio: Row


def depression(
    person: Person, current: float, hertz: Sequence[float] = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
) -> Depression:
    """Give a train of four shocks at each frequency, and compare the last H with the first."""
    return Depression(np.asarray(hertz), trains(person.segment(1), np.array([current]), hertz)[:, 0])


def trains(segment: Segment, current: Row, hertz: Sequence[float]) -> Float[np.ndarray, "frequency copy"]:
    """Return the fourth H over the first of a train at each frequency, in segments shocked with a current each."""
    ratio = []
    for rate in hertz:
        times = (LEAD_S + np.arange(_TRAIN) / rate).tolist()
        activity = segment.run(_shocked(len(current), times, current[None, :]))
        ratio.append(_over(waves(activity, _TRAIN - 1)[1], waves(activity, 0)[1]))
    return np.stack(ratio)


def _over(after: Row, before: Row) -> Row:
    """Return ratios; nan where there was nothing to compare with."""
    return np.where(before > 0.0, after / np.where(before > 0.0, before, 1.0), np.nan)


@dataclass(frozen=True)
class FWave:
    """F waves: persistence (share of shocks with an answer) and mean size of those answered, share of M."""

    persistence: float
    f_over_m: float
    activity: Activity


def f_wave(person: Person, n_shocks: int = 40) -> FWave:
    """Give supramaximal shocks, one copy each with the luck of the so-manieth shock.

    F waves are read from small muscles of the foot, which have no H-reflex to meet them in the axons, so the shock is
    taken to spare the Ia afferents. The whole pool is simulated, because one answer in it is what persistence counts.
    """
    plan = _shocked(n_shocks, [_F_LEAD_S], supramaximal())
    whole = replace(person.sizes, motoneurons=round(sum(parameters.load("segment").along("motor_units", "1", TYPES))))
    segment = replace(person, sizes=whole).segment(n_shocks)
    deaf = jnp.full_like(segment.cells.ia_current, jnp.inf)
    segment = eqx.tree_at(lambda s: s.cells.ia_current, segment, deaf)
    activity = segment.run(plan, shocks_before=jnp.arange(n_shocks))
    m, f = waves(activity)
    answered = f > 0.5 * activity.units.potential.min()
    size = float((f / m)[answered].mean()) if answered.any() else float("nan")
    return FWave(float(answered.mean()), size, activity)


@dataclass(frozen=True)
class Inhibition:
    """H over H alone: during vibration of its tendon, and at intervals (ms) after a shock to the peroneal nerve."""

    vibratory: float
    interval_ms: Row
    reciprocal: Row


def inhibition(
    person: Person, current: float, intervals_ms: Sequence[float] = (0, 1, 2, 3, 4, 5, 6, 8, 10, 12)
) -> Inhibition:
    """Test H alone, under vibration from some time before, and after a shock to the antagonist's nerve at
    its motor threshold.
    """
    times = np.asarray(intervals_ms, dtype=float)
    n = len(times) + 2
    rate, before_s = usual_vibration()
    at = LEAD_S + before_s
    plan = _shocked(n, [at], current)
    weak = np.append(
        np.full(len(times), parameters.load("segment").along("motor_current", "mA", ["largest"])[0]), [0.0, 0.0]
    )
    before = at - np.append(times, [0.0, 0.0]) / 1000.0
    plan = stimuli.shock(plan, before[None, :], weak[None, :], muscle=stimuli.TIBIALIS)
    shaken = np.append(np.zeros(n - 1), rate)
    h = waves(person.copies(n, stimuli.vibration(plan, shaken, LEAD_S, plan.duration_s)))[1]
    ratio = _over(h, np.full(n, h[-2]))
    return Inhibition(float(ratio[-1]), times, ratio[:-2])


def resting_share(activity: Activity, start_s: float = 0.3) -> Row:
    """Return the share of low-threshold units that discharge at rest after a time."""
    n = max(round(parameters.load("segment").value("low_threshold_share", "1") * activity.units.n_units), 1)
    return (activity.rate(start_s=start_s)[:n] > 0.0).mean(0)
