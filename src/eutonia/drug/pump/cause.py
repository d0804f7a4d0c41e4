"""Why the tip gives another rate than is wanted: of all that lies between program and tip, what changes it most.

Equation
    tip / wanted is a product: strength at the tip over that in the reservoir, that over what the programmer holds, flow
    that the device runs over the flow it is told, share that a kink passes, share that a leak keeps, 1 + error of
    flow. The cause is the factor that is furthest from 1 on a logarithmic scale.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from eutonia.drug.pump.implant import Piece, Pump

EMPTY, STILL, KINK, LEAK, ERROR = "empty", "still", "kink", "leak", "error of flow"
NO_DRUG, SOLUTION, TOLD, LOWEST, HIGHEST = "no drug", "solution", "told", "lowest flow", "highest flow"
PRIME, BRIDGE, FLUSH, PATIENT, MAGNET = "prime", "bridge", "flush", "patient bolus", "magnet"
# What goes wrong with a bridge: it is slower or faster than the pump can run, or runs on with another solution.
BRIDGE_LOWEST, BRIDGE_HIGHEST, BRIDGE_SOLUTION = "bridge lowest flow", "bridge highest flow", "bridge solution"

# Two rates that differ by less than this share are the same; far above rounding.
_SAME = 1e-9


@dataclass(frozen=True, slots=True)
class Order:
    """What the pump is told to do: `flow` in mL/h for drug of `strength` ug/mL, for the `wanted` rate in ug/h.

    `running` names the bolus that overrides the program, if one does.
    """

    flow: float
    strength: float
    wanted: float
    running: str = ""


def cause(pump: Pump, piece: Piece, order: Order) -> str:
    """Return why the tip does not give the wanted rate in a piece; empty if it does, or nothing was wanted.

    Parameters
    ----------
    pump
        At the start of the piece.
    piece
        A span of constant delivery.
    order
        What the pump is told.
    """
    if abs(piece.delivered - order.wanted) <= _SAME * max(piece.delivered, order.wanted):
        return ""
    if piece.flow == 0.0 and order.flow > 0.0:
        if pump.is_halted:
            return STILL
        return KINK if pump.passes == 0.0 else ERROR if pump.flow_error <= -1.0 else EMPTY
    if order.running in (PRIME, MAGNET) and piece.delivered > order.wanted:
        return order.running
    if piece.strength == 0.0:
        return NO_DRUG
    if order.flow == 0.0:
        return order.running
    is_bridge = order.running == BRIDGE
    lowest, highest, solution = (
        (BRIDGE_LOWEST, BRIDGE_HIGHEST, BRIDGE_SOLUTION) if is_bridge else (LOWEST, HIGHEST, SOLUTION)
    )
    runs = pump.device.runs(order.flow) / order.flow
    meant = order.wanted / order.flow if order.wanted > 0.0 else order.strength
    factors = {
        solution: piece.strength / (order.strength if is_bridge else pump.concentration),
        TOLD: 1.0 if is_bridge else pump.concentration / order.strength,
        lowest if runs > 1.0 else highest: runs,
        KINK: pump.passes,
        LEAK: 1.0 - pump.leaks,
        ERROR: 1.0 + pump.flow_error,
        order.running or "program": order.strength / meant if meant > 0.0 else 1.0,
    }
    return max(factors, key=lambda name: abs(math.log(factors[name])) if factors[name] > 0.0 else math.inf)
