"""A moment of a case in words: "day 90", "243 day", "4 h after the bolus", "1 day before the last refill"."""

from __future__ import annotations

import re

from eutonia import _units
from eutonia._hours import HOURS_A_DAY
from eutonia.errors import StudyError, UnitError, unknown
from eutonia.study.design import CaseStudy

_RELATIVE = re.compile(
    r"(?P<span>.+?)\s+(?P<side>after|before)\s+(?:the\s+)?(?:(?P<which>first|last|[1-9]\d*(?:st|nd|rd|th))\s+)?(?P<what>.+)",
    re.IGNORECASE,
)
_ONSET = "onset"
_EXAMPLES = 'Write "day 90", "3 month" or "4 h after the bolus".'


def moment(case: CaseStudy, at: str | None) -> float:
    """Return a moment of a case since its onset, h; the end of the case when left out.

    Raises
    ------
    StudyError
        No time, no such event, several of them, or a time outside the case.
    """
    end = float(case.case.duration_h)
    if at is None:
        return end
    relative = _RELATIVE.fullmatch(" ".join(at.split()))
    if relative is None:
        time_h = _span(at, at)
    else:
        span = _span(relative["span"], at)
        event = _event(case, relative["what"].lower(), (relative["which"] or "").lower(), at)
        time_h = event + (span if relative["side"].lower() == "after" else -span)
    if not 0 <= time_h <= end:
        raise StudyError(
            f'--at "{at}" lies outside the case. Allowed: from the onset to day {end / HOURS_A_DAY:g}, when '
            f'"{case.name}" ends. Give another time, or lengthen duration in [case].'
        )
    return time_h


def _span(text: str, at: str) -> float:
    words = text.split()
    turned = f"{words[1]} {words[0]}" if len(words) == 2 and words[0].isalpha() else text
    try:
        return _units.parse(turned, "duration")
    except UnitError as error:
        raise StudyError(f'--at "{at}" is no time. {error} {_EXAMPLES}') from None


def _event(case: CaseStudy, what: str, which: str, at: str) -> float:
    """Return the time of the event that is meant, h."""
    times: dict[str, list[float]] = {_ONSET: [0.0]}
    for event in case.events:
        times.setdefault(event.kind, []).append(float(event.at_h))
    if what not in times:
        raise StudyError(f'--at "{at}": {unknown("event of this case", what, times, _EXAMPLES)}')
    found = times[what]
    if which in ("first", "last"):
        return found[0 if which == "first" else -1]
    if which and int(which[:-2]) <= len(found):
        return found[int(which[:-2]) - 1]
    if which or len(found) > 1:
        days = ", ".join(f"{time_h / HOURS_A_DAY:g}" for time_h in found)
        count = f"{len(found)} of that kind" if len(found) > 1 else "one of that kind"
        raise StudyError(
            f'--at "{at}": the case has {count}, on day {days}. Allowed: the first, 2nd, 3rd, ... or last {what}. '
            "Say which one."
        )
    return found[0]
