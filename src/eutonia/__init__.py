"""Eutonia: a simulator of muscle tone after stroke and of its treatment with baclofen. Research and teaching only."""

from __future__ import annotations

__version__ = "0.1.0"
