"""The check of types in the tests themselves: it is there, it ends, and every file of tests begins it again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jaxtyping
import pytest
import typed
from jaxtyping import TypeCheckError, jaxtyped

from eutonia.trial import blocks


@jaxtyped(typechecker=typed.checked)
def half(x: float) -> float:
    return x / 2


def test_the_program_is_checked() -> None:
    with pytest.raises(TypeCheckError):
        blocks.width_for("9", 64)  # type: ignore[arg-type]


def test_a_wrong_type_is_refused_in_the_first_calls_and_again_in_another_file() -> None:
    with pytest.raises(TypeCheckError):
        half("1")  # type: ignore[arg-type]
    for _ in range(typed.CALLS):
        half(1.0)
    with pytest.raises(TypeError, match="unsupported operand"):
        half("1")  # type: ignore[arg-type]
    typed.begin_again()
    with pytest.raises(TypeCheckError):
        half("1")  # type: ignore[arg-type]


def test_a_function_within_a_function_is_checked_where_it_is_made_first() -> None:
    def made() -> Callable[[Any], int]:
        @jaxtyping.jaxtyped(typechecker=typed.checked)
        def inner(given: int) -> int:
            return given

        return inner

    typed.begin_again()
    first, again, later = (made() for _ in range(typed.MADE + 1))
    for checked in (first, again):
        with pytest.raises(TypeCheckError):
            checked("x")
    assert later("x") == "x"
    typed.begin_again()
    with pytest.raises(TypeCheckError):
        made()("x")
