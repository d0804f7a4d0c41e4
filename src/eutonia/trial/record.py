"""The record of a run: what a reader needs to repeat it and to judge it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eutonia import parameters, session


def run_record(seed: int, digest: str, used: parameters.Used, wall_time_s: float, **more: Any) -> Mapping[str, Any]:
    """Return what a reader needs to repeat and to judge a run."""
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
        **session.facts(),
        "wall_time_s": round(wall_time_s, 2),
        "sources": [{"key": key, "text": _described(key)} for key in used.sources()],
        "assumed": assumed,
        **more,
    }


def _described(key: str) -> str:
    entry = parameters.citations.entry(key)
    parts = [entry.said(name) for name in ("author", "title", "journal", "year", "doi", "note")]
    return ". ".join(part for part in parts if part)
