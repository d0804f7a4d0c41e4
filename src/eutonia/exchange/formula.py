"""Infix text that grows by arithmetic: what the kinetics compute of numbers becomes their equations, given names."""

from __future__ import annotations

from dataclasses import dataclass

_SUM, _PRODUCT, _POWER, _NAME = range(4)  # how strongly a formula holds together


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula as text; sums, products and powers of it are formulas."""

    text: str
    holds: int = _NAME

    def __str__(self) -> str:
        """Return the text."""
        return self.text

    def __add__(self, other: Formula | float | int) -> Formula:
        return self._joined("+", _of(other), _SUM)

    def __radd__(self, other: float | int) -> Formula:
        return _of(other) + self

    def __sub__(self, other: Formula | float | int) -> Formula:
        return self._joined("-", _of(other), _SUM)

    def __rsub__(self, other: float | int) -> Formula:
        return _of(other) - self

    def __mul__(self, other: Formula | float | int) -> Formula:
        return self if other == 1.0 else self._joined("*", _of(other), _PRODUCT)

    def __rmul__(self, other: float | int) -> Formula:
        return self if other == 1.0 else _of(other) * self

    def __truediv__(self, other: Formula | float | int) -> Formula:
        return self._joined("/", _of(other), _PRODUCT)

    def __rtruediv__(self, other: float | int) -> Formula:
        return _of(other) / self

    def __pow__(self, power: float | int) -> Formula:
        return Formula(f"{self._within(_NAME)}^{power:g}", _POWER)

    def _joined(self, sign: str, other: Formula, holds: int) -> Formula:
        # What stands on the right is held together where order counts: a - (b - c), a / (b * c).
        return Formula(f"{self._within(holds)} {sign} {other._within(holds + 1)}", holds)

    def _within(self, holds: int) -> str:
        return self.text if self.holds >= holds else f"({self.text})"


def _of(value: Formula | float | int) -> Formula:
    return value if isinstance(value, Formula) else Formula(f"{value:.17g}", _NAME if value >= 0 else _SUM)
