"""Columns of other programs (NONMEM, Monolix, nlmixr2 and rxode2, Pumas, Phoenix, CDISC): read, or refused by name.

A column that would change what is given, to whom, when or how fast is read where its meaning is certain, and otherwise
refused with the name that it has here. What changes nothing (DVID, YTYPE, LIMIT, ...) is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from eutonia._hours import HOURS_A_DAY
from eutonia.drug.exposure import KineticModel
from eutonia.drug.exposure.records import MODELLED_DURATION
from eutonia.exchange import amounts
from eutonia.exchange.cells import MARK, MISSING, TableCells, is_number
from eutonia.exchange.faults import TableFault

if TYPE_CHECKING:
    from eutonia.exchange.columns import Numbers, Table

DURATION = "TINF"  # meaning of a column of durations of infusions, h
_DURATIONS = re.compile(r"(TINF|T_INF|DURATION|DUR|INFDUR)")
_HOURS = re.compile(r"[_ (]*(H|HR|HRS|HOUR|HOURS)\)?")
_OTHER_TIMES = re.compile(r"[_ (]+(MIN|MINS|MINUTES?|S|SEC|SECONDS?|D|DAYS?|WK|WEEKS?)\)?")
_DOSES = re.compile(
    r"(DOSES?|DOSAGE|AMOUNT|AMNT|EXDOSE|DOSE_?(AMT|AMOUNT))"
    r"(?P<tail>[_ (\[./,:-]+(?!(NO?|NUM|NUMBER|ID|UNITS?|TIME|DATE)$).*)?"
)
# A unit behind the name of a column.
_UNIT = re.compile(
    r"[_ .(\[-]+(H|HRS?|HOURS?|MINS?|MINUTES?|S|SEC|SECONDS?|D|DAYS?|WK|WEEKS?|MO|MONTHS?|Y|YRS?|YEARS?|KGS?|LBS?|G|"
    r"[MD]?L|M?L[_/ ](PER_)?(H|HR|MIN)|(1/|PER_)(H|HR|MIN)|%|PCT|PERCENT)[)\]]?$"
)
_WHO = re.compile(r"(U?SUBJ(ECT)?|PAT(IENT)?|PT|PERSON)(_?(ID|NO|NR|NUM|NUMBER))?|ID_?(NO|NR|NUM|NUMBER)")
_WHEN = re.compile(
    r"TIME|T|HOURS?|HRS?|TAFD|TSFD|NOMINAL_?TIME|ACTUAL_?TIME|TIME_?(FROM|SINCE|AFTER)_?(START|FIRST_?DOSE)"
)

# Names that a column has elsewhere, the name that it has here, and what to mind when it is renamed.
_DOSING = (
    (re.compile(r"F\d+|FBIO|FREL|BIO|BIOAV|BIOAVAILABILITY"), "F", "F is that of the dose in its own record"),
    (re.compile(r"(ALAG|TLAG|LAG)\d*|LAG_?TIME"), "ALAG", "ALAG is that of the dose in its own record, in h"),
    (re.compile(r"D\d+"), "DUR_M", "it is taken by RATE -2"),
    (re.compile(r"R\d+"), "RATE_M", "it is taken by RATE -1"),
)
_ELSEWHERE = (
    (
        re.compile(r"(INF|INFUSION|DOSE)_?(DURATION|DUR|TIME|LENGTH|HOURS|HRS?|H)|(TIME|DUR)_?INF|TINFMIN"),
        DURATION,
        "in h",
    ),
    (re.compile(r"(INF|INFUSION|DOS(E|ING)|PUMP)_?RATE|RATE_?INF|INFUSION"), "RATE", "an amount in an hour"),
    (re.compile(r"TAU|INTERVAL|DOS(E|ING)_?INTERVAL|SS_?II"), "II", "in h"),
    (
        re.compile(r"N_?DOSES?|NB_?DOSES?|ADD_?DOSES?|ADDITIONAL(_?DOSES?)?"),
        "ADDL",
        "ADDL counts the doses after the first",
    ),
    (re.compile(r"WEIGHT|BW|BWT|WGT|WT(KG|LBS?)|BODY_?WEIGHT"), "WT", "in kg"),
    (re.compile(r"E?GFR|CLCR|CRCLN?_?BASE|CCR|CRCLCG|CREAT_?CL"), "CRCL", "in mL/min of this person, not per 1.73 m2"),
    (re.compile(r"DIAL|DIALYSIS|HAEMODIALYSIS|HEMODIALYSIS"), "HD", "the clearance that it adds, mL/min"),
    (re.compile(r"AGE_?(Y|YRS?|YEARS?|MO|MONTHS?)"), "AGE", "in years"),
    (re.compile(r"KEL?|K10|K20"), "CL", "a clearance, not a rate"),
    (re.compile(r"V|V1|V2|VD|VSS"), "VC", "V2 is central in one of NONMEM's models and peripheral in another"),
    (re.compile(r"VC|V1|V2|VD"), "V", "the volume of the one compartment"),
    (re.compile(r"V2|V3|VT"), "VP", "the peripheral volume"),
    (re.compile(r"KTR"), "MTT", "the mean transit time, not a rate"),
)
_IF_ANOTHER = "or put _ before it if it is another thing"

_MARKS = frozenset(
    (
        *("IGNORE", "IGN", "IGNORED", "EXCL", "EXCLUDE", "EXCLUDED", "EXCLFL"),
        *("OMIT", "DROP", "SKIP", "DEL", "DELETE"),
    )
)
_REMARKS = frozenset(("COMMENT", "COM"))  # of one sign they are marks, else notes
_UNSET = ("", ".", "0", "NO", "N", "FALSE", "NA")
_MARKED = re.compile(r".|\d+|YES|TRUE", re.IGNORECASE)
_MASS_UNITS = frozenset(["AMTU", "AMT_UNIT", "AMTUNIT", "AMT_U", "DOSEU", "DOSE_UNIT", "DOSEUNIT", "DOSU", "EXDOSU"])
_ANY_UNITS = frozenset(("UNIT", "UNITS"))
_TIME_UNITS = frozenset(["TIMEU", "TIME_UNIT", "TIMEUNIT", "TIME_UNITS", "TUNIT"])
_MASSES = {"mg": ("mg",), "ug": ("ug", "mcg", "\u00b5g", "\u03bcg")}
_OTHER_MASSES = ("g", "kg", "ng", "mg/kg", "ug/kg", "mcg/kg")
_HOUR = ("h", "hr", "hrs", "hour", "hours")
_BOUNDS = frozenset(("CENS", "BLQ", "BQL", "BLOQ"))
_BY_MOUTH = frozenset(["oral", "po", "p.o.", "ev", "extravascular", "tablet", "peroral", "depot", "gut"])
_INTO_BLOOD = frozenset(("iv", "i.v.", "intravenous", "inf", "infusion", "bolus", "iv bolus", "iv infusion"))
_INTO_FLUID = frozenset(("it", "i.t.", "ith", "intrathecal"))
_TEXT = _MARKS | _REMARKS | _MASS_UNITS | _ANY_UNITS | _TIME_UNITS | _BOUNDS | {MARK, "ADM", "ROUTE", "CONT", "DAY"}


def is_text(name: str) -> bool:
    """Say whether a column is looked at as names."""
    return name in _TEXT


def durations(cells: TableCells) -> dict[str, str]:
    """Return the columns that hold how long infusions last, and their meaning."""
    return {name: DURATION for name in cells.names if _is_duration(name, _HOURS, bare=True)}


def _is_duration(name: str, unit: re.Pattern[str], *, bare: bool) -> bool:
    match = _DURATIONS.match(name)
    tail = "" if match is None else name[match.end() :]
    return match is not None and ((bare and not tail) or unit.fullmatch(tail) is not None)


def refused(name: str, names: Sequence[str], model: KineticModel) -> tuple[str, str, str] | None:
    """Return the rule that the name of a foreign column breaks, what is allowed, and what to do; None if none."""
    units = {one.name: one.unit for one in (*model.quantities, *model.checked, *model.dosing)}
    units |= {"II": "h", "RATE": f"{model.mass}/h"}
    known = {*units, "ADDL", DURATION}
    if name in known or name.startswith("_"):
        return None
    if _is_duration(name, _OTHER_TIMES, bare=False):
        return "the time that an infusion lasts is in h", DURATION, f"Convert it to h and call it TINF, {_IF_ANOTHER}"
    if _is_duration(name, _HOURS, bare=True):
        return None
    bare = _UNIT.sub("", name)
    there = {DURATION if _is_duration(one, _HOURS, bare=True) else amounts.meant(one) or one for one in names}
    if bare != name and bare in units and bare not in there:
        unit, called = units[bare], _called(bare, model)
        return f"{bare} is in {unit}", called, f"Convert it to {unit} and call it {called}, {_IF_ANOTHER}"
    always = ((ours, mind) for pattern, ours, mind in _DOSING if pattern.fullmatch(bare))
    here = ((ours, mind) for pattern, ours, mind in _ELSEWHERE if pattern.fullmatch(bare) and ours not in there)
    ours, mind = next((one for one in (*always, *here) if one[0] in known), ("", ""))
    if not ours:
        return None
    called = _called(ours, model)
    return f"{name} of other programs is called {called} here", called, f"Rename it to {called} ({mind}), {_IF_ANOTHER}"


def _called(name: str, model: KineticModel) -> str:
    """Return how a column is called in a table of this model: one of amounts in ug says so."""
    return amounts.spelled(name, model) if name in ("AMT", "RATE", "RATE_M") and model.mass == "ug" else name


def needed(name: str, names: Iterable[str]) -> str:
    """Return what to do about a table that calls its column ID or TIME otherwise; nothing if it has none."""
    for one in names:
        if name == "ID" and _WHO.fullmatch(one):
            return f"Rename {one} to ID"
        if name == "TIME" and _WHEN.fullmatch(_UNIT.sub("", one)):
            return f"{'Convert it to h and rename' if _OTHER_TIMES.search(one) else 'Rename'} {one} to TIME"
    return ""


def amount(names: Iterable[str], model: KineticModel) -> str:
    """Return what to do about a dose without an amount: name the column that may hold it."""
    called = _called("AMT", model)
    like = next((match for name in names if (match := _DOSES.fullmatch(name))), None)
    if like is None:
        return f"Write the amounts in a column {called}, in {model.mass}"
    other = amounts.refused(f"AMT{like['tail']}", model) if like["tail"] else None
    do = "Write it in" if any(amounts.meant(name) == "AMT" for name in names) else "Rename it to"
    return f"Is {like[0]} the amount of each dose? {other[2] if other else f'{do} {called}, in {model.mass}'}"


def check(found: Numbers, model: KineticModel) -> None:
    """Read the durations of infusions; refuse what foreign columns say that is not done."""
    if DURATION in found.values:
        _infusions(found)
    if "TIME" in found.values and "DAY" in found.texts and "ID" in found.texts:
        _days(found)
    for name, text in found.texts.items():
        if name == MARK:  # what the column is, only the whole table says
            found.noted.marked.append(found.lines[text.where(lambda cell: cell.upper() not in _UNSET)])
        for says, rule, allowed, do in _says(name, found, model):
            found.flag(name, text.where(says), rule, allowed, do)
        if name in _BOUNDS and found.has("DV"):
            found.noted.counts[name] += int(text.where(lambda cell: cell.upper() not in _UNSET).sum())


def conclude(table: Table) -> None:
    """Say and refuse what only the whole table shows."""
    noted = table.noted
    signs = [cell for cell in table.names(MARK) if cell not in _UNSET]
    # A column of numbers other than 1 is one of its own, such as concentrations.
    if MARK in noted.left.lines or not all(map(is_number, signs)) or set(signs) == {"1"}:
        for lines in noted.marked:
            noted.faults += [TableFault(line, MARK, "", *_marks(MARK)) for line in lines.tolist()]
    for name, count in noted.counts.items():
        if count and name in _BOUNDS:
            noted.told.append(f"{name} marks {count} values of DV as bounds; DV is copied as it stands.")
        elif count:
            noted.told.append(f"{name} read as the hours that an infusion lasts: {count} infusions.")


def _marks(name: str) -> tuple[str, str, str]:
    """Return the rule that a mark breaks, what is allowed and what to do."""
    do = "Remove the rows that are not to be given; or mark them with C in a column C, all others with ."
    return f"whether a row marked by {name} is given is not known", "0, .", do


def _says(name: str, found: Numbers, model: KineticModel) -> list[tuple[Callable[[str], bool], str, str, str]]:
    """Return what a cell of a column may not say: a test, the rule, what is allowed and what to do."""
    right, has_way = _MASSES[model.mass], found.has("CMT")
    mass = f"amounts are in {model.mass}"
    convert = f"Convert the amounts to {model.mass} and correct the unit, {_IF_ANOTHER}"
    wrong = {one for masses in _MASSES.values() for one in masses} | set(_OTHER_MASSES)
    wrong -= set(right)
    way = f"Write CMT (see eutonia models {model.name}) or choose another --model, {_IF_ANOTHER}"
    if name in _MARKS or name in _REMARKS:
        return [(lambda cell: cell.upper() not in _UNSET and _is_mark(name, cell), *_marks(name))]
    if name == "CONT":
        return [(lambda cell: cell not in _UNSET, "a record stands in one row", "0, .", "Join the continued records")]
    if name in _MASS_UNITS:
        return [(lambda cell: cell not in MISSING and cell.casefold() not in right, mass, model.mass, convert)]
    if name in _ANY_UNITS:
        return [(lambda cell: cell.casefold() in wrong, mass, model.mass, convert)]
    if name in _TIME_UNITS:
        do = "Convert the times to h and correct the unit"
        return [(lambda cell: cell not in MISSING and cell.casefold() not in _HOUR, "times are in h", "h", do)]
    if name == "ADM" and not has_way:
        rule = "which administration a number stands for is not known"
        return [(lambda cell: cell not in (*_UNSET, "1"), rule, "1, 0, .", way)]
    if name == "ROUTE" and not has_way:
        ways = _INTO_FLUID if model.mass == "ug" else _BY_MOUTH if "DEPOT" in model.structure.inputs else _INTO_BLOOD
        rule = f"a dose of {model.name} enters at {model.structure.inputs[0]}, and without CMT all do"
        bad = lambda cell: cell not in MISSING and cell.casefold() not in ways  # noqa: E731
        return [(bad, rule, ", ".join(sorted(ways)[:4]), way)]
    return []


def _is_mark(name: str, cell: str) -> bool:
    """Say whether a cell marks its row; a remark of several letters does not."""
    return name in _MARKS or _MARKED.fullmatch(cell) is not None


def _infusions(found: Numbers) -> None:
    """Read durations as Monolix and rxode2 do: the infusion lasts so long whatever its bioavailability (RATE = -2)."""
    lasts, rate, amount = found.values[DURATION], found.get("RATE"), found.get("AMT")
    column = found.named[DURATION]
    several = [name for name in found.cells.names if _is_duration(name, _HOURS, bare=True)]
    is_set = np.isfinite(lasts) & (lasts != 0)
    if not is_set.any():
        return
    if len(several) > 1 or "DUR_M" in found.cells.names:
        first = np.zeros(len(lasts), bool)
        first[0] = not any(one.column == column for one in found.noted.faults)  # it is said once
        both = " and ".join([*several, *(["DUR_M"] if "DUR_M" in found.cells.names else [])])
        found.flag(DURATION, first, f"one column says how long infusions last; here {both} do", "one", "Remove one")
        return
    free = is_set & ~(amount > 0)
    do = f"Write . in records that are not such doses, {_IF_ANOTHER}"
    found.flag(DURATION, free, f"{column} is the time that an infusion lasts, and only a dose has one", "0 or .", do)
    twice = is_set & (rate != 0)
    found.flag(DURATION, twice, f"an infusion has a rate or a duration ({column}), not both", "0 or .", "Remove one")
    found.named["DUR_M"] = column
    found.named.setdefault("RATE", column)
    found.values["DUR_M"] = np.where(is_set, lasts, np.nan)
    found.values["RATE"] = np.where(is_set & ~free & ~twice, MODELLED_DURATION, rate)
    below = is_set & ~(lasts > 0)
    found.flag(DURATION, below, "an infusion lasts some time", "more than 0 h", "Correct the number")
    found.noted.counts[column] += int(is_set.sum())


def _days(found: Numbers) -> None:
    """Refuse times of the day beside a column of days."""
    text, who = found.texts["DAY"], found.texts["ID"].codes
    try:
        day = np.array([float(one) if one not in MISSING else np.nan for one in text.names])[text.codes]
    except ValueError:
        return
    _, begins, of = np.unique(who, return_index=True, return_inverse=True)
    first, time = begins[of], found.get("TIME")
    with np.errstate(invalid="ignore"):
        away = np.abs(time - time[first] - HOURS_A_DAY * (day - day[first])) >= 24.0
    do = f"Write TIME in hours since the start of the person's clock, {_IF_ANOTHER}"
    found.flag("DAY", away, "TIME runs on over the days, it does not begin anew every day", "TIME in h", do)
