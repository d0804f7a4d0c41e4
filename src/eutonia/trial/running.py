"""From a name on the command line to a result: load, prepare the numerics, run, show progress."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from eutonia.trial.design import CaseStudy, TrialStudy, load_study

if TYPE_CHECKING:
    from rich.console import Console

    from eutonia.trial.result import StudyResult

Progress = Callable[[str, float], None]


def load(study: str, *, seed: int | None = None, patients: int | None = None) -> TrialStudy | CaseStudy:
    """Read a study and replace its seed or number of people where asked."""
    given = load_study(study)
    return given.override(n=patients, seed=seed) if (seed, patients) != (None, None) else given


def run(
    study: TrialStudy | CaseStudy,
    *,
    replicates: int = 500,
    block: int = 1024,
    workers: int = 2,
    progress: Progress = lambda _stage, _share: None,
) -> StudyResult:
    """Run a trial or a case in 64-bit, with compiled programs kept on disk between runs.

    Parameters
    ----------
    study
        What `load_study` returned.
    replicates
        Number of replicate trials (a case has none).
    block, workers
        People computed together, and blocks at a time; neither changes a result.
    progress
        Called with a stage and the share of it that is done, 0 to 1.
    """
    prepare()
    if isinstance(study, CaseStudy):
        from eutonia.trial.case import run_case

        return run_case(study, progress)
    from eutonia.trial.run import RunOptions, run_trial

    return run_trial(study, RunOptions(replicates=replicates, block=block, workers=workers), progress)


def prepare() -> None:
    """Switch JAX to 64-bit and let it keep what it compiles."""
    import jax
    import platformdirs

    jax.config.update("jax_enable_x64", True)
    cache = platformdirs.user_cache_path("eutonia") / "compiled"
    jax.config.update("jax_compilation_cache_dir", str(cache))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)


@contextmanager
def progress(console: Console, *, quiet: bool) -> Iterator[Progress]:
    """Show a bar a stage on a terminal, nothing elsewhere or when quiet."""
    if quiet or not console.is_terminal:
        yield lambda _stage, _share: None
        return
    from rich.progress import BarColumn, TaskID, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description:12}"),
        BarColumn(),
        TextColumn("{task.percentage:3.0f} %"),
        TimeElapsedColumn(),
    )
    with Bars(*columns, console=console, transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def update(stage: str, share: float) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=1.0)
            bars.update(tasks[stage], completed=share)

        yield update
