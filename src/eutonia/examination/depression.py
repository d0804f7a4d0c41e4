"""Post-activation depression of the H-reflex."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from eutonia.examination.abstract import BedsideTest
from eutonia.examination.findings import Found
from eutonia.examination.nerve import people_of, recruited, rows_of
from eutonia.simulation.bedside import Bedside
from eutonia.tone.segment import protocols
from eutonia.tone.segment.network import Segment

_HERTZ = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


def depression(at: Bedside, limbs: Sequence[str], seed: int) -> Found:
    """Repeat a test reflex, ever faster."""
    people, alone = people_of(at, seed), recruited(at, seed)
    current = np.array([one.test_current for one in alone])
    together = jax.tree.map(lambda *parts: jnp.concatenate(parts), *(one.condition for one in people))
    segment = Segment.of(together, people[0].sizes, seed, [one.person for one in people])
    ratio = np.where([one.is_seen for one in alone], protocols.trains(segment, current, _HERTZ), np.nan)
    return rows_of([(f"h_at_{f:g}_hz", f"H at {f:g} Hz, of the first", "", ratio[k]) for k, f in enumerate(_HERTZ)]), []


TEST = BedsideTest(
    name="depression",
    label="Post-activation depression",
    how="The fourth H of a train over the first; a train of four at each frequency, at half the largest H.",
    limbs=("leg",),
    run=depression,
    group="nerve",
    sources=("assumption",),
)
