"""Every bedside test, one file each; `TESTS` holds them by name. From outside: `register(BedsideTest(...))`."""

from __future__ import annotations

from collections.abc import Mapping

from eutonia.examination.abstract import BedsideTest as BedsideTest
from eutonia.registry import Registry

#: In the order in which pages show them.
_OURS = (
    "pendulum",
    "clonus",
    "tardieu",
    "threshold",
    "ashworth",
    "tendon",
    "split",
    "h_reflex",
    "f_wave",
    "depression",
    "inhibition",
)

TESTS: Registry[BedsideTest] = Registry(
    "bedside test", "eutonia.bedside_tests", [f"{__name__}.{name}:TEST" for name in _OURS], lambda test: test.name
)
register = TESTS.register


def groups() -> Mapping[str, tuple[str, ...]]:
    """Return the tests that one name stands for: all that move a limb, all that shock a nerve, all."""
    of = {name: test.group for name, test in TESTS.items()}
    return {
        "bedside": tuple(name for name, group in of.items() if group == "bedside"),
        "nerve": tuple(name for name, group in of.items() if group == "nerve"),
        "all": tuple(of),
    }
