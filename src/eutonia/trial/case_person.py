"""The person of a case and their lesion, from what the study file says."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from eutonia import _bounds
from eutonia.patient import Cohort, Lesion, Patient
from eutonia.patient.uses import USES
from eutonia.study.design import CaseStudy
from eutonia.study.lesion_mask import lesion_of_mask
from eutonia.study.other_uses import use_of

if TYPE_CHECKING:
    import xarray


# How variables begin that are of the drug and of harm, and not of tone.
_OF_EXPOSURE = ("dose", "plasma", "csf_brain", "brain", "risk", "without_drug")


def cohort_of(study: CaseStudy, lesion: Lesion) -> Cohort:
    """Return the person as a cohort of one: `Patient` is of adults, so a child's age and weight are put in after."""
    given = study.patient
    age, weight = max(float(given.age_year), _bounds.AGE.low), max(float(given.weight_kg), _bounds.WEIGHT.low)
    grown = Patient(age, weight, given.sex, given.creatinine_clearance_ml_per_min, given.side)
    ages, weights = np.array([float(given.age_year)]), np.array([float(given.weight_kg)])
    return dataclasses.replace(Cohort.of(grown, lesion, 0.0), age_year=ages, weight_kg=weights)


def lesion_of(study: CaseStudy) -> Lesion:
    """Return the lesion, on the side of the brain that weakens the affected side."""
    given = study.lesion
    if given.kind in USES:
        return Lesion.none()
    side = "left" if study.patient.side == "right" else "right"
    if given.mask is not None:
        return lesion_of_mask(study)
    if given.kind == "ischaemic":
        assert given.territory is not None
        return Lesion.ischaemic(given.territory, extent=given.extent, side=side)
    if given.kind == "haemorrhagic":
        assert given.site is not None
        assert given.volume_ml is not None
        return Lesion.haemorrhagic(given.site, given.volume_ml, side)
    if given.kind == "spinal cord injury":
        assert given.level is not None
        assert given.completeness is not None
        return Lesion.spinal(given.level, given.completeness)
    assert given.load is not None
    if given.kind == "brain injury":
        return Lesion.brain_injury(given.load)
    assert given.course is not None
    return Lesion.multiple_sclerosis(given.load, given.course)


def mask_record(lesion: Lesion) -> dict[str, Any]:
    """Return what the record of a run says of a person's own mask; nothing where there is none."""
    mask = lesion.mask
    if mask is None:
        return {}
    about = {"file": mask.name, "sha256": mask.digest, "copy": mask.copy_name, "volume_ml": round(mask.volume_mL, 3)}
    sides = {f"volume_{side}_ml": round(mask.volume_on(side), 3) for side in ("left", "right")}
    return {"lesion_mask": {**about, **sides, "side_that_counts": lesion.side}}


def without_tone(study: CaseStudy, course: xarray.Dataset) -> xarray.Dataset:
    """Return the course without what the model makes of tone, where baclofen is taken for something else."""
    if use_of(study) is None:
        return course
    return course[[name for name in course.data_vars if str(name).startswith(_OF_EXPOSURE)]]
