"""Results as people meet them: prose where one is shown, and one tidy frame of the same numbers."""

from __future__ import annotations

import html
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars


class Printed(ABC):
    """A result that prints as prose, on a screen and in a notebook."""

    @abstractmethod
    def prose(self) -> str:
        """Return what was found, in a few sentences with units."""

    @abstractmethod
    def frame(self) -> polars.DataFrame:
        """Return every number as a tidy table: one row a number, with its unit."""

    def __repr__(self) -> str:
        """Print as prose."""
        return self.prose()

    def _repr_html_(self) -> str:
        """Show prose and table in a notebook."""
        return f"<p>{html.escape(self.prose())}</p>{self.frame()._repr_html_()}"
