"""Verb on fields of a study: the same people and the same luck at every combination of their values."""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from eutonia import parameters
from eutonia._arguments import CALL, accepts, instance
from eutonia._progress import Progress, silent
from eutonia.api.study import held, replicates_of, run
from eutonia.errors import ArgumentError, StudyError, nearest
from eutonia.study import replacing
from eutonia.study.design import STUDY, CaseStudy, TrialStudy
from eutonia.trial.record import repeat, study_record
from eutonia.trial.swept import Swept

if TYPE_CHECKING:
    import polars

_FIELDS = instance("a mapping of paths to values", '{"population.n": [20, 40]}', Mapping)


@accepts(study=STUDY, fields=_FIELDS, progress=CALL)
def sweep(
    study: TrialStudy | CaseStudy,
    fields: Mapping[str, Sequence[object]],
    *,
    replicates: int | None = None,
    characteristics: bool = False,
    progress: Progress = silent,
) -> polars.DataFrame:
    """Run a study once for every combination of some of its fields: the same people and the same luck in each.

    Parameters
    ----------
    study : TrialStudy or CaseStudy
        What `load_study` returned; its seed is that of every run.
    fields : mapping of path to values
        The values that each field takes, by paths as in `study.replace`, such as
        `{"phase.bolus.arm.baclofen.treatment.0.dose": ["25 ug", "50 ug", "75 ug"]}`. The last field varies fastest.
    replicates : int or None
        Number of replicate trials of each run of a trial; 500 when left out.
    characteristics : bool
        Whether to return how often the study's analysis is right, in place of the quantities.
    progress : callable
        Called with "Runs" and the share of them that is done.

    Returns
    -------
    polars.DataFrame
        The columns of `StudyResult.frame()`, or of `StudyResult.analysed.characteristics`, behind one column a field
        that holds its value as text.

    Raises
    ------
    StudyError
        A path that leads nowhere or a study that may not be; every study is checked before the first is run.
        Characteristics of a study that says no analysis, or replicate trials of a case.
    ArgumentError
        No study, or no values.

    Notes
    -----
    Each person has the same luck at every point, so that a difference between points is of the field, not of chance.
    The numbers of the science are held at their records, unless the study says `parameters = "posterior"`.
    """
    if characteristics and getattr(study, "analysis", None) is None:
        raise StudyError(
            f"{study.name} says no analysis, so nothing is right or wrong. Allowed: a trial with a table [analysis]. "
            "Nearest: parallel_tablets, which ships with one. Write it, or leave characteristics out."
        )
    found = swept(study, fields, replicates=replicates, progress=progress)
    if not characteristics:
        return found.table
    assert found.characteristics is not None
    return found.characteristics


def swept(
    study: TrialStudy | CaseStudy,
    fields: Mapping[str, Sequence[object]],
    *,
    replicates: int | None = None,
    progress: Progress = silent,
) -> Swept:
    """Return everything that a sweep finds; errors as of `sweep`."""
    import polars as pl

    began = time.perf_counter()
    replicates = replicates_of(study, replicates)
    for path, values in fields.items():
        if not isinstance(values, list | tuple | range) or not values:
            raise ArgumentError(
                f'the values of "{path}" are {values!r:.40}. Allowed: a list of one value or more. Nearest: '
                f"[{values!r:.40}]. Write a list."
            )
    grid = [dict(zip(fields, values, strict=True)) for values in itertools.product(*fields.values())]
    studies = [study.replace(point) for point in grid]
    tables, analysed = [], []
    with parameters.recording() as used:
        for done, (point, changed) in enumerate(zip(grid, studies, strict=True)):
            progress("Runs", done / len(grid))
            found = run(held(changed), replicates=replicates)
            at = [pl.lit(str(value)).alias(path) for path, value in point.items()]
            tables.append(found.frame().select(*at, pl.all()))
            if found.analysed is not None:
                analysed.append(found.analysed.characteristics.select(*at, pl.all()))
    progress("Runs", 1.0)
    over = [f"{path}={','.join(map(str, values))}" for path, values in fields.items()]
    with parameters.beneath(study.parameters):
        command = repeat("sweep", study.word, own=study.parameters, over=over, replicates=replicates, seed=study.seed)
        wall_s = time.perf_counter() - began
        record = study_record(study, used, wall_s, command, replicates=replicates, runs=len(grid))
    is_held = isinstance(study, TrialStudy) and held(study).head.parameters == "frozen"
    characteristics = pl.concat(analysed) if analysed else None
    return Swept(study.name, tuple(fields), is_held, pl.concat(tables), characteristics, record)


def path_of(study: TrialStudy | CaseStudy, word: str) -> str:
    """Return the path of a field: as it was written, or the one path of the file that ends with these words.

    Raises
    ------
    StudyError
        Several paths end so, or none does.
    """
    known = replacing.paths(study.tables())
    if word in known or ("." in word and not any(one.endswith(f".{word}") for one in known)):
        return word  # what leads nowhere is refused by name when the study is changed
    found = [one for one in known if one.endswith(f".{word}")]
    if len(found) == 1:
        return found[0]
    if found:
        raise StudyError(
            f'{study.name} has {len(found)} fields "{word}". Allowed: one of {", ".join(found)}. Nearest: {found[0]}. '
            "Write as much of its path as tells it from the others."
        )
    ends = {one.rpartition(".")[2] for one in known}
    close = ", ".join(nearest(word, ends)) or "population.n"
    raise StudyError(
        f'{study.name} has no field "{word}". Allowed: a path as in the file. Nearest: {close}. Write the path, such '
        'as "population.n".'
    )
