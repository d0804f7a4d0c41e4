"""What of a recording a fit leaves out, in words: later swings or stretches, columns, samples that are comments."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eutonia.inference.recording import Recording

# A limb is back where it began below the first share of its way, held there so long (s), and moved again beyond the
# second; a free swing returns too, but turns at once.
_BACK, _MOVED, _HELD_S = 0.25, 0.75, 0.3
# When a leg that was let go has nearly come to rest, s after it has begun to fall so far, deg.
_RESTING_S, _FALLEN_DEG = (2.0, 5.0), 5.0


def told(recordings: Sequence[Recording], test: str) -> tuple[str, ...]:
    """Return a sentence for each thing of a recording that is not fitted."""
    what = "swing" if test == "pendulum" else "stretch"
    said: list[str] = []
    for one in recordings:
        of = f" of {one.name}" if len(recordings) > 1 else ""
        if count := repeats(one, test):
            more = f"{count} later {what}{('es' if what == 'stretch' else 's') if count > 1 else ''}"
            said.append(
                f"Only the first {what}{of} is fitted; {more} in the file {'are' if count > 1 else 'is'} not used."
            )
        if one.commented:
            said.append(f"Left out{of}: {one.commented} samples that are comments, behind #.")
        if one.ignored:
            said.append(f"Columns not used{of}: {', '.join(one.ignored)}.")
    return tuple(said)


def repeats(r: Recording, test: str) -> int:
    """Count how often the limb is brought back to where it began, held there, and let go or stretched again."""
    begin = float(np.median(r.angle_deg[:3]))
    reached = float(r.angle_deg.max())
    if test == "pendulum":
        fallen = r.time_s[int(np.argmax(r.angle_deg > begin + _FALLEN_DEG))]
        rests = (r.time_s >= fallen + _RESTING_S[0]) & (r.time_s <= fallen + _RESTING_S[1])
        reached = float(np.median(r.angle_deg[rests])) if rests.any() else reached
    if reached <= begin:
        return 0
    way = (r.angle_deg - begin) / (reached - begin)
    count, back_since = 0, 0.0
    was_back = was_moved = is_held = False
    for time, share in zip(r.time_s.tolist(), way.tolist(), strict=True):
        if share > _MOVED:
            count += is_held and was_moved
            was_moved, is_held = True, False
        is_back = share < _BACK
        back_since = back_since if is_back and was_back else time
        is_held |= is_back and was_moved and time - back_since >= _HELD_S
        was_back = is_back
    return count
