"""Dantrolene capsules: no effect on tone or strength, for no size is on record; injury of the liver is counted.

Source: label for dose and liver.

Not for
    Weakness, which it is known for and which has no number here; drowsiness, of which the label has no rate.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from eutonia.study.fields import described
from eutonia.study.other_tablets import OtherTablets


class DantroleneCapsulesTreatment(OtherTablets):
    """Dantrolene capsules in equal doses at equal intervals."""

    route: Literal["dantrolene capsules"] = described("Dantrolene capsules.")

    harms: ClassVar[str | None] = "dantrolene"
    sources: ClassVar[tuple[str, ...]] = ("Label_dantrolene",)
    example: ClassVar[Mapping[str, Any]] = {"dose": "25 mg", "every": "8 hour", "start": "0 hour"}
    caveat: ClassVar[str] = (
        "No effect of dantrolene on tone is modelled: no trial with a size is on record here. "
        "It acts in the muscle, so that it weakens too, and neither is here; injury of the liver is counted."
    )
