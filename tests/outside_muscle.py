"""A muscle group that another package brings; the records of its joint lie in `outside_joint`."""

from pathlib import Path

from eutonia.limb.muscle import MusclePlace

RECORDS = Path(__file__).parent / "outside_joint"
SHOULDER_ADDUCTORS = MusclePlace("shoulder adductors", "shoulder", "arm")
