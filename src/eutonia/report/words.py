"""Numbers, units, labels and times as a reader wants to see them. Pure text; no heavy imports."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eutonia._bounds import FINEST
from eutonia._hours import HOURS_A_DAY, HOURS_A_MONTH, HOURS_A_WEEK, HOURS_A_YEAR
from eutonia.assessment.scales import SCALES
from eutonia.trial.result import Grade, Quantity

#: A number that may be whole: people, hours, pixels.
Number = float | int

#: What stands where a number is missing.
MISSING = "–"
DISCLAIMER = "Research and teaching only, not a medical device"

VERDICTS: dict[Grade, str] = {"reproduces": "reproduces", "in range": "in range", "does not": "does not reproduce"}

GRADES: dict[Grade, str] = {
    "reproduces": "the published value lies inside the interval",
    "in range": "inside once the interval is widened by the published standard error",
    "does not": "outside; an honest miss, kept on show",
}

_UNITS = {
    "ug/d": "mcg/day",
    "1/h": "per hour",
    "1": "",
    "dimensionless": "",
    "score": "",
    "fraction": "",
}
#: Scales named after somebody, or with a letter of their own, keep their capital inside a sentence.
_PROPER = frozenset({"Ashworth", "H-reflex"})
#: How text begins that keeps its capital inside a sentence: abbreviations, single letters but the article, and names.
_KEEPS_CAPITAL = re.compile(r"(?:[A-Z][A-Z0-9-]|[B-Z]\b|(?:Ashworth|Hmax|Ia)\b)")
#: Units at the end of the name of a column.
_ENDINGS = {"_year": "years", "_kg": "kg", "_ml_per_min": "mL/min", "_ml": "mL"}
_ACRONYMS = {"ec50": "EC50", "csf": "CSF", "sd": "SD", "gaba": "GABA", "emg": "EMG"}
# A microgram alone or with a number in front; no part of a name, a path or an address.
_MICROGRAM = re.compile(r"(?<![A-Za-z_./#-])(?:ug|[\u00b5\u03bc]g)(?![\w]|[.-]\w)")
_STATUS_ORDER = ("verified", "secondary", "derived", "recalled", "fitted", "program default", "assumed")


@dataclass(frozen=True)
class TimeUnit:
    """A unit of time that suits a span: its name and its length in h."""

    name: str
    hours: float

    def axis(self, since: str) -> str:
        """Return the label of a time axis that starts at `since`."""
        return f"{self.name.capitalize()} since {since}"


def time_unit(span_h: Number) -> TimeUnit:
    """Choose the unit in which a span of `span_h` hours reads best."""
    if span_h <= 72:
        return TimeUnit("hours", 1.0)
    if span_h <= 60 * HOURS_A_DAY:
        return TimeUnit("days", 24.0)
    if span_h <= 40 * HOURS_A_WEEK:
        return TimeUnit("weeks", 168.0)
    return TimeUnit("months", HOURS_A_MONTH)


_UNITS_OF_TIME = {
    "hour": TimeUnit("hours", 1.0),
    "day": TimeUnit("days", 24.0),
    "week": TimeUnit("weeks", 168.0),
    "month": TimeUnit("months", HOURS_A_MONTH),
    "year": TimeUnit("years", HOURS_A_YEAR),
}


def visits_unit(names: Iterable[str]) -> TimeUnit | None:
    """Return the unit of time in which all visits are told; None where they are told in several."""
    units = {name.rpartition(" ")[2].removesuffix("s") for name in names}
    return _UNITS_OF_TIME.get(units.pop()) if len(units) == 1 else None


def moment(time_h: Number, unit: TimeUnit | None = None) -> str:
    """Return a time as words: "6 hours", "month 4.5" style numbers without a trailing zero."""
    chosen = unit or time_unit(abs(time_h))
    value = time_h / chosen.hours
    text = f"{value:.0f}" if abs(value - round(value)) < 0.05 else f"{value:.1f}"
    return f"{text} {chosen.name[:-1] if text == '1' else chosen.name}"


def when(time_h: Number, unit: TimeUnit | None = None) -> str:
    """Return a moment of a course as words: "start", "4.4 months" in its unit, "8 hours" where it is early."""
    if not time_h:
        return "start"
    return moment(time_h, unit if unit and time_h >= unit.hours else None)


def number(value: Number | None, digits: int = 2) -> str:
    """Return a number with as many digits as it deserves; a missing one is an en dash."""
    if value is None or not math.isfinite(value):
        return MISSING
    value = 0.0 if abs(value) < FINEST else value  # rounding of nothing
    size = abs(value)
    if (value == round(value) and size >= 10) or size >= 100:
        text = f"{value:,.0f}".replace(",", "\u202f")
    elif size >= 10:
        text = f"{value:.1f}"
    elif size >= 0.01 or value == 0:
        text = f"{value:.{digits}f}"
    else:
        text = f"{value:.2g}"
    return text.replace("-", "−")


def percent(share: Number | None) -> str:
    """Return a share in percent without the sign, a small one with a decimal; a missing one is an en dash."""
    if share is None or not math.isfinite(share):
        return MISSING
    return f"{100 * share:.0f}" if share >= 0.0995 or share == 0 else f"{100 * share:.1f}"


def three_digits(value: Number) -> str:
    """Return a number of any size with three digits: 1230 and not 1.23e+03."""
    return f"{float(f'{value:.3g}'):.10f}".rstrip("0").rstrip(".") if math.isfinite(value) else "none"


def count(value: Number) -> str:
    """Return a number of people, which is whole unless it is a mean over replicates."""
    if abs(value - round(value)) < 0.05 or value >= 100:
        return f"{value:,.0f}".replace(",", "\u202f")
    return f"{value:.1f}"


def unit(name: str) -> str:
    """Return a unit as it is printed; a score, a share and a fraction have none."""
    return clinic(_UNITS.get(name, name))


def clinic(text: str) -> str:
    """Return text with every microgram as people in clinics write it: "50 ug", "50 µg" are "50 mcg".

    Files hold "ug"; a handwritten µg is read as mg, so a page or a screen never shows it.
    """
    return _MICROGRAM.sub("mcg", text)


def alike(values: Iterable[Number | None]) -> list[str]:
    """Return numbers that stand side by side, all with the decimals that suit the largest of them."""
    known = list(values)
    largest = max((abs(value) for value in known if value is not None and math.isfinite(value)), default=0.0)
    decimals = 0 if largest >= 100 else 1 if largest >= 10 else 2 if largest >= 0.095 or largest == 0 else 4
    out = []
    for value in known:
        missing = value is None or not math.isfinite(value)
        text = "–" if missing else f"{value:,.{decimals}f}".replace(",", "\u202f").replace("-", "−")
        # What is printed as zero has no sign.
        out.append(text if any(digit in text for digit in "123456789") else text.removeprefix("−"))
    return out


def shown_unit(quantity: Quantity) -> tuple[float, str]:
    """Return the factor and the unit in which a quantity is printed; a share and a fraction read best in percent."""
    is_share = quantity.statistic.startswith("share") or quantity.statistic == "fraction removed"
    if is_share and unit(quantity.unit) in ("", "1"):
        return 100.0, "%"
    return 1.0, unit(quantity.unit)


def with_unit(text: str, name: str) -> str:
    """Return `text` followed by the printed unit, if there is one."""
    shown = unit(name)
    if not shown:
        return text
    return f"{text}{'' if shown == '%' else ' '}{shown}"


def interval(low: Number, high: Number) -> str:
    """Return an interval in the words that read well beside a negative number."""
    return f"{number(low)} to {number(high)}"


def label(name: str) -> str:
    """Return a name of the code as words: "ashworth" is "Ashworth", "weight_kg" is "Weight, kg"."""
    if name in SCALES:
        return SCALES[name].label
    for ending, unit_of in _ENDINGS.items():
        if name.endswith(ending):
            return f"{label(name.removesuffix(ending))}, {unit_of}"
    words = " ".join(_ACRONYMS.get(word, word) for word in name.replace("_", " ").split())
    return words[:1].upper() + words[1:]


def capital(text: str) -> str:
    """Return text as a heading begins."""
    return text[:1].upper() + text[1:]


def limb(name: str | None) -> str:
    """Return a limb as a word; no limb is the whole person."""
    return label(name) if name else "Whole person"


def scale_label(limb_name: str | None, scale: str) -> str:
    """Return limb and scale as one name: "Leg Ashworth", "Arm spasm"."""
    name = label(scale)
    if not limb_name:
        return name
    return f"{label(limb_name)} {name if name.split()[-1] in _PROPER else lower(name)}"


def measured(limb_name: str | None, scale: str) -> str:
    """Return limb and scale as one name with the unit that its numbers are in: "Walking speed, m/s"."""
    name, shown = scale_label(limb_name, scale), unit(SCALES[scale].unit) if scale in SCALES else ""
    return f"{name}, {shown}" if shown else name


def said(text: str) -> str:
    """Return a label of the program as it is said: "5 ug every 8 hour" is "5 mcg every 8 hours"."""
    text = clinic(text)
    text = re.sub(r"\b(\d+(?:\.\d+)?) (hour|day|week|month|year)\b", _plural, text)
    return text[:1].upper() + text[1:]


def _plural(found: re.Match[str]) -> str:
    return found[0] if float(found[1]) == 1 else f"{found[0]}s"


def visit(name: str) -> str:
    """Return the label of a visit as it is said: "6 hour" is "6 hours", "1 month" stays."""
    return re.sub(r"^(\d+(?:\.\d+)?) (hour|day|week|month|year)$", _plural, name.strip())


def of_several_arms(quantity: Quantity, among: Iterable[Quantity]) -> bool:
    """Tell whether several arms of the quantity's phase are among these, so that its arm must be named."""
    return len({other.arm for other in among if other.phase == quantity.phase and other.arm}) > 1


def labels(quantities: Sequence[Quantity]) -> list[str]:
    """Return what each row is about, with its arm where several are shown."""
    return [quantity_label(one, arm=of_several_arms(one, quantities)) for one in quantities]


def quantity_label(quantity: Quantity, *, arm: bool = False) -> str:
    """Return what a row is about, for instance "Leg Ashworth, 6 hour"."""
    what = quantity.name
    if not what:
        what = scale_label(quantity.limb, quantity.scale)
        if quantity.detail:
            what = f"{what}, {quantity.detail}"
        elif quantity.statistic not in ("mean", "dose") and quantity.statistic.casefold() not in what.casefold():
            what = f"{what}, {quantity.statistic}"
    parts = [
        what,
        *([quantity.arm] if arm and quantity.arm else []),
        *([visit(quantity.visit)] if quantity.visit else []),
    ]
    return ", ".join(parts)


def status_counts(run: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Return how many numbers of each status the run rests on, best known first."""
    counts = {str(name): int(amount) for name, amount in dict(run.get("counts_by_status") or {}).items()}
    return sorted(counts.items(), key=lambda item: (status_rank(item[0]), item[0]))


def status_rank(status: str) -> int:
    """Return how well known a number of a status is: 0 best."""
    return _STATUS_ORDER.index(status) if status in _STATUS_ORDER else len(_STATUS_ORDER)


def unique(names: Iterable[str]) -> list[str]:
    """Return the names in the order in which they first appear."""
    return list(dict.fromkeys(names))


def beyond_label(run: Mapping[str, Any]) -> str:
    """Return what has to be said of a run that gives more than the label allows; empty where none does."""
    doses = run.get("beyond_label") or ()
    if not doses:
        return ""
    what = str(run.get("beyond_label_as") or "An overdose to learn from")
    return f"Doses beyond the label, on purpose: {'; '.join(clinic(str(one)) for one in doses)}. {what}"


def overridden(run: Mapping[str, Any]) -> list[str]:
    """Return what has to be said of a run that puts other numbers in the place of records, a line each."""
    rows = run.get("overrides") or ()
    said = []
    for row in rows:
        why = f", which follows from {row['follows_from']}" if row.get("follows_from") else ""
        same = ", the same number" if row["from"] == row["to"] else ""
        said.append(f"{row['name']} is {row['to']} instead of {row['from']}{same}{why}")
    idle = unique(row["name"] for row in rows if not row["rested_on"])
    return [*said, *(f"Nothing in this run rests on {name}" for name in idle)]


def verdict(grade: Grade | None) -> str:
    """Return a verdict in words; there is none where it is withheld."""
    return VERDICTS[grade] if grade else "no verdict"


def lower(text: str) -> str:
    """Return text that goes on inside a sentence; names and abbreviations keep their capital."""
    return text if _KEEPS_CAPITAL.match(text) else text[:1].lower() + text[1:]
