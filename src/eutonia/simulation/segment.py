"""One person's spinal segment under the drug, examined: where the receptor meets the spiking network.

Each examination runs copies of the person for its numbers and one more, with every cell recorded, to be looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from eutonia import parameters
from eutonia.drug.effect.gaba_b import Receptor, occupancy
from eutonia.drug.kinetics import IntrathecalValues
from eutonia.errors import SimulationError
from eutonia.tone.segment import movements, protocols, stimuli
from eutonia.tone.segment.cells import Sizes
from eutonia.tone.segment.condition import Condition
from eutonia.tone.segment.presets import PRESETS as PRESETS
from eutonia.tone.segment.presets import preset as preset
from eutonia.tone.segment.protocols import LEAD_S
from eutonia.tone.segment.protocols import Person as Person
from eutonia.tone.segment.readout import Activity

_REST_S = 1.5
_SPEEDS = (3.1, 6.25, 12.5, 25.0, 50.0, 100.0, 200.0, 400.0)
_SHOWN_SPEED = 100.0
_TAIL_S = 0.1
_NG_PER_UG = 1000.0
#: The number that is missing where no H-reflex was seen.
LATENCY = "Latency of H"


@dataclass(frozen=True)
class Number:
    """One number that was read, with its unit ("1": a plain number)."""

    label: str
    value: float
    unit: str


@dataclass(frozen=True)
class Curve:
    """What was read against what was varied: lines of the same places along the abscissa."""

    title: str
    across: str
    up: str
    x: Float[np.ndarray, " place"]
    lines: Mapping[str, Float[np.ndarray, " place"]]
    is_log: bool = False


@dataclass(frozen=True)
class SegmentFinding:
    """An examination's numbers, its curve if it varied anything, one run with every cell recorded, and the angle of
    the ankle in it (deg from where it started) if it moved.
    """

    protocol: str
    title: str
    numbers: Sequence[Number]
    curve: Curve | None
    shown: Activity
    angle: Float[np.ndarray, " time"] | None = None


def gaba_b_effect(concentration: float) -> float:
    """Return the effect, share of the largest, of a concentration in the spinal fluid (ng/mL) on naive receptors."""
    return float(occupancy(jnp.asarray(concentration), Receptor.typical()))


def person(
    bias: float,
    concentration: float = 0.0,
    presynaptic_share: float | None = None,
    cells: int = 2000,
    seed: int = 1,
    presynaptic_inhibition: float | None = None,
) -> Person:
    """Return a person with a descending bias (mV) and a drug level in the spinal fluid (ng/mL), steady for long.

    `presynaptic_inhibition` of Ia terminals at rest is that of the record when left out.

    Raises
    ------
    SimulationError
        A bias outside of what a lesion can leave, a level that nobody has had, or a presynaptic inhibition that no
        gate can have.
    """
    most = parameters.load("descending").value("bias_ceiling", "mV")
    if not 0.0 <= bias <= most:
        raise SimulationError(
            f"a descending bias of {bias:g} mV is not allowed. Allowed: 0 to {most:g} mV (0 healthy, about 3 spastic). "
            "What a drug takes away is given as a concentration, not as a negative bias."
        )
    with parameters.unrecorded():
        largest = parameters.load("exposure").value("largest_intrathecal_dose", "ug")
        highest = largest / IntrathecalValues.from_records().geometry.total_volume * _NG_PER_UG
    if concentration > highest:
        raise SimulationError(
            f"a level of {concentration:g} ng/mL in the spinal fluid is not allowed. Allowed: 0 to {highest:.3g} "
            f"ng/mL, as if all of it held {largest:g} ug. Correct the number or its unit."
        )
    condition = Condition.of_bias([bias]).with_gaba_b(gaba_b_effect(concentration), presynaptic_share)
    if presynaptic_inhibition is not None:
        widest = parameters.load("segment").value("pad_most", "1")
        if not 0.0 <= presynaptic_inhibition <= widest:
            raise SimulationError(
                f"a presynaptic inhibition of {presynaptic_inhibition:g} is not allowed. Allowed: 0 (none) to "
                f"{widest:g} of the release, because the gate never closes whole. Give a share such as 0.15."
            )
        condition = condition.with_presynaptic_inhibition(presynaptic_inhibition)
    return Person(condition, Sizes.of_total(cells), seed)


def _rest(who: Person) -> SegmentFinding:
    shown = who.copies(1, stimuli.rest(_REST_S, 1), "all")
    rates = shown.rate(start_s=0.3)
    firing = rates[rates > 0.0]
    numbers = [
        Number("Low-threshold units that discharge at rest", 100.0 * float(protocols.resting_share(shown)[0]), "%"),
        Number("Units that discharge at rest", 100.0 * float((rates > 0.0).mean()), "%"),
        Number("Mean rate of those that do", float(firing.mean()) if firing.size else 0.0, "1/s"),
        Number("Torque of the soleus", float(shown.torque()[len(shown.plan.ia) // 2 :].mean()), "N m"),
    ]
    return SegmentFinding("rest", "At rest", numbers, None, shown)


def _volley(who: Person, protocol: str, title: str) -> SegmentFinding:
    found = protocols.recruitment(who, 23)
    current = found.current[found.best]
    plan = stimuli.shock(stimuli.rest(LEAD_S + _TAIL_S, 1), [LEAD_S], current)
    numbers = [
        Number("Hmax/Mmax", found.h_over_m, "1"),
        Number(LATENCY, float(found.latency_ms[found.best]) if found.is_seen else np.nan, "ms"),
        Number("Current of the largest H", float(current) if found.is_seen else np.nan, "mA"),
        Number(f"M wave at {current:.3g} mA, of the largest", float(found.m[found.best]), "1"),
        Number(f"Twitch torque at {current:.3g} mA", float(found.activity.torque()[:, found.best].max()), "N m"),
    ]
    curve = Curve(
        "Recruitment curve", "Current, mA", "Wave, share of the largest M", found.current, {"H": found.h, "M": found.m}
    )
    return SegmentFinding(protocol, title, numbers, curve, who.copies(1, plan, "all"))


def _depression(who: Person) -> SegmentFinding:
    current = protocols.recruitment(who).test_current
    found = protocols.depression(who, current)
    plan = stimuli.shock(stimuli.rest(LEAD_S + 3.0 + _TAIL_S, 1), LEAD_S + np.arange(4.0), current)
    numbers = [
        Number(f"H at {hertz:g} Hz, of the first", float(ratio), "1")
        for hertz, ratio in zip(found.hertz, found.ratio, strict=True)
    ]
    curve = Curve(
        "Post-activation depression",
        "Frequency, Hz",
        "Fourth H of the first",
        found.hertz,
        {"H": found.ratio},
        is_log=True,
    )
    return SegmentFinding("depression", "Post-activation depression", numbers, curve, who.copies(1, plan, "all"))


def _inhibition(who: Person) -> SegmentFinding:
    current = protocols.recruitment(who).test_current
    found = protocols.inhibition(who, current)
    interval, ratio = found.interval_ms, found.reciprocal
    numbers = [
        Number("H during vibration of the tendon, of H alone", found.vibratory, "1"),
        Number("H at the most reciprocal inhibition, of H alone", float(np.min(ratio)), "1"),
        Number("Interval of the most reciprocal inhibition", float((interval + 0.0 * ratio)[np.argmin(ratio)]), "ms"),
    ]
    rate, before_s = protocols.usual_vibration()
    plan = stimuli.shock(stimuli.rest(LEAD_S + before_s + _TAIL_S, 1), [LEAD_S + before_s], current)
    plan = stimuli.vibration(plan, rate, LEAD_S, plan.duration_s)
    curve = Curve(
        "Reciprocal inhibition", "Shock to the antagonist's nerve before, ms", "H of H alone", interval, {"H": ratio}
    )
    return SegmentFinding(
        "inhibition", "Vibratory and reciprocal inhibition", numbers, curve, who.copies(1, plan, "all")
    )


def _f_wave(who: Person) -> SegmentFinding:
    found = protocols.f_wave(who)
    numbers = [
        Number("F-wave persistence", 100.0 * found.persistence, "%"),
        Number("F/M, mean of the answers", 100.0 * found.f_over_m, "%"),
    ]
    plan = stimuli.shock(stimuli.rest(LEAD_S + _TAIL_S, 1), [LEAD_S], protocols.supramaximal())
    return SegmentFinding("f-wave", "F waves", numbers, None, who.copies(1, plan, "all"))


def _ramp(who: Person) -> SegmentFinding:
    found = movements.stretch_reflex(who, _SPEEDS)
    at = _SPEEDS.index(_SHOWN_SPEED)
    plan = stimuli.rest(0.4 + 20.0 / _SHOWN_SPEED + 0.3, 1)
    angle = stimuli.ramp(plan, 0.4, _SHOWN_SPEED, 20.0)
    numbers = [
        Number(f"Threshold of the stretch reflex ({_SPEEDS[0]:g}: that or less)", found.threshold_deg_s, "deg/s"),
        Number(f"Impulses of 100 units within 50 ms at {_SHOWN_SPEED:g} deg/s", 100.0 * float(found.size[at]), "1"),
        Number(f"Angle of onset at {_SHOWN_SPEED:g} deg/s", float(found.onset_deg[at]), "deg"),
        Number(f"Reflex torque at {_SHOWN_SPEED:g} deg/s", float(found.torque[at]), "N m"),
    ]
    curve = Curve(
        "Stretch reflex and speed",
        "Speed, deg/s",
        "Impulses of a unit in 50 ms",
        found.speed,
        {"Stretch reflex": found.size},
        is_log=True,
    )
    shown = who.copies(1, stimuli.stretch(plan, angle, float(who.condition.fusimotor[0])), "all")
    return SegmentFinding(
        "ramp", f"Stretch of the soleus at {_SHOWN_SPEED:g} deg/s", numbers, curve, shown, angle[:, 0]
    )


def _contraction(who: Person) -> SegmentFinding:
    found = movements.paired_units(who)
    peak, rise = movements.usual_contraction()
    plan = stimuli.rest(2.0 * rise + 0.6, 1)
    shown = who.copies(1, stimuli.command(plan, stimuli.triangle(plan, LEAD_S, rise, peak)), "all")
    numbers = [
        Number("Delta-F of paired motor units", found.delta_f, "pps"),
        Number("Test unit starts", found.starts_s, "s"),
        Number("Test unit stops", found.stops_s, "s"),
    ]
    curve = Curve("Rate of the reporter unit", "Time, s", "Impulses/s", found.time_s, {"Reporter": found.reporter})
    return SegmentFinding(
        "contraction", "A contraction that grows and fades", numbers, curve if found.time_s.size else None, shown
    )


PROTOCOLS: Mapping[str, Callable[[Person], SegmentFinding]] = {
    "rest": _rest,
    "h-reflex": partial(_volley, protocol="h-reflex", title="H-reflex at its largest"),
    "recruitment": partial(_volley, protocol="recruitment", title="Recruitment of M and H"),
    "depression": _depression,
    "inhibition": _inhibition,
    "f-wave": _f_wave,
    "ramp": _ramp,
    "contraction": _contraction,
}
