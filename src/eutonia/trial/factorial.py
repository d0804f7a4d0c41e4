"""The effects of a factorial phase: of each factor, by all people, with the other as a term; and of both together.

Equation
    y = 1 + a + b + baseline            the effect of the factor a
    y = 1 + ab + a + b + baseline       the interaction ab
a and b are 1 for who is given the factor, else 0. The variance of an effect is 4 s²/N, a half of that of two arms of a
quarter of the people each; that of the interaction is 16 s²/N.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from eutonia.study.factorial import CELLS

if TYPE_CHECKING:
    from eutonia.study.analysis_plan import AnalysedEndpoint
    from eutonia.study.parts import Phase
    from eutonia.trial.analysis import Outcome
    from eutonia.trial.endpoints import Contrast
    from eutonia.trial.statistics import Values


def asked(phase: Phase, given: AnalysedEndpoint) -> tuple[str, str, Mapping[str, tuple[int, ...]]]:
    """Return what an endpoint of factors compares, in two names, and what each arm has in each term of its model."""
    (first, second), cells = (factor.name for factor in phase.factors), np.array(CELLS, dtype=int)
    if given.interaction:
        names, terms = (f"{first} with {second}", f"{first} without {second}"), [cells.prod(axis=1), *cells.T]
    else:
        mine = int(given.factor == second)
        names = (str(given.factor), f"no {given.factor}")
        terms = [cells[:, mine], cells[:, 1 - mine]]
    rows = np.stack(terms, axis=1).tolist()
    return *names, {arm.name: tuple(row) for arm, row in zip(phase.arms, rows, strict=True)}


def others(outcome: Outcome, contrast: Contrast) -> Float[np.ndarray, "trial person term"]:
    """Return what everybody has in the terms of the model that are not asked for; no terms where two arms compare."""
    arms = [arm.name for arm in contrast.phase.arms]
    count = len(next(iter(contrast.terms.values()))) - 1
    rows = np.array([contrast.terms.get(name, (0,) * (count + 1))[1:] for name in arms], dtype=float)
    which = np.maximum(outcome.assigned[contrast.phase.name], 0)
    people = len(which) // outcome.n_replicates
    return rows.reshape(len(arms), count)[which].reshape(outcome.n_replicates, people, count)


def sides(outcome: Outcome, contrast: Contrast) -> tuple[Values, Values]:
    """Return two numbers of everybody, whose difference is what the endpoint asks for: of two arms what they would have
    in each, of factors the same over all four arms, each of which weighs alike.
    """
    found = [np.zeros(len(outcome.member)), np.zeros(len(outcome.member))]
    share = 1.0 if contrast.given.interaction else 2.0 / len(contrast.terms)
    for name, (first, *rest) in contrast.terms.items():
        is_added = rest[0] == rest[1] if contrast.given.interaction else bool(first)
        value = contrast.target(contrast.scores(outcome, name), contrast.goes_on(outcome, name))
        found[0 if is_added else 1] += share * value
    return found[0], found[1]


def told(contrast: Contrast) -> str:
    """Return what the difference of an endpoint of factors says."""
    first, second = (factor.name for factor in contrast.phase.factors)
    if contrast.given.interaction:
        return (
            f"Factorial: by how much more {first} does with {second} than without it. Its error is twice that of the "
            "effect of a factor, so that a trial which is large enough for the factors may well miss it."
        )
    other = second if contrast.given.factor == first else first
    return (
        f"Factorial: everybody counts, given {contrast.given.factor} or not, with {other} as a term: the mean of its "
        f"effects with and without {other}. It is one number for all only where the two do not act on each other."
    )
