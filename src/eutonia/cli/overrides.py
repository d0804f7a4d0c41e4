"""The option that puts another number in the place of a record's, for one command."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eutonia.cli.app import held
from eutonia.errors import ParameterError

if TYPE_CHECKING:
    from eutonia.parameters import Used

_EXAMPLE = '--set "receptor.ec50=180 ng/mL"'


def begin(given: list[str] | None) -> list[str] | None:
    """Let overrides hold until the command ends; return what is no override: it has no point before the sign."""
    texts = [text for text in given or () if "." in text.partition("=")[0] or "=" not in text]
    rest = [text for text in given or () if text not in texts]
    if texts:
        from eutonia import parameters

        found: dict[str, str | float] = {}
        for text in texts:
            name, equals, value = (part.strip() for part in text.partition("="))
            if not equals or not name or not value:
                raise ParameterError(f'--set "{text}" is not NAME=VALUE. Allowed: such as {_EXAMPLE}. Write it so.')
            if name in found:
                raise ParameterError(f"--set gives {name} twice. Allowed: one value each. Remove one.")
            found[name] = value
        held.enter_context(parameters.using(found))
    return rest or None


def alone(given: list[str] | None) -> list[str] | None:
    """Do the same for a command that has nothing else to set."""
    if rest := begin(given):
        name = rest[0].partition("=")[0].strip()
        raise ParameterError(
            f'--set "{rest[0]}": "{name}" names no record of a set. Allowed: SET.NAME. Nearest: such as {_EXAMPLE}. '
            "See: eutonia parameters"
        )
    return None


Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="SET.NAME=VALUE",
        callback=alone,
        help='Another number instead of a record\'s, such as "receptor.ec50=180 ng/mL"; may be given again.',
    ),
]


def tell(found: Used | Mapping[str, Any], say: Callable[[str], Any]) -> None:
    """Print every number that was changed, and those on which nothing rests, by what was read or a run's record."""
    from eutonia.parameters import Used
    from eutonia.report import words
    from eutonia.trial.record import overrides

    for line in words.overridden({"overrides": overrides(found)} if isinstance(found, Used) else found):
        say(f"{line}.")
