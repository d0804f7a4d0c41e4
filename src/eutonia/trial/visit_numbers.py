"""Numbers of visits, by which luck tells one visit from another: phases, periods and arms lie apart on one line.

Charted visits of a phase take the lower half of its places, visits of a policy the upper half. Policies may have many
visits in one period, so that those of the next count from far away.
"""

from __future__ import annotations

from eutonia.study.parts import MOST_VISITS_OF_A_PERIOD

_A_PHASE, _OF_POLICIES, _A_PERIOD, _AN_ARM = 10_000, 5_000, 1_000_000, 1_000_000
_RULES = 100


def charted(index: int, period: int = 0) -> int:
    """Return the number of the first charted visit of a period of a phase: who rates twice errs twice."""
    return index * _A_PHASE + period * MOST_VISITS_OF_A_PERIOD


def last_charted(index: int) -> int:
    """Return the number of a look beside all charted visits of a phase."""
    return index * _A_PHASE + _OF_POLICIES - 1


def of_policy(index: int, period: int = 0) -> int:
    """Return the number of the look before any dose of a policy; its visits count from there."""
    return index * _A_PHASE + period * _A_PERIOD + _OF_POLICIES


def attended(index: int, arm: int, visit: int) -> int:
    """Return the number of a visit that people of an arm may miss."""
    return index * _A_PHASE + arm * _AN_ARM + visit


def of_rule(index: int, rule: int) -> int:
    """Return the number of a rule of leaving of a phase."""
    return index * _RULES + rule
