"""An option that nothing is done with is refused by name: left aside without a word it would seem to have been used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import eutonia
from eutonia.errors import EutoniaError

CASE = "case_ischaemic_tablets"
UNUSED: dict[tuple[str, ...], str] = {
    ("run", CASE, "--replicates", "40"): "replicates is 40, but case_ischaemic_tablets is a case",
    ("run", CASE, "--dry-run", "--potential-outcomes"): "potential_outcomes is True, but",
    ("run", CASE, "--block", "64"): "block is 64, but",
    ("run", CASE, "--workers", "2", "--resume"): "workers is 2, resume is True, but",
    ("run", CASE, "--scheduler", "tcp://10.0.0.1:8786"): "scheduler is tcp://10.0.0.1:8786, but",
    ("run", "loubser_1991", "--dry-run", "--potential-outcomes"): "nobody is allocated to one of several arms",
    ("sweep", CASE, "--over", "study.seed=1,2", "--replicates", "3"): "replicates is 3, but",
    ("sensitivity", CASE, "--replicates", "3"): "replicates is 3, but",
    ("sensitivity", CASE, "--most", "3"): "most is 3, and no Sobol indices",
    ("decision", CASE, "--tip", "T8"): "tip is T8 and route is tablets",
    ("exposure", "doses.csv", "--seed", "3"): "seed is 3, and nothing is drawn",
    ("parameters", "diff", "shipped", "shipped", "--format", "csv"): "diff is given --format csv",
    ("export", "--list", "--dose", "10 mg"): '--dose "10 mg" is given to the list of models',
    ("export", "--format", "adam"): '--format "adam" is given to the list of models',
    ("export", "receptor", "--as", "csv"): '--as "csv" is given to sbml of a model',
    ("export", "results", "--format", "adam", "--tip", "T8"): '--tip "T8" is given to adam of a result',
}


@pytest.mark.parametrize("words", UNUSED, ids=" ".join)
def test_an_option_without_use_is_refused_in_four_parts(
    words: tuple[str, ...],
    run: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(*words) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert UNUSED[words] in said
    for part in ("Allowed: ", "Nearest: "):
        assert part in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "call",
    [
        lambda: eutonia.run(eutonia.load_study(CASE), keep="kept"),
        lambda: eutonia.credibility(replicates=3),
        lambda: eutonia.credibility(CASE, replicates=3),
        lambda: eutonia.sweep(eutonia.load_study(CASE), {"study.seed": [1]}, replicates=3),
    ],
    ids=["run", "credibility of nothing", "credibility of a case", "sweep"],
)
def test_the_library_refuses_it_too(call: Callable[[], Any]) -> None:
    with pytest.raises(EutoniaError, match="Nearest: "):
        call()
