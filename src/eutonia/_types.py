"""Types that many modules share."""

from __future__ import annotations

from jaxtyping import Array, Float

# One number of the science: a plain number, or a traced one when a calibration varies it inside a compiled program.
Scalar = float | int | Float[Array, ""]
