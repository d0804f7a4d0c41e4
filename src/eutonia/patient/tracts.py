"""How much of each descending pathway a lesion of the brain takes: the share of its threads, by how near they come.

Equation
    t      = min over the thread's points of the signed distance from the lesion's surface, mm (negative inside)
    s_core = clip((r - t) / 2r, 0, 1) ;  s_rim = max(s_core, clip((1.5 w - t) / w, 0, 1)) ;  w = R (1 + v)^(1/3) - R
    dead   = k s_core + b (1 - f) (s_rim - s_core) ;  silent at onset = k s_core + b (s_rim - s_core)
with r half the thickness of a thread, R the radius of a ball of the lesion's volume, v the volume of the rim as a share
of it, k the loss in the core, b the block in the rim and f the part of it that returns. The rim fades outwards: it is
half as dense at its edge. A pathway loses the mean of its threads.

The point p of a thread lies at m p + d in a person: m the size of their brain, d how far their tracts are moved.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from eutonia.patient import anatomy
from eutonia.patient.pathways import LIMBS

Numbers = Float[np.ndarray, " patient"]
Distances = Float[np.ndarray, "thread patient"]
Tracts = Float[np.ndarray, "tract limb patient"]


@dataclass(frozen=True, eq=False)
class Harm:
    """What a lesion does to a thread, one number a person: see the equation of this module; lengths in mm."""

    core: Numbers
    block: Numbers
    returning: Numbers
    width: Numbers
    thread_radius: Numbers


def losses(distance: Distances, harm: Harm) -> tuple[Tracts, Tracts]:
    """Return what lesions have killed and what they have silenced at onset, of each tract and limb.

    Parameters
    ----------
    distance
        How near each thread comes to each person's lesion, mm, negative inside.
    harm
        What the lesions do.
    """
    r = harm.thread_radius
    core = np.clip((r - distance) / (2.0 * r), 0.0, 1.0)
    wide = np.maximum(harm.width, 1e-9)
    rim = np.maximum(core, np.clip((1.5 * wide - distance) / wide, 0.0, 1.0)) - core
    dead = harm.core * core + harm.block * (1.0 - harm.returning) * rim
    silent = harm.core * core + harm.block * rim
    return _means(dead), _means(silent)


def _means(share: Distances) -> Tracts:
    """Return the mean over the threads of each bundle; those of the brain stem are both limbs'."""
    bundle = anatomy.threads().bundle
    # A person's threads side by side in memory, so that they are summed in one order whoever else is there.
    rows = np.ascontiguousarray(share.T)
    edges = np.searchsorted(bundle, np.arange(len(anatomy.BUNDLES) + 1))
    of = [rows[:, begin:end].sum(axis=1) / (end - begin) for begin, end in itertools.pairwise(edges)]
    return np.stack([*of, of[-1]]).reshape(-1, len(LIMBS), len(rows))
