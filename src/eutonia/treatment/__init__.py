"""What treatments do to a person, as named effects; no treatment knows another."""

from __future__ import annotations

from eutonia.treatment.abstract import AbstractTherapy as AbstractTherapy
from eutonia.treatment.effects import Effects as Effects
