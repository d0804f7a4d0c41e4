"""Arms on the clock that several tests share."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from study_examples import STROKE

from eutonia.drug.effect.adverse import REACTIONS
from eutonia.drug.effect.gaba_b import Receptor
from eutonia.drug.kinetics import Kinetics
from eutonia.simulation.people import People, Traits
from eutonia.study.design import TrialStudy, parse_study
from eutonia.study.parts import Arm
from eutonia.trial.arms import ArmRun
from eutonia.trial.reactions import ReactionWatch


def arm_run(arm: Arm, member: np.ndarray, end_h: float) -> ArmRun:
    """Return an arm in a period of which nothing is known before, and in which no reaction comes to anybody."""
    never = np.full((len(REACTIONS), len(member)), np.inf)
    return ArmRun(arm, member, end_h, 0, None, ReactionWatch(arm, "cerebral", never))


N = 8

INFUSION = 'product = "Lioresal Intrathecal"\nroute = "intrathecal infusion"\ntip = "T10"\n'
TABLETS = 'product = "baclofen tablets"\nroute = "oral"\ndose = "{dose}"\nevery = "8 hour"\n'

HEAD = (
    '[study]\nname = "windows"\ntitle = "Windows of treatments, for tests"\nkind = "trial"\nseed = 3\n'
    + "[population]\nn = 6\npool = 2048\n"
    + STROKE
    + '[assessment]\nside = "affected"\nlimbs = ["leg"]\nscales = ["ashworth"]\nrater = "noiseless"\n'
    + '[[phase]]\nname = "only"\ndesign = "DESIGN"\nmasking = "open"\nnonspecific = false\ndropout = false\n'
    + "visits = [VISITS]\n"
)


def study(*arms: tuple[list[str], str], visits: str = '"0 day", "14 day"') -> TrialStudy:
    """Return a study with one phase; an arm is its treatments and its titration."""
    text = HEAD.replace("DESIGN", "single" if len(arms) == 1 else "parallel").replace("VISITS", visits)
    for number, (treatments, titration) in enumerate(arms):
        text += f'[[phase.arm]]\nname = "arm {number}"\n'
        text += "".join(f"[[phase.arm.treatment]]\n{one}" for one in treatments)
        text += f"[phase.arm.titration]\n{titration}\n" if titration else ""
    found = parse_study(text)
    assert isinstance(found, TrialStudy)
    return found


def arm(*treatments: str, titration: str = "") -> Arm:
    return study((list(treatments), titration)).phases[0].arms[0]


def some_people() -> People:
    receptor = Receptor.typical().draw(jnp.zeros((2, N)), (0.0, 0.0))
    one, zero = jnp.ones(N), jnp.zeros((2, N))
    return People(
        person=jnp.arange(N),
        weight_kg=70.0 * one,
        kinetics=Kinetics.typical(N),
        receptor=receptor,
        traits=Traits(jnp.zeros((8, N)), zero, zero, zero, zero),
        bias=jnp.linspace(1.0, 4.5, N) * jnp.ones((2, N)),
        strength=jnp.ones((2, N)),
        time_since_onset_h=8766.0 * one,
    )


def same_bits(one: Any, other: Any) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True))
