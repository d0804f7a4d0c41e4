"""The process: nothing depends on the environment, on what was called first, or on how many threads call."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from compiled_programs import compiled_programs
from study_examples import tablets_begun

import eutonia
from eutonia import session
from eutonia.errors import SessionError
from eutonia.study.design import CaseStudy

_LOOKED = """
import hashlib, sys, threading
import eutonia
assert "jax" not in sys.modules, "importing eutonia imports jax"
study = eutonia.load_study("case_ischaemic_tablets").replace({"case.examine_every": "56 day"})
if "after" in sys.argv:
    eutonia.run(study)
def look(_=None):
    found = eutonia.examine_case(study, "threshold", at="day 130", limb="leg")
    bits = hashlib.sha256(b"".join(one.values.tobytes() for one in found.findings)).hexdigest()
    return bits, str(sorted(found.run["rests_on"].items())), found.run["precision"]
seen = {look(), look()}
if "threads" in sys.argv:
    threads = [threading.Thread(target=lambda: seen.add(look())) for _ in range(3)]
    [one.start() for one in threads]
    [one.join() for one in threads]
print(seen)
"""
# What other programs' users set; each of them changed a result, or all of it.
_HOSTILE = {
    "JAX_ENABLE_X64": "0",
    "JAX_THREEFRY_PARTITIONABLE": "0",
    "JAX_DEFAULT_PRNG_IMPL": "rbg",
    "JAX_RANDOM_SEED_OFFSET": "3",
    "JAX_DEFAULT_MATMUL_PRECISION": "bfloat16",
    "JAX_NUMPY_RANK_PROMOTION": "raise",
    "JAX_NUMPY_DTYPE_PROMOTION": "strict",
    "JAX_TRANSFER_GUARD": "disallow",
    "JAX_DEFAULT_DTYPE_BITS": "32",
    "JAX_CHECK_TRACER_LEAKS": "1",
    "JAX_DEBUG_NANS": "1",
    "JAX_DISABLE_JIT": "1",
    "JAX_NO_EXECUTION": "1",
}


def python(code: str, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *words],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.xdist_group("slow clock")
def test_same_bits_and_same_numbers_first_thing_twice_after_a_run_on_threads_and_in_any_environment() -> None:
    first = python(_LOOKED, "threads", **_HOSTILE)
    later = python(_LOOKED, "after")
    assert first.returncode == 0, first.stderr
    assert later.returncode == 0, later.stderr
    seen = ast.literal_eval(first.stdout)
    assert len(seen) == 1
    assert next(iter(seen))[2] == "64-bit"
    assert seen == ast.literal_eval(later.stdout)


@pytest.mark.xdist_group("slow clock")
def test_a_case_run_twice_rests_on_the_same_numbers() -> None:
    study = eutonia.parse_study(tablets_begun())
    assert isinstance(study, CaseStudy)
    runs = [eutonia.run(study).run for _ in range(2)]
    for what in ("counts_by_status", "sources", "assumed", "parameter_sets"):
        assert runs[0][what] == runs[1][what]


def test_an_array_of_numpy_is_copied_without_a_program_of_its_own() -> None:
    before = np.arange(1237.0)
    with compiled_programs() as names:
        after, one = jnp.asarray(before), jnp.asarray(2.5)
    before[0] = 7.0
    assert not names
    assert (after.dtype, float(after[0]), float(after[-1])) == (np.float64, 0.0, 1236.0)
    assert (one.dtype, one.weak_type, float(one)) == (np.float64, True, 2.5)


def test_32_bit_around_a_call_is_refused_not_taken() -> None:
    with jax.enable_x64(False), pytest.raises(SessionError, match="jax_enable_x64"):
        session.begin()


def test_linear_algebra_has_one_thread_whatever_the_environment_says_and_whenever_it_is_loaded() -> None:
    # Two threads for many small matrices waited for each other: a fit beside other work took seven times as long.
    code = """
import numpy, threadpoolctl
from eutonia import session
session.begin()
import scipy.linalg
print([one["num_threads"] for one in threadpoolctl.threadpool_info() if one["user_api"] == "blas"])
"""
    told = python(code, OPENBLAS_NUM_THREADS="3", MKL_NUM_THREADS="3")
    assert set(ast.literal_eval(told.stdout or "[]")) == {1}, told.stderr


def test_damaged_compiled_programs_are_told_once_and_made_again(tmp_path: Path) -> None:
    code = """
from eutonia import _streams
import numpy as np
print(_streams.normal(_streams.keys(1, _streams.Purpose.BIAS, np.arange(4)), 2).sum())
"""
    here = {"XDG_CACHE_HOME": str(tmp_path)}
    fresh = python(code, **here)
    entries = sorted(tmp_path.glob("eutonia/compiled/*/*-cache"))
    assert len(entries) >= 2
    for entry in entries:
        entry.write_bytes(entry.read_bytes()[:40])
    damaged, mended = python(code, **here), python(code, **here)
    assert [fresh.stdout, fresh.stderr] == [damaged.stdout, ""]
    assert damaged.stderr.count("\n") == 1
    assert "were damaged; they are deleted" in damaged.stderr
    assert [mended.stdout, mended.stderr] == [fresh.stdout, ""]


def test_a_cache_that_cannot_be_written_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "eutonia").write_text("a file where a folder should be")
    code = "from eutonia import _streams; import numpy as np; _streams.keys(1, _streams.Purpose.BIAS, np.arange(4))"
    found = python(f"{code}; _streams.normal(_streams.keys(1, 4, np.arange(4)), 2)", XDG_CACHE_HOME=str(tmp_path))
    assert found.returncode == 0, found.stderr
    assert found.stderr.count("\n") == 1
    assert "cannot be kept" in found.stderr
