"""What may be given beside baclofen, one file each: a file here is a treatment, and nothing else has to know of it."""

from __future__ import annotations

import pkgutil


def found() -> tuple[str, ...]:
    """Return every treatment here as "package.module:Class"; the class is named by the file, and ends in Treatment."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return tuple(f"{__name__}.{name}:{name.title().replace('_', '')}Treatment" for name in names)
