"""Types that many modules share."""

from __future__ import annotations

from typing import Any, TypeVar

from jaxtyping import Array, Float

# One number of the science: a plain number, or a traced one when a calibration varies it inside a compiled program.
Scalar = float | int | Float[Array, ""]

Module = TypeVar("Module")


def replaced(module: Module, **changes: Any) -> Module:
    """Return an Equinox module with other values of some fields: what `dataclasses.replace` does, without the checks of
    what it was made with, which take ten times as long.
    """
    assert changes.keys() <= vars(module).keys()
    found = object.__new__(type(module))
    vars(found).update(vars(module), **changes)
    return found
