"""Folders of a server in the temporary directory: each is locked until its process ends, so that the next server can
tell which ones a killed server has left.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from eutonia import _writing

_PREFIX = "eutonia-web-"
# A folder so young may be on its way to its lock, s.
_YOUNG_S = 60.0


@contextlib.contextmanager
def own_folder() -> Iterator[str]:
    """Yield an empty folder, which is gone after the block."""
    made = tempfile.TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True)
    with made as folder, _writing.lock(Path(folder)):
        yield folder


def sweep() -> None:
    """Take away the folders of servers that were killed."""
    for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        # Whose folder it is not cannot open it.
        with contextlib.suppress(OSError), _writing.lock(left) as is_held:
            if is_held and time.time() - left.stat().st_mtime > _YOUNG_S:
                shutil.rmtree(left, ignore_errors=True)
