"""What belongs to the process: 64-bit, random numbers, threads of linear algebra, compiled programs on disk, the
processor's instructions.

Every public entry calls `begin` first, so that no result depends on the environment or on what was called before.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import platform
import re
import subprocess
import sys
import threading
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from eutonia.errors import SessionError

#: The generator behind every draw (`_streams`): counters of 2 x 32 bits, computed in any order.
GENERATOR = "threefry2x32"
# Whatever changes a number in JAX, and what it is here; the environment and other programs may have set them otherwise.
_PINNED: Mapping[str, object] = {
    "jax_default_prng_impl": GENERATOR,
    "jax_threefry_partitionable": True,
    "jax_random_seed_offset": 0,
    "jax_default_matmul_precision": None,
    "jax_numpy_dtype_promotion": "standard",
    "jax_numpy_rank_promotion": "allow",
    "jax_disable_jit": False,
    "jax_transfer_guard": None,
    "jax_transfer_guard_host_to_device": None,
    "jax_transfer_guard_device_to_device": None,
    "jax_transfer_guard_device_to_host": None,
    "jax_debug_nans": False,
    "jax_debug_infs": False,
    "jax_check_tracer_leaks": False,
    "jax_no_execution": False,
}
_KEPT: Mapping[str, object] = {
    "jax_persistent_cache_min_compile_time_secs": 0.0,
    "jax_persistent_cache_min_entry_size_bytes": 0,
}
# Many small matrices, often beside other work: a second thread of linear algebra would only wait for the first.
_LINEAR_ALGEBRA = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
_FAST = 32
# Tells the processes that this one starts which of XLA's flags were tried.
_TRIED = "EUTONIA_TRIED_XLA_FLAGS"
_NO_DEVICE = ("Unable to initialize backend", "Unknown backend")
_CACHE_TROUBLE = re.compile(r"Error (reading|writing) persistent compilation cache entry for '([\w.<>-]+)': (.*)", re.S)

_lock = threading.RLock()
_log = logging.getLogger("eutonia")
_bits: Literal[32, 64] = 64
_is_ready = False


def begin() -> None:
    """Set what the process owns, and check that it holds: 64-bit, random numbers, compiled programs kept on disk.

    Safe to call again and from any thread; costs microseconds after the first time.

    Raises
    ------
    SessionError
        JAX cannot start on the device that the environment asks for, or 64-bit is switched off around this call.
    """
    global _is_ready
    with _lock:
        config = _jax().config
        _pin(config)
        if not _is_ready:
            _keep_compiled(config)
            _start_device()
            _copy_arrays()
            _one_thread_of_linear_algebra()
            _is_ready = True


def begin_if_computing() -> None:
    """Begin, if JAX is there at all: reading a number to print it does not need JAX."""
    if "jax" in sys.modules:
        begin()


def concretely() -> contextlib.AbstractContextManager[None]:
    """Make arrays that are numbers, also while a program is being compiled: what is kept must not belong to it."""
    if "jax" not in sys.modules:
        return contextlib.nullcontext()
    import jax

    return jax.ensure_compile_time_eval()


def set_bits(bits: Literal[32, 64]) -> None:
    """Compute in 32-bit from here on, or in 64-bit again: 32 is the fast mode, whose difference benchmarks print."""
    global _bits
    _bits = bits
    begin()


def bits() -> Literal[32, 64]:
    """Return how many bits a number has in this process."""
    return _bits


def facts() -> dict[str, Any]:
    """Return what a record has to say of the process for the same bits: precision, random numbers, machine."""
    import jax

    begin()
    flags = os.environ.get("XLA_FLAGS", "").split()
    return {
        "precision": f"{_bits}-bit",
        "random_numbers": {"generator": GENERATOR, "partitionable": True},
        "instruction_set": instruction_set(),
        "device": str(jax.devices()[0].device_kind),
        "platform": f"{platform.platform()}, Python {platform.python_version()}, JAX {jax.__version__}",
        **({"compiler_flags": flags} if flags else {}),
    }


@functools.cache
def instruction_set() -> str:
    """Return the processor's kind and its widest vector instructions, such as "x86_64 AVX512_ICL".

    The same seed gives the same bits on one instruction set.
    """
    import numpy as np

    found: Any = np.show_config(mode="dicts")
    sets = found.get("SIMD Extensions", {})
    widest = [*sets.get("baseline", []), *sets.get("found", [])][-1:]
    return " ".join([platform.machine() or "unknown", *widest])


def compiled_folder() -> Path | None:
    """Return the folder of compiled programs, one an instruction set; none if the user has no home."""
    import platformdirs

    folder = platformdirs.user_cache_path("eutonia") / "compiled" / instruction_set().replace(" ", "-")
    return folder if folder.is_absolute() else None


def _jax() -> Any:
    """Import JAX; it refuses to start on an environment that it cannot read."""
    try:
        import jax
    except ValueError as trouble:
        raise (cannot_start(trouble) or trouble) from None
    return jax


def cannot_start(trouble: Exception) -> SessionError | None:
    """Return the error that says why JAX does not start, if that is what `trouble` is about; else none."""
    first = next(iter(str(trouble).splitlines()), "")
    if any(sign in first for sign in _NO_DEVICE):
        return _no_device(first)
    if isinstance(trouble, ValueError) and "JAX_" in first:
        return SessionError(
            f"JAX cannot start: {first.rstrip('.')}. Allowed: variables JAX_... as JAX documents them. Nearest: none; "
            "Eutonia needs none. Remove that variable from the environment."
        )
    return None


def _no_device(first: str) -> SessionError:
    names = ("JAX_PLATFORMS", "JAX_PLATFORM_NAME")
    name = next((name for name in names if os.environ.get(name)), names[0])
    return SessionError(
        f'JAX finds no device: {name} is "{os.environ.get(name, "")}" ({first or "it names none"}). '
        f"Allowed: a device of this machine and of the JAX that is installed. Nearest: {name}=cpu. Write that, or "
        "remove the variable."
    )


def _pin(config: Any) -> None:
    """Set each value that differs, and refuse what cannot be set."""
    for name, value in {"jax_enable_x64": _bits != _FAST, **_PINNED}.items():
        if getattr(config, name) == value:
            continue
        config.update(name, value)
        if getattr(config, name) != value:
            raise SessionError(
                f"{name} is {getattr(config, name)!r} around this call, and Eutonia computes with {value!r} only. "
                "Nearest: a call of Eutonia outside that `with` block of JAX. Move it there."
            )


def _start_device() -> None:
    """Let JAX find its device now, where it can be explained."""
    import jax

    _try_flags()
    try:
        jax.devices()
    except (RuntimeError, AssertionError) as trouble:  # JAX asserts that a named device is there
        raise _no_device(next(iter(str(trouble).splitlines()), "")) from None


def _copy_arrays() -> None:
    """Let an array of NumPy become one of JAX by a copy; JAX 0.10 compiles a program for each new shape: 16 ms."""
    import jax
    import numpy as np

    def copied(given: Any) -> jax.Array:
        # Without a copy of NumPy's both may share memory.
        return given if isinstance(given, jax.Array) else jax.device_put(np.array(given) if np.ndim(given) else given)

    if (stage := getattr(jax.lax, "stage_p", None)) is not None:
        stage.def_impl(copied)


def _try_flags() -> None:
    """Let another process read XLA's flags first, if there are any: an unknown one ends the process that reads it.

    A process that starts others tries them for all.
    """
    flags = os.environ.get("XLA_FLAGS", "")
    if not flags.strip() or flags == os.environ.get(_TRIED):
        return
    words = [sys.executable, "-c", "import jax; jax.devices()"]
    tried = subprocess.run(words, capture_output=True, text=True, check=False)
    if tried.returncode == 0 or "XLA_FLAGS" not in tried.stderr:
        os.environ[_TRIED] = flags
        return
    why = next(line for line in tried.stderr.splitlines() if "XLA_FLAGS" in line).partition("] ")[2] or "unreadable"
    raise SessionError(
        f'XLA cannot start: XLA_FLAGS is "{flags}" ({why.rstrip(".")}). Allowed: flags of the XLA that is installed, '
        "each as --xla_NAME=VALUE. Nearest: none; Eutonia needs none. Remove that variable from the environment."
    )


def _one_thread_of_linear_algebra() -> None:
    """Limit the libraries that are loaded, and those still to come; how a sum is parted belongs to no machine."""
    import threadpoolctl

    os.environ.update(dict.fromkeys(_LINEAR_ALGEBRA, "1"))
    threadpoolctl.threadpool_limits(limits=1, user_api="blas")


def _keep_compiled(config: Any) -> None:
    """Let JAX keep what it compiles, and take care of entries that are damaged or cannot be written."""
    folder = compiled_folder()
    if folder is None:
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as trouble:
        _log.warning(_told("writing", folder, str(trouble.strerror)))
        return
    for name, value in {"jax_compilation_cache_dir": str(folder), **_KEPT}.items():
        config.update(name, value)
    shown, told = warnings.showwarning, set[str]()

    def show(message: Warning | str, *where: Any, **more: Any) -> None:
        trouble = _CACHE_TROUBLE.match(str(message))
        if trouble is None:
            shown(message, *where, **more)
            return
        what, program, reason = trouble.groups()
        for entry in folder.glob(f"{program}-*"):
            with contextlib.suppress(OSError):
                entry.unlink()
        if what not in told:
            told.add(what)
            _log.warning(_told(what, folder, reason))

    warnings.showwarning = show


def _told(what: str, folder: Path, reason: str) -> str:
    if what == "reading":
        return f"Compiled programs in {folder} were damaged; they are deleted and made again."
    return f"Compiled programs cannot be kept in {folder} ({reason.splitlines()[0]}); each run compiles anew."
