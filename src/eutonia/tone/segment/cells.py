"""The cells of a segment and what makes each differ: how many there are, their constants, contacts and luck."""

from __future__ import annotations

import math
from dataclasses import dataclass

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, UInt

from eutonia import parameters
from eutonia._types import Scalar
from eutonia.errors import SimulationError
from eutonia.tone.segment import luck
from eutonia.tone.segment.synapses import Synapses
from eutonia.tone.segment.units import TYPES, MotorUnits

_FEWEST = 10
_MEMBRANE = {
    **dict.fromkeys(("ahp_reversal", "excitatory_reversal", "inhibitory_reversal", "pic_reversal"), "mV"),
    **dict.fromkeys(("pic_offset", "pic_slope"), "mV"),
    **dict.fromkeys(("refractory", "pic_time"), "ms"),
    **dict.fromkeys(("ahp_step", "pic_conductance"), "1"),
}


@dataclass(frozen=True)
class Sizes:
    """How many cells of each kind a muscle has; interneurons are so many of each of the two kinds."""

    motoneurons: int = 100
    ia: int = 60
    ii: int = 20
    interneurons: int = 10

    def __post_init__(self) -> None:
        """Refuse populations too small to be one."""
        if min(self.motoneurons, self.ia, self.ii, self.interneurons) < _FEWEST:
            raise SimulationError(
                f"{self} has a population below {_FEWEST} cells. Allowed: {_FEWEST} or more of each kind, because sums "
                "over fewer are no longer smooth. Raise it."
            )

    @property
    def total(self) -> int:
        """Cells of both muscles together."""
        return 2 * (self.motoneurons + self.ia + self.ii + 2 * self.interneurons)

    @property
    def by_kind(self) -> dict[str, int]:
        """Cells of each kind in one muscle."""
        numbers = (self.motoneurons, self.ia, self.ii, self.interneurons, self.interneurons)
        return dict(zip(("Motoneurons", "Ia", "II", "Ia inhibitory", "Renshaw"), numbers, strict=True))

    @classmethod
    def of_total(cls, cells: int) -> Sizes:
        """Return populations that make about so many cells, in the shares of a full segment of 2,000."""
        return cls(*(round(share * cells) for share in (0.2, 0.12, 0.05, 0.065)))


class Membrane(eqx.Module):
    """Constants that all motoneurons share (set `segment`): mV above rest, ms, shares of leak."""

    ahp_reversal: Scalar
    ahp_step: Scalar
    refractory: Scalar
    excitatory_reversal: Scalar
    inhibitory_reversal: Scalar
    pic_conductance: Scalar
    pic_reversal: Scalar
    pic_offset: Scalar
    pic_slope: Scalar
    pic_time: Scalar


class Cells(eqx.Module):
    """What stays the same during a run; arrays are over muscle, cell and patient as far as they differ."""

    units: MotorUnits
    membrane: Membrane
    synapses: Synapses
    contacts: Float[Array, "path 2 motoneuron patient"]
    background: Scalar
    girk_reversal: Scalar
    synaptic_delay: float = eqx.field(static=True)
    ia_rest: Float[Array, "2 ia patient"]
    ia_delay: Float[Array, "2 ia patient"]
    ia_current: Float[Array, "2 ia patient"]
    ia_key: UInt[Array, "2 ia patient"]
    ii_key: UInt[Array, "2 ii patient"]
    backfire_key: UInt[Array, "2 motoneuron patient"]
    human_scale: Scalar
    ia_ceiling: Scalar
    interval_cv: Scalar
    inter_threshold: Float[Array, " interneuron"]
    inter_time: Scalar
    way_ms: Scalar
    backfires: Scalar  # a motoneuron
    backfire_per_mv: Scalar
    backfire_bias: Scalar


def build(sizes: Sizes, seed: int, person: Int[Array, " patient"]) -> Cells:
    """Return the cells of people; one person's do not depend on who else is asked for."""
    s = parameters.load("segment")
    who = luck.of_people(seed, person)
    afferents = luck.cell_keys(who, luck.AFFERENT, sizes.ia)
    fast, thick = (luck.uniform(luck.counted(afferents, np.full_like(afferents, k))) for k in (1, 2))
    slowest, fastest = s.ends("afferent_velocity", "m/s")
    lowest, highest = s.ends("afferent_current", "mA")
    way = s.value("nerve_to_stimulus", "m")
    low, high = s.ends("interneuron_threshold", "mV")
    place = (np.arange(sizes.interneurons) + 0.5) / sizes.interneurons
    return Cells(
        units=MotorUnits.pool(sizes.motoneurons),
        membrane=Membrane(**s.named(_MEMBRANE)),
        synapses=Synapses.from_records(),
        contacts=_contacts(sizes, who),
        background=s.value("background_drive", "mV"),
        girk_reversal=s.value("girk_reversal", "mV"),
        synaptic_delay=s.value("synaptic_delay", "ms"),
        ia_rest=jnp.asarray(s.value("ia_rest", "1/s") + s.value("ia_rest_spread", "1/s") * luck.normal(afferents, 0)),
        ia_delay=jnp.asarray(1000.0 * way / (slowest + (fastest - slowest) * fast)),
        ia_current=jnp.asarray(lowest + (highest - lowest) * thick),
        ia_key=jnp.asarray(luck.cell_keys(who, luck.IA, sizes.ia)),
        ii_key=jnp.asarray(luck.cell_keys(who, luck.II, sizes.ii)),
        backfire_key=jnp.asarray(luck.cell_keys(who, luck.BACKFIRE, sizes.motoneurons)),
        human_scale=s.value("human_scale", "1"),
        ia_ceiling=s.value("ia_ceiling", "1/s"),
        interval_cv=s.value("interval_cv", "1"),
        inter_threshold=jnp.asarray(low + (high - low) * place),
        inter_time=s.value("interneuron_time", "ms"),
        way_ms=1000.0 * way,
        backfires=s.value("backfires", "1") / sum(s.along("motor_units", "1", TYPES)),
        backfire_per_mv=s.value("backfire_per_mv", "mV"),
        backfire_bias=s.value("spastic_bias", "mV"),
    )


def _contacts(sizes: Sizes, who: UInt[np.ndarray, " patient"]) -> Float[Array, "path 2 motoneuron patient"]:
    """Return contacts of each motoneuron over the mean number, from Ia afferents, inhibitory interneurons, Renshaw
    cells: binomial numbers, taken as normal and not below none.
    """
    s = parameters.load("segment")
    key = luck.cell_keys(who, luck.CONTACTS, sizes.motoneurons)
    drawn = []
    cells = s.along("cells", "1", ("Ia", "inhibitory", "Renshaw"))
    for k, name in enumerate(("ia_connected", "inhibitory_connected", "renshaw_connected")):
        share, n = s.value(name, "1"), cells[k]
        spread = math.sqrt((1.0 - share) / (share * n))
        drawn.append(np.maximum(1.0 + spread * luck.normal(key, k), 0.0))
    return jnp.asarray(np.stack(drawn))
