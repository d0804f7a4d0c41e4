"""The record of a run: what a reader needs to repeat it and to judge it."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from typing import Any

from eutonia import parameters
from eutonia.assessment.scoring import chart_constants
from eutonia.limb.muscle import muscle_groups
from eutonia.simulation.examine import body_constants
from eutonia.simulation.stance import stance_constants


def run_record(seed: int, digest: str, used: parameters.Used, wall_time_s: float, **more: Any) -> Mapping[str, Any]:
    """Return what a reader needs to repeat and to judge a run."""
    import jax
    import jax.numpy as jnp

    import eutonia

    records = used.records()
    assumed = [
        {"set": r.set, "name": r.name, "value": list(r.array()), "unit": r.unit, "note": r.note}
        for r in records
        if r.status == "assumed"
    ]
    return {
        "version": eutonia.__version__,
        "seed": seed,
        "study_digest": digest,
        "parameter_sets": sorted({r.set for r in records}),
        "counts_by_status": used.counts_by_status(),
        "precision": "64-bit" if jnp.zeros(()).dtype == jnp.float64 else "32-bit",
        "platform": f"{platform.platform()}, Python {platform.python_version()}, JAX {jax.__version__}",
        "wall_time_s": round(wall_time_s, 2),
        "sources": [{"key": key, "text": _described(key)} for key in used.sources()],
        "assumed": assumed,
        **more,
    }


def forget_constants() -> None:
    """Read all constants anew, so that the record of a run names every number that it rests on."""
    for constants in (muscle_groups, body_constants, stance_constants, chart_constants):
        constants.cache_clear()


def _described(key: str) -> str:
    entry = parameters.citations.entry(key)
    parts = [entry.said(name) for name in ("author", "title", "journal", "year", "doi", "note")]
    return ". ".join(part for part in parts if part)
