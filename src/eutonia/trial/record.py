"""The record of a run: what a reader needs to repeat it and to judge it."""

from __future__ import annotations

import hashlib
import os
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from eutonia import parameters, session
from eutonia.parameters import quantity
from eutonia.study.design import CaseStudy
from eutonia.study.other_uses import as_tried

if TYPE_CHECKING:
    from eutonia.study.design import Study


def run_record(
    seed: int | None,
    digest: str,
    used: parameters.Used,
    wall_time_s: float,
    cited: Mapping[str, tuple[str, str]] = MappingProxyType({}),
    **more: Any,
) -> Mapping[str, Any]:
    """Return what a reader needs to repeat and to judge a run; `cited` are the references of the study itself.

    `seed` is none where nothing is drawn; `more` holds the command and all options that a number depends on. To be
    called where the overrides of the run hold.
    """
    import eutonia

    records = used.records()
    assumed = [
        {"set": r.set, "name": r.name, "value": list(r.numbers), "unit": r.unit, "note": r.note}
        for r in records
        if r.status == "assumed"
    ]
    return {
        "version": eutonia.__version__,
        "seed": seed,
        "study_digest": digest,
        "parameter_sets": sorted({r.set for r in records}),
        "overrides": overrides(used),
        "counts_by_status": used.counts_by_status(),
        "counts_by_distance": used.counts_by_distance(),
        **session.facts(),
        "wall_time_s": round(wall_time_s, 2),
        "sources": _sources(used, cited),
        "assumed": assumed,
        "rests_on": {f"{r.set}.{r.name}": quantity.shown(r.numbers, r.unit) for r in records},
        "parameter_digests": dict(parameters.digests()),
        **more,
    }


def overrides(used: parameters.Used) -> list[dict[str, Any]]:
    """Return every number that stands in the place of a record's, what follows from them, and whether it was read."""
    read = {f"{record.set}.{record.name}" for record in used.records()}
    return [
        {"name": one.key, "label": one.label, "from": one.was, "to": one.now}
        | ({} if one.given else {"follows_from": one.before.derived})
        | {"rested_on": f"{one.before.set}.{one.before.name}" in read}
        for one in parameters.active().overrides
    ]


def study_record(
    study: Study,
    used: parameters.Used,
    wall_time_s: float,
    command: str,
    cited: Mapping[str, tuple[str, str]] = MappingProxyType({}),
    **more: Any,
) -> Mapping[str, Any]:
    """Return the record of a run of a study: what it is, what it and `cited` cite, the `command` that repeats it."""
    if study.head.oral_model is not None:
        more["oral_model"] = f"{study.oral_model}: {parameters.load(study.oral_model).title}"
    about = {"study_text": study.text, "command": command, "beyond_label": list(study.beyond_label)}
    if isinstance(study, CaseStudy) and (said := as_tried(study)):
        about["beyond_label_as"] = said
    return run_record(study.seed, study.digest, used, wall_time_s, {**study.cited, **cited}, **more, **about)


def repeat(command: str, *words: str | os.PathLike[str], own: object = None, **options: object) -> str:
    """Return the line that does a run again: a command, its words, and the options that were given.

    Overrides around the run are among them; `own` are those of the study's file, which need no saying.
    """
    around = parameters.given_beside(own if isinstance(own, Mapping) else {})
    more = options.pop("set", None)
    options = {"set": [*around, *(more if isinstance(more, list) else ())], **options}
    said = ["eutonia", command, *(os.fspath(word) for word in words)]
    for name, value in options.items():
        for one in value if isinstance(value, list | tuple) else (value,):
            if one is not None and one is not False:
                said += [f"--{name.strip('_').replace('_', '-')}", *([] if one is True else [str(one)])]
    return shlex.join(said)


def inputs(files: Iterable[Path]) -> list[dict[str, str]]:
    """Return what tells whether a file is still the one that was read: its name and the SHA-256 of its bytes.

    The folders of a whole path are of no matter to anybody else, and are left out.
    """
    digests = ((file, hashlib.sha256(file.read_bytes()).hexdigest()) for file in files if file.is_file())
    return [{"file": file.name if file.is_absolute() else str(file), "sha256": digest} for file, digest in digests]


def _sources(used: parameters.Used, cited: Mapping[str, tuple[str, str]]) -> list[dict[str, str]]:
    """Return what the study cites, and the sources of every number that was used."""
    found = {key: {"key": key, "text": text, "bibtex": bibtex} for key, (text, bibtex) in cited.items()}
    for key in used.sources():
        entry = parameters.citations.entry(key)
        brought = {} if parameters.citations.is_ours(key) else {"bibtex": entry.text}
        found.setdefault(key, {"key": key, "text": entry.described} | brought)
    return list(found.values())
