"""Which programs are compiled, for tests of what must not be compiled again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from jax import monitoring


@contextmanager
def compiled_programs() -> Iterator[list[str]]:
    """Give a list of the names of the programs that are compiled from here on."""
    names: list[str] = []

    def note(event: str, _: float, **of: object) -> None:
        if event == "/jax/core/compile/backend_compile_duration":
            names.append(str(of.get("fun_name")))

    monitoring.register_event_duration_secs_listener(note)
    try:
        yield names
    finally:
        monitoring.unregister_event_duration_listener(note)
