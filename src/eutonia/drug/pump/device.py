"""Pumps as their manuals describe them: reservoir, flows, accuracy, alarm, battery, dead volume, magnet."""

from __future__ import annotations

import math
from dataclasses import dataclass

from eutonia import parameters
from eutonia.errors import StudyError, unknown

# Two flows that differ by less than this share are one; far above rounding, far below any setting.
_SAME_FLOW = 1e-9


@dataclass(frozen=True, slots=True)
class Interval:
    """A number that is known only within limits."""

    low: float
    typical: float
    high: float


@dataclass(frozen=True, slots=True)
class Device:
    """A pump model: flows in mL/h, volumes in mL, times in h.

    Attributes
    ----------
    records
        Name of the parameter set that describes it.
    flow_lowest, flow_highest
        Flows that can be programmed; 0 stops it.
    flow_minimum_mode
        Flow of the mode that only keeps the tubing open; 0 where there is none.
    flow_tolerance
        Share by which flow may be off either way.
    program_steps
        Most steps of a day's program; None where no limit is known.
    alarm_volume
        Volume at which the low-reservoir alarm sounds unless another is programmed.
    battery_life, replacement_warning
        Life of the battery; time from the replacement signal to the end of service, None where there is none.
    internal_volume, catheter_ml_per_cm
        What the tubing up to the connector and the catheter hold.
    magnet_volume
        Volume that one exposure to a magnet may deliver before the valve shuts for good; None: the rotor stalls
        instead and starts again.
    stays_stopped
        Whether a magnet that stalls the rotor while an alarm sounds stops it until the pump is interrogated.
    """

    model: str
    records: str
    reservoirs: tuple[float, ...]
    flow_lowest: float
    flow_highest: float
    flow_minimum_mode: float
    flow_tolerance: float
    program_steps: int | None
    alarm_volume: float
    battery_life: Interval
    replacement_warning: float | None
    internal_volume: float
    catheter_ml_per_cm: float
    magnet_volume: float | None
    stays_stopped: bool = False

    @classmethod
    def named(cls, model: str) -> Device:
        """Read the records of a pump model, such as "SynchroMed II".

        Raises
        ------
        StudyError
            No such model.
        ParameterError
            Its set lacks a number that every pump has.
        """
        known = parameters.pump_models()
        if model not in known:
            do = "Choose one of them. One more: a set pump_NAME.toml, by eutonia.parameters.register"
            raise StudyError(unknown("pump model", model, known, do))
        records = parameters.load(known[model])

        def of(name: str, unit: str) -> float | None:
            return records.value(name, unit) if name in records else None

        needed = records.value

        steps = of("program_steps", "1/day")
        return cls(
            model=model,
            records=records.name,
            reservoirs=records["reservoirs"].to("mL").sorted(),
            flow_lowest=needed("flow_lowest", "mL/h"),
            flow_highest=needed("flow_highest", "mL/h"),
            flow_minimum_mode=of("flow_minimum_mode", "mL/h") or 0.0,
            flow_tolerance=needed("flow_tolerance", "1"),
            program_steps=None if steps is None else round(steps),
            alarm_volume=needed("alarm_volume", "mL"),
            battery_life=_battery(records),
            replacement_warning=of("replacement_warning", "h"),
            internal_volume=needed("internal_volume", "mL"),
            catheter_ml_per_cm=needed("catheter_volume_per_length", "mL/cm"),
            magnet_volume=of("emergency_dose", "mL"),
            stays_stopped=bool(of("stopped_by_alarm_and_magnet", "1")),
        )

    def catheter_volume(self, length_cm: float) -> float:
        """Return the volume of a catheter of this length, mL."""
        return length_cm * self.catheter_ml_per_cm

    def dead_volume(self, length_cm: float) -> float:
        """Return the volume between reservoir and catheter tip, mL."""
        return self.internal_volume + self.catheter_volume(length_cm)

    def runs(self, flow: float) -> float:
        """Return the flow at which it really runs when `flow` is programmed: never below its lowest, unless stopped.

        The minimum-rate mode is the one flow below the lowest.
        """
        if flow == 0.0 or (self.flow_minimum_mode and math.isclose(flow, self.flow_minimum_mode, rel_tol=_SAME_FLOW)):
            return flow
        return min(max(flow, self.flow_lowest), self.flow_highest)

    def lowest_dose(self, concentration: float) -> float:
        """Return the lowest rate other than 0 that can be delivered of a concentration in ug/mL, ug/h."""
        return self.flow_lowest * concentration


def _battery(records: parameters.ParameterSet) -> Interval:
    typical, spread = records.value("battery_life", "h"), records.spread("battery_life", "h")
    if spread.low is None or spread.high is None:
        return Interval(typical, typical, typical)
    return Interval(spread.low, typical, spread.high)
