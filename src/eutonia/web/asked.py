"""What may be asked of a server: text alone, no larger than a server can give, and nothing that names a file."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from eutonia._hours import HOURS_A_DAY
from eutonia.errors import StudyError
from eutonia.web import limits
from eutonia.web.temporary import own_folder

if TYPE_CHECKING:
    from eutonia.study.design import CaseStudy, TrialStudy
    from eutonia.web.store import Store

_OWN = re.compile(r"own_[0-9a-f]{20}\.(?:nii\.gz|nii|toml|csv)")
#: A mask takes a hundred megabytes while it is read.
ONE_AT_A_TIME = threading.Lock()


def own_names(texts: Iterable[str]) -> set[str]:
    """Return the names of files that texts may have brought with them."""
    return {name for text in texts for name in _OWN.findall(text)}


def texts_of(request: Mapping[str, object]) -> list[str]:
    """Return the texts in what a job was asked for: studies, and the names of recordings."""
    lists = [many for key in ("cases", "traces") if isinstance(many := request.get(key), list)]
    return [str(request.get("study", "")), *(str(one) for many in lists for one in many)]


@contextmanager
def beside(files: Mapping[str, bytes], folder: Path | None = None) -> Iterator[None]:
    """Let studies of this block name these files, which came with them, and those that ship; no other.

    They lie in a folder of their own, or in `folder`, until the block ends.
    """
    from eutonia.study.shipped_files import text_alone

    if not files:
        with text_alone():
            yield
        return
    with ONE_AT_A_TIME, own_folder() as temporary:
        paths = {name: (folder or Path(temporary)) / name for name in files}
        try:
            for name, path in paths.items():
                path.write_bytes(files[name])
            with text_alone(paths):
                yield
        finally:
            for path in paths.values():
                path.unlink(missing_ok=True)


def study_of(
    text: str, name: str, store: Store | None = None, own: Mapping[str, bytes] | None = None
) -> TrialStudy | CaseStudy:
    """Return a study from its text, checked as a file is, and within what a server gives.

    It may name files that ship, those that `store` keeps, and those of `own`, which come with it.

    Raises
    ------
    StudyError
        What `eutonia check` would say; a pump program or a mask that does not ship; more than a server gives.
    """
    from eutonia.study.design import parse_study

    _short(text, name)
    named = own_names([text])
    files = {} if store is None else store.own(named)
    with beside(files | {one: content for one, content in (own or {}).items() if one in named}):
        study = parse_study(text, name)
    affordable(study, name)
    return study


def _short(text: str, name: str) -> None:
    size = len(text.encode("utf-8", errors="replace"))
    if size > limits.TEXT:
        raise StudyError(
            f"{name} has {size:,} bytes. Allowed: {limits.TEXT:,} on a server. Nearest: a shorter one. Run it with the "
            "command eutonia."
        )


def affordable(study: TrialStudy | CaseStudy, name: str) -> None:
    """Refuse a study that is larger than a server gives to one who asks."""
    from eutonia.study.design import CaseStudy

    if isinstance(study, CaseStudy):
        asked = [("days of the case", float(study.case.duration_h) / HOURS_A_DAY, limits.DAYS)]
    else:
        population = study.population
        asked = [("people", float(population.n), limits.PEOPLE), ("people of the pool", population.pool, limits.POOL)]
    for what, given, most in asked:
        if given > most:
            raise StudyError(
                f"{name} asks for {given:,.0f} {what}. Allowed on a server: {most:,.0f}. Nearest: {most:,.0f}. Ask for "
                "less, or run it with the command eutonia run."
            )


def replicates_of(given: object) -> int:
    """Return a number of replicate trials that a server gives."""
    try:
        asked = int(str(given).strip())
    except ValueError:
        asked = 0
    if not 1 <= asked <= limits.REPLICATES:
        near = min(max(asked, 1), limits.REPLICATES)
        raise StudyError(
            f"{str(given)[:40]!r} replicate trials. Allowed on a server: 1 to {limits.REPLICATES}. Nearest: {near}. "
            "Write a whole number."
        )
    return asked
