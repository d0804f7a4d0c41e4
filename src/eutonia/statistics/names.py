"""Names of what statistics may suppose, for whoever has to know them before anything is computed."""

from __future__ import annotations

from typing import Literal

Structure = Literal[
    "unstructured",
    "heterogeneous toeplitz",
    "heterogeneous autoregressive",
    "heterogeneous compound symmetry",
    "toeplitz",
    "autoregressive",
    "compound symmetry",
]

#: How the level of a trial may be spent over its looks.
Spending = Literal["O'Brien-Fleming", "Pocock"]
