"""The person of a case and their lesion, from what the study file says."""

from __future__ import annotations

from typing import Any

from eutonia.patient import Lesion, Patient
from eutonia.study.design import CaseStudy
from eutonia.study.lesion_mask import lesion_of_mask


def patient_of(study: CaseStudy) -> Patient:
    """Return the person."""
    given = study.patient
    return Patient(given.age_year, given.weight_kg, given.sex, given.creatinine_clearance_ml_per_min, given.side)


def lesion_of(study: CaseStudy) -> Lesion:
    """Return the lesion, on the side of the brain that weakens the affected side."""
    given = study.lesion
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
