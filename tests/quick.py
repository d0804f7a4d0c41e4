"""Fits of recordings that take a tenth of the time, and programs of fits that run fast."""

from __future__ import annotations

import functools
from types import ModuleType

import equinox as eqx
import jax
import pytest

from eutonia import _compiled
from eutonia.drug.exposure import engine as exposure
from eutonia.inference import forward
from eutonia.statistics import mmrm, proportional_odds

# XLA's newer code for fused loops takes longer to compile (see conftest.py), and follows a candidate in two thirds of
# the time; a fit follows many thousands.
_NEWER = {"xla_cpu_use_fusion_emitters": True}
# Programs that run a few times in a test, each of many shapes, are compiled to plain code in a quarter of the time; it
# runs for twice as long.
_PLAIN = {"xla_backend_optimization_level": 0}
_SELDOM: tuple[tuple[ModuleType, str, tuple[str, ...]], ...] = (
    (mmrm, "_fits", ("structure",)),
    (proportional_odds, "_fits", ("cuts",)),
    (exposure, "_tabled", ("structure", "halved")),
    (exposure, "_steady_states", ("structure", "halved")),
)
_DRAWS = {"_ROUND": 64, "_ENOUGH": 30.0, "_MOST_ROUNDS": 3, "_STROLL": 1, "_HANDED": 128, "_FEWEST": 40.0}
_FEW = {"sample": _DRAWS, "search": {"_STARTS": 48, "_LEFT": 16}, "walk": {"_STEPS": 25}, "forward": {"AT_ONCE": 128}}
_SCANTY = {"_ROUND": 32, "_ENOUGH": 5.0, "_MOST_ROUNDS": 1, "_HANDED": 64, "_FEWEST": 5.0}
_ROUGH = {"sample": _DRAWS | _SCANTY, "search": {"_STARTS": 8, "_LEFT": 4}, "walk": {"_STEPS": 4}}


def fits(patch: pytest.MonkeyPatch, *, rough: bool = False) -> None:
    """Let a fit make fewer draws, from fewer places, of the same kind; so few, where rough, that they may miss it."""
    for module, values in (_FEW | (_ROUGH if rough else {})).items():
        for name, value in values.items():
            patch.setattr(f"eutonia.inference.{module}.{name}", value)


def code() -> None:
    """Let the programs that follow candidates be compiled to the code that runs fast."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(eqx, "filter_jit", functools.partial(eqx.filter_jit, compiler_options=_NEWER))
        for name in ("_swing", "_stretch"):
            setattr(forward, name, _compiled.compiled(getattr(forward, name).__wrapped__))
    for module, name, settings in _SELDOM:
        program = jax.jit(getattr(module, name).__wrapped__, static_argnames=settings, compiler_options=_PLAIN)
        setattr(module, name, program)
