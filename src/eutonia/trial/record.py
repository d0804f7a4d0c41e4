"""The record of a run: what a reader needs to repeat it and to judge it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from eutonia import parameters, session


def run_record(
    seed: int,
    digest: str,
    used: parameters.Used,
    wall_time_s: float,
    cited: Mapping[str, tuple[str, str]] = MappingProxyType({}),
    **more: Any,
) -> Mapping[str, Any]:
    """Return what a reader needs to repeat and to judge a run; `cited` are the references of the study itself."""
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
        "sources": _sources(used, cited),
        "assumed": assumed,
        **more,
    }


def _sources(used: parameters.Used, cited: Mapping[str, tuple[str, str]]) -> list[dict[str, str]]:
    """Return what the study cites, and the sources of every number that was used."""
    found = {key: {"key": key, "text": text, "bibtex": bibtex} for key, (text, bibtex) in cited.items()}
    for key in used.sources():
        entry = parameters.citations.entry(key)
        found.setdefault(key, {"key": key, "text": entry.described})
    return list(found.values())
