"""A person's own lesion in a case: a mask beside the study file, or one that ships, read and checked with the study."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic.json_schema import JsonSchemaValue

from eutonia.patient.lesion import Lesion
from eutonia.patient.masks import LesionMask, MaskError, read_mask
from eutonia.study import shipped_files
from eutonia.study.fields import Checking, Part, refuse, show_optional
from eutonia.study.read_field import ReadField
from eutonia.study.studyfile import Problem

if TYPE_CHECKING:
    from eutonia.study.design import CaseStudy

ENDINGS = (".nii", ".nii.gz")
_EXAMPLE = '"lesion.nii.gz"'
_WITH_MASK = ("ischaemic", "haemorrhagic")


@dataclass(frozen=True)
class NamedMask:
    """A mask by the name that a case gives, the file that this is, and what was in it."""

    text: str
    path: Path = field(compare=False)
    mask: LesionMask


@dataclass(frozen=True)
class MaskFile(ReadField):
    """A field that names a lesion mask: a file in the folder of the study or below it, or one that ships."""

    def published(self) -> JsonSchemaValue:
        """Describe the name of the file in the published schema."""
        return {"type": "string", "minLength": 1, "pattern": r"\.nii(\.gz)?$", "examples": ["lesion.nii.gz"]}

    def read_in(self, value: object, info: Checking) -> NamedMask:
        """Read the mask, or refuse what is none, with the way to mend it."""
        if isinstance(value, NamedMask):
            return value
        allowed = f"a NIfTI file beside the study, such as {_EXAMPLE}"
        if not isinstance(value, str) or not value.lower().endswith(ENDINGS) or "\0" in value:
            refuse(Problem((), "It names no lesion mask.", value, allowed, do="Name a .nii or .nii.gz file."))
        if (elsewhere := shipped_files.not_here(value, shipped_files.masks(), "lesion mask")) is not None:
            refuse(elsewhere)
        path = shipped_files.place_of(value, (info.context or {}).get("folder"), shipped_files.masks())
        if path is None:
            why = "A mask lies in the folder of the study or below it, so that both can be passed on together."
            do = "Copy the mask beside the study file, and write its name alone."
            refuse(Problem((), why, value, allowed, do=do))
        try:
            return NamedMask(value, path, read_mask(path))
        except MaskError as error:
            return refuse(Problem((), error.why, error.given, error.allowed, do=f"{error.do}."))


def mask_fits(kind: str, values: Mapping[str, object]) -> list[Problem]:
    """Return the faults of a lesion that has a mask, and of the keys that stand beside it."""
    why, do = "The mask says where the lesion lies and how large it is.", "Remove this key, or the mask."
    others = {key: value for key, value in values.items() if value is not None}
    given = {key: None if isinstance(value, Part) else show_optional(value) for key, value in others.items()}
    found = [Problem((key,), why, value, "kind and mask", do=do) for key, value in given.items()]
    if kind not in _WITH_MASK:
        names = " or ".join(f'"{one}"' for one in _WITH_MASK)
        found.append(Problem(("kind",), "Only a stroke has a mask.", kind, names, do="Correct the kind."))
    return found


def mask_problems(study: CaseStudy) -> list[Problem]:
    """Return why the mask of a case is no lesion of this person: its size, or the side on which it lies."""
    if study.lesion.mask is None:
        return []
    try:
        lesion_of_mask(study)
    except MaskError as error:
        return [Problem(("lesion", "mask"), error.why, error.given, error.allowed, do=f"{error.do}.")]
    return []


def lesion_of_mask(study: CaseStudy) -> Lesion:
    """Return the lesion of a case that has a mask, on the side of the brain that moves the affected side."""
    assert study.lesion.mask is not None
    side = "left" if study.patient.side == "right" else "right"
    return Lesion.from_mask(study.lesion.mask.mask, study.lesion.kind, side)
