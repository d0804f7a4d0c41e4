"""A stretch in which the tip does not give what is wanted, in words: how long, how much, why, and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from eutonia._hours import HOURS_A_DAY
from eutonia.drug.pump import cause as causes
from eutonia.drug.pump import therapy as happens
from eutonia.drug.pump.breach import Breach, source_of
from eutonia.drug.pump.course import Delivery
from eutonia.drug.pump.delivered import WrongDose, stretches
from eutonia.drug.pump.handling import BOLUS, manual
from eutonia.drug.pump.notes import Happening

# A mean rate off by more than this share of the wanted is a hazard: the dose is halved or more, or half as much again.
_HAZARD = 0.5
_FEW_H, _DAYS_H = 6.0, 48.0
_EPSILON_H = 1e-6
# A priming of which less than this share is missing ran to its end.
_CUT = 0.01
_EMPTYING = ("empty", "emptied", "pocket")


def told(course: Delivery, others: Sequence[Breach]) -> Iterator[Breach]:
    """Yield a finding for each stretch, but where one of the others says the same already."""
    first = next((piece.start_h for piece in course.pieces if piece.delivered > 0), None)
    for one in stretches(course):
        if _is_said(course, one, others):
            continue
        rule, why, do, source = _explained(course, one)
        is_new = first is None or first >= one.start_h
        off = abs(one.tip - one.wanted) > _HAZARD * one.wanted
        yield Breach(rule, one.start_h, f"{_amounts(one)} {why}", do, source, is_hazard=off and not is_new)


def _is_said(course: Delivery, one: WrongDose, others: Sequence[Breach]) -> bool:
    if one.cause == causes.EMPTY:
        return _last(course, one.start_h, _EMPTYING).what == "empty"  # a missed refill has its rule
    if one.cause in (causes.LOWEST, causes.HIGHEST):
        rule = "flow below the lowest" if one.cause == causes.LOWEST else "flow above the highest"
        setting = course.setting(one.end_h)
        return any(other.rule == rule and setting is not None and other.at_h <= one.end_h for other in others)
    if one.cause == causes.ERROR:
        return any(other.rule == "flow outside its specification" and other.at_h >= one.start_h for other in others)
    if one.cause in (causes.PRIME, causes.FLUSH):
        return any(other.rule == BOLUS and abs(other.at_h - one.start_h) < 1.0 for other in others)
    if one.cause == causes.MAGNET:
        return any(other.rule == "not emptied before a magnet" and other.at_h <= one.end_h for other in others)
    return False


def _amounts(one: WrongDose) -> str:
    """Return what came and what was wanted, and for how long."""
    long = f"{one.hours:.3g} h" if one.hours < _DAYS_H else f"{one.hours / HOURS_A_DAY:.3g} days"
    if one.tip == 0.0:
        return f"For {long} nothing leaves the tip, of {one.wanted:.4g} ug/day wanted."
    if one.hours < _FEW_H:
        tip, wanted = (rate * one.hours / HOURS_A_DAY for rate in (one.tip, one.wanted))
        return f"Within {long} the tip gives {tip:.3g} ug, of {wanted:.3g} ug wanted."
    return f"For {long} the tip gives {one.tip:.3g} instead of {one.wanted:.4g} ug/day."


def _last(course: Delivery, at_h: float, what: Sequence[str]) -> Happening:
    """Return what happened last of some kinds, up to a time."""
    before = [one for one in course.happenings if one.what in what and one.at_h <= at_h + _EPSILON_H]
    return before[-1] if before else course.happenings[0]


def _explained(course: Delivery, one: WrongDose) -> tuple[str, str, str, str]:
    """Return the rule that names a stretch, its cause in words, what to do, and the source."""
    if one.cause == causes.NO_DRUG:
        return _no_drug(course, one)
    if one.cause in (causes.SOLUTION, causes.BRIDGE_SOLUTION):
        return _solution(course, one)
    if one.cause == causes.STILL:
        last = _last(course, one.start_h, ("stall", "shut"))
        do = "Interrogate the pump right after the examination; bridge a longer stop with tablets."
        return "stopped by a magnet", f"{last.words[0].upper()}{last.words[1:]}.", do, manual(course, one.start_h)
    device = course.implant(one.start_h).device
    if one.cause in (causes.BRIDGE_LOWEST, causes.BRIDGE_HIGHEST):
        edge, side = ("lowest", "below") if one.cause == causes.BRIDGE_LOWEST else ("highest", "above")
        flow = (device.flow_lowest if edge == "lowest" else device.flow_highest) * HOURS_A_DAY
        why = f"The bridge asks for a flow {side} the {edge} of the {device.model}, {flow:.3g} mL/day."
        do = "Draw the old solution out and prime with the new one, or keep a dose that the pump can run."
        return f"bridge {side} the {edge} flow", why, do, source_of(device.records, f"flow_{edge}")
    rule, why, do = _PLAIN.get(one.cause, _PLAIN["program"])
    if one.cause == causes.LEAK and one.tip == 0.0:
        rule, why = "disconnected catheter", "The catheter is off: all of the drug is lost before its tip."
    words = {"why": why, "setting": course.setting(one.start_h), "model": device.model}
    if one.cause == causes.TOLD:
        words["told"] = _last(course, one.start_h, ("entered",)).words
    return rule, why.format(**words), do, manual(course, one.start_h)


# Rule, cause and advice of what needs no look at the rest of the course.
_PLAIN = {
    causes.EMPTY: (
        "reservoir left empty",
        "The reservoir is empty.",
        "Refill it; bridge the time with tablets and watch for withdrawal.",
    ),
    causes.KINK: (
        "kinked catheter",
        "The catheter is kinked.",
        "Look at the catheter when tone rises without another reason; revise it.",
    ),
    causes.LEAK: (
        "leaking catheter",
        "Drug leaves the catheter before its tip.",
        "Look at the catheter when tone rises without another reason; lower the dose before the flow is whole again.",
    ),
    causes.ERROR: (
        "flow off",
        "The volume found at the refill tells that the pump ran so.",
        "Measure again at an early refill; look for a stall, a kink or a leak.",
    ),
    causes.TOLD: (
        "wrong concentration in the programmer",
        "The programmer holds another concentration than the reservoir: {told}.",
        "Compare the label of the syringe with the programmer at every refill; enter the concentration that is inside.",
    ),
    causes.LOWEST: (
        "flow below the lowest",
        "The {model} cannot run as slowly as it is told.",
        "Fill with a lower concentration, or give more.",
    ),
    causes.HIGHEST: (
        "flow above the highest",
        "The {model} cannot run as fast as it is told.",
        "Give the bolus over a longer time, or fill with a higher concentration.",
    ),
    causes.PRIME: (
        "drug primed out of the tip",
        "The priming pushes more than the tubing without drug can take up.",
        "Prime with the volume that holds no drug, and no more.",
    ),
    causes.FLUSH: (
        "drug flushed out of the tip",
        "The flush pushes what is in the catheter out of it.",
        "Draw the catheter's content out through its access port before anything is injected.",
    ),
    causes.MAGNET: (
        "drug out of the valve",
        "The magnet opens the valve before it shuts.",
        "Empty the pump before the examination; restart and refill it after.",
    ),
    causes.BRIDGE: (
        "bridge still runs",
        "A bridge runs on after another dose was programmed.",
        "Program the new dose when the bridge has ended.",
    ),
    "program": ("not what is programmed", "The pump does not run as it is programmed.", "Interrogate the pump."),
}


def _no_drug(course: Delivery, one: WrongDose) -> tuple[str, str, str, str]:
    """Explain tubing without drug: never primed, primed with too little, or emptied by hand."""
    last = _last(course, one.start_h, ("flush", "aspirated", "replaced", "revised"))
    pump = course.implant(one.start_h)
    source = source_of(pump.device.records, "catheter_volume_per_length")
    if last.what in ("flush", "aspirated"):
        held = "saline" if last.what == "flush" else "spinal fluid"
        do = f"Prime with {pump.catheter:.3g} mL, what the catheter holds."
        return "catheter without drug", f"The catheter holds {held} from its {_HANDS[last.what]} on.", do, source
    volume = {"replaced": pump.tubing, "revised": pump.catheter}.get(last.what, pump.dead_volume)
    primes = [
        event
        for event in course.therapy.events
        if isinstance(event, happens.Prime) and last.at_h <= event.at_h + _EPSILON_H and event.at_h <= one.end_h
    ]
    where = {"replaced": "The tubing of the new pump", "revised": "The new catheter"}.get(last.what, "Tubing")
    holds = f"{where} of {volume:.3g} mL holds no drug"
    do = f"Prime with {volume:.3g} mL ({volume * _inside(course, one):.3g} ug)."
    if last.what == "replaced":
        do = "Draw the catheter out through its access port, then prime tubing and catheter "
        do += f"({pump.dead_volume:.3g} mL): to prime the tubing alone pushes the old solution into the fluid."
    if not primes:
        return "no priming", f"{holds}, and it was not primed.", do, source
    flow = pump.device.flow_highest
    given = [pump.dead_volume if event.volume is None else event.volume for event in primes]
    moved = sum(
        _pumped(course, event.at_h, event.at_h + size / flow) for event, size in zip(primes, given, strict=True)
    )
    short = f"cut off after {moved:.3g} mL" if moved < sum(given) * (1.0 - _CUT) else f"of {moved:.3g} mL"
    why = f"{where} of {volume:.3g} mL held no drug, and a priming {short} only moved it on towards the tip."
    return "priming too small", why, do, source


def _pumped(course: Delivery, begin: float, end: float) -> float:
    """Return the volume that left the reservoir between two times, mL."""
    return sum(piece.flow * max(min(piece.end_h, end) - max(piece.start_h, begin), 0.0) for piece in course.pieces)


_HANDS = {"flush": "flush by hand", "aspirated": "being drawn out"}


def _solution(course: Delivery, one: WrongDose) -> tuple[str, str, str, str]:
    """Explain another solution at the tip than the flow is meant for: no bridge, or one that does not fit."""
    source = source_of("pump", "concentration_start")
    tip = next((piece.strength for piece in course.pieces if piece.start_h <= one.start_h < piece.end_h), 0.0)
    filled = _last(course, one.start_h, ("filled",))
    new, dead = _inside(course, one), course.implant(one.start_h).dead_volume
    begun = one.start_h + _EPSILON_H
    bridges = (event for event in course.therapy.events if isinstance(event, happens.Bridge))
    if any(filled.at_h - _EPSILON_H <= event.at_h <= begun for event in bridges):
        why = f"The bridge does not fit what is in the tubing: {tip:g} ug/mL leaves the tip."
        return "bridge does not fit", why, "Bridge for the volume and the solution that the tubing holds.", source
    dose = one.wanted
    why = f"The tubing of {dead:.3g} mL still holds {tip:g} ug/mL while the pump runs at the flow for {new:g} ug/mL."
    replaced = _last(course, one.start_h, ("replaced",))
    if replaced.what == "replaced" and abs(replaced.at_h - filled.at_h) < _EPSILON_H:
        do = f"Draw the catheter out through its access port, then prime tubing and catheter ({dead:.3g} mL)."
        return "no bridge bolus", why, do, source
    do = f"Give a bridge bolus: {dead * new:.4g} ug of the new solution over {dead * tip / dose * HOURS_A_DAY:.3g} h."
    return "no bridge bolus", why, do, source


def _inside(course: Delivery, one: WrongDose) -> float:
    """Return the concentration of what leaves the reservoir in a stretch, ug/mL."""
    runs = (piece for piece in course.pieces if piece.flow > 0 and piece.end_h > one.start_h)
    piece = next(runs, None)
    return course.therapy.concentration if piece is None else piece.pumped / piece.flow
