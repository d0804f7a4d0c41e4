"""Where the angle of each joint is zero: the muscle that is stretched is shortest there, and angles grow with it."""

from __future__ import annotations

from collections.abc import Mapping

#: Names of anatomy for help, pages and messages.
ZEROS: Mapping[str, str] = {
    "knee": "0 is the straight leg (level shank of a pendulum test), 90 the hanging shank",
    "elbow": "0 is full flexion, 130 the straight arm (flexors are stretched)",
    "wrist": "0 is 60 deg of flexion, 60 the straight hand (flexors are stretched)",
    "fingers": "0 is the fist, 90 the straight fingers (flexors are stretched)",
    "hip": "0 is 15 deg of adduction, 15 the straight leg (adductors are stretched)",
    "ankle": "0 is full plantarflexion, 40 the foot at a right angle (plantarflexors are stretched)",
}
