"""The muscle groups that a chart names, without reading a record: what a study may say of them."""

from __future__ import annotations

from eutonia.limb.muscle import charted_groups as charted_groups
from eutonia.limb.muscle import stretched_groups as stretched_groups
