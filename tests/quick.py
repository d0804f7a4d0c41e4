"""Fits of recordings that take a tenth of the time."""

from __future__ import annotations

import pytest

_DRAWS = {"_ROUND": 64, "_ENOUGH": 30.0, "_MOST_ROUNDS": 3, "_STROLL": 1, "_HANDED": 128, "_FEWEST": 40.0}
_FEW = {"sample": _DRAWS, "search": {"_STARTS": 48, "_LEFT": 16}, "walk": {"_STEPS": 25}, "forward": {"AT_ONCE": 128}}


def fits(patch: pytest.MonkeyPatch) -> None:
    """Let a fit make fewer draws, from fewer places, of the same kind."""
    for module, values in _FEW.items():
        for name, value in values.items():
            patch.setattr(f"eutonia.inference.{module}.{name}", value)
