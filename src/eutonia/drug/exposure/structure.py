"""What the equations of a compartment model are, apart from the values of its parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from eutonia.drug.exposure.system import Column, Patients, System

Absorption = Literal["injected", "depot", "transit", "saturable"]
ELIMINATED = "ELIMINATED"
_ML_PER_MIN_TO_L_PER_H = 0.06


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
    kidneys: tuple[float, float] | None = None
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

    def volume(self, values: Mapping[str, Column]) -> Column:
        """Return the volume of the central compartment, L."""
        return values["V" if self.compartments == 1 else "VC"] * self._size(values)

    def system(self, values: Mapping[str, Patients]) -> System:
        """Return the rates that values of parameters and covariates make."""
        size, central = self._size(values), self.volume(values)
        clearance = values["CL"] * size
        if self.kidneys is not None:
            nonrenal, slope = self.kidneys
            clearance = clearance * (nonrenal + slope * values["CRCL"]) + _ML_PER_MIN_TO_L_PER_H * values["HD"]
        between = [("Q", "VP"), ("Q2", "VP2")][: self.compartments - 1]
        return System(
            absorption=self._gut(values),
            elimination=clearance / central,
            outward=tuple(values[q] * size / central for q, _ in between),
            back=tuple(values[q] / values[v] for q, v in between),
        )

    def _size(self, values: Mapping[str, Column]) -> Column | float:
        return values["WT"] if self.per_weight else 1.0

    def _gut(self, values: Mapping[str, Patients]) -> tuple[Patients, ...]:
        if self.absorption == "depot":
            return (values["KA"],)
        if self.absorption == "transit":
            steps = self.transit_steps + 1
            return (steps / values["MTT"],) * steps + ((values["KA"],) if self.has_depot else ())
        return ()
