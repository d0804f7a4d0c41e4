"""What the slow clock knows at one moment, kept as it is, so that many moments can be looked at together."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from eutonia._types import replaced
from eutonia.simulation.course import CourseState
from eutonia.simulation.lesion_course import LesionCourse, Lesioned
from eutonia.simulation.people import People
from eutonia.simulation.tissue import tissue_left
from eutonia.simulation.treated import changed
from eutonia.treatment import Effects


class Encounter(eqx.Module):
    """People at one moment: what the drug and tissue have come to, what other treatments do, what lesions have left.

    Without lesions tone stays as it was.
    """

    people: People
    state: CourseState
    effects: Effects
    lesioned: Lesioned | None

    def met(self, lesions: LesionCourse | None) -> tuple[People, Effects]:
        """Return the people as their lesion and what treatments have changed of it make them, and those effects."""
        people, found, tissue = as_lesioned(self.people, self.lesioned, lesions), self.effects, self.state.tissue
        if np.any(np.asarray(tissue.missing)):
            left = np.asarray(tissue_left(tissue, people.time_since_onset_h))
            found = replaced(found, tissue=found.tissue * left)
        return changed(people, found), found


def as_lesioned(people: People, by: Lesioned | None, lesions: LesionCourse | None) -> People:
    """Return people as lesions make them by a time; those without lesions as they are."""
    if by is None or lesions is None:
        return people
    bias, strength = by.tone_and_strength(lesions.constants)
    return replaced(people, bias=bias, strength=strength, time_since_onset_h=jnp.asarray(by.time_since_onset_h))
