"""What the equations of a compartment model are, apart from the values of its parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from eutonia.drug.exposure.system import Column, Patients, System

Absorption = Literal["injected", "depot", "transit", "saturable"]
ELIMINATED = "ELIMINATED"
_ML_PER_MIN_TO_L_PER_H = 0.06


class Rates(NamedTuple):
    """Rates of a compartment model: arrays of people for the engine, or formulas, for whoever writes equations.

    Attributes
    ----------
    absorption
        Of the stages before the central compartment.
    elimination, outward, back
        k_10; k_12, k_13; k_21, k_31.
    """

    absorption: tuple[Any, ...]
    elimination: Any
    outward: tuple[Any, ...]
    back: tuple[Any, ...]

    def flows(self) -> list[tuple[int, int, Any]]:
        """Return what flows from which stage to which, as a share an hour; stages are those of `system.System`."""
        central = len(self.absorption)
        flows = [(i, i + 1, rate) for i, rate in enumerate(self.absorption)]
        flows.append((central, central + len(self.outward) + 1, self.elimination))
        for j, (out, back) in enumerate(zip(self.outward, self.back, strict=True), start=central + 1):
            flows += [(central, j, out), (j, central, back)]
        return flows


@dataclass(frozen=True, slots=True)
class Structure:
    """Absorption and one to three compartments.

    Attributes
    ----------
    compartments
        One to three.
    absorption
        How drug enters the central compartment.
    transit_steps
        n of the chain: n + 1 stages, each at (n + 1) / MTT, before a depot (or before the blood without KA).
    has_depot
        Whether a chain ends in a depot emptied at KA.
    kidneys
        Non-renal share of clearance, and share per mL/min of creatinine clearance; None: no renal model.
    per_weight
        Whether clearances and volumes are per kg of body weight.
    """

    compartments: int
    absorption: Absorption
    transit_steps: int = 0
    has_depot: bool = True
    kidneys: tuple[Any, Any] | None = None
    per_weight: bool = False

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the compartments as CMT counts them; the stages of absorption are one."""
        names = ("CENTRAL", "PERIPHERAL", "PERIPHERAL2")[: self.compartments]
        return names if self.absorption == "injected" else ("DEPOT", *names)

    @property
    def ways_in(self) -> tuple[str, ...]:
        """What each CMT is, in words."""
        return self.inputs

    @property
    def default_input(self) -> int | None:
        """Which input CMT 0 is, and F and ALAG of the model belong to; None: CMT is said, and they belong to all."""
        return 0

    @property
    def places(self) -> tuple[str, ...]:
        """Names of the amounts that are told."""
        return (*self.inputs, ELIMINATED)

    @property
    def central(self) -> int:
        """Which of the places is the central compartment."""
        return int(self.absorption != "injected")

    def volumes(self, values: Mapping[str, Column]) -> dict[str, tuple[int, Column]]:
        """Return, by what a concentration is called, the place it is of and the volume of that, L."""
        return {"": (self.central, self.volume(values))}

    def volume(self, values: Mapping[str, Any]) -> Any:
        """Return the volume of the central compartment, L."""
        return values["V" if self.compartments == 1 else "VC"] * self._size(values)

    def clearance(self, values: Mapping[str, Any]) -> Any:
        """Return the clearance of the whole person, L/h; that of a machine (HD) where it is among the values."""
        clearance = values["CL"] * self._size(values)
        if self.kidneys is not None:
            nonrenal, slope = self.kidneys
            clearance = clearance * (nonrenal + slope * values["CRCL"])
            if "HD" in values:
                clearance = clearance + _ML_PER_MIN_TO_L_PER_H * values["HD"]
        return clearance

    def rates(self, values: Mapping[str, Any], clearance: Any, central: Any) -> Rates:
        """Return the rates that values of parameters and covariates make, given clearance and central volume."""
        size = self._size(values)
        between = [("Q", "VP"), ("Q2", "VP2")][: self.compartments - 1]
        return Rates(
            absorption=self._gut(values),
            elimination=clearance / central,
            outward=tuple(values[q] * size / central for q, _ in between),
            back=tuple(values[q] / values[v] for q, v in between),
        )

    def system(self, values: Mapping[str, Patients]) -> System:
        """Return the rates as those of a system of people."""
        return System(*self.rates(values, self.clearance(values), self.volume(values)))

    def _size(self, values: Mapping[str, Any]) -> Any:
        return values["WT"] if self.per_weight else 1.0

    def _gut(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        if self.absorption == "depot":
            return (values["KA"],)
        if self.absorption == "transit":
            rate = (values.get("NN", self.transit_steps) + 1) / values["MTT"]
            return (rate,) * (self.transit_steps + 1) + ((values["KA"],) if self.has_depot else ())
        return ()
