"""Numbers of a vector are found by name, not by place: whoever sorts a record's vector moves nothing."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from eutonia import parameters
from eutonia.assessment.walking import WalkingConstants
from eutonia.drug.kinetics.geometry import SpinalGeometry
from eutonia.drug.pump import Device, Program, Therapy, play
from eutonia.drug.pump import therapy as happens
from eutonia.drug.pump.rules import breaches
from eutonia.examination.threshold import threshold_speeds
from eutonia.exchange.intrathecal import spinal_fluid
from eutonia.limb.muscle import muscle_groups
from eutonia.parameters import library
from eutonia.parameters.record import AXES
from eutonia.patient import Lesion, places
from eutonia.patient.conditions import CONDITIONS
from eutonia.patient.lesion import reference_volume_mL
from eutonia.patient.lesions import Lesions
from eutonia.patient.population import Population
from eutonia.simulation.reach import ReachConstants
from eutonia.study import vocabulary
from eutonia.study.titration import LabelTitration
from eutonia.tone.descending import DescendingConstants
from eutonia.tone.emulator import Emulator
from eutonia.tone.segment import cells, stimuli
from eutonia.tone.segment.condition import Condition
from eutonia.tone.segment.spindle import Fibres
from eutonia.trial.failures import Failures
from eutonia.trial.withdrawal import Interruption, Interruptions

SOURCE = Path(__file__).parents[2] / "src" / "eutonia"
DAY = 24.0
# What no program reads: it is checked, or tells what a prediction is held against.
UNREAD = {
    "adverse": {"toxic_coma_length", "withdrawal_peak", "withdrawal_progression"},
    "label_dosing": {"oral_usual_daily"},
    "lesion": {"cutoff_volume"},
    "segment_emulator": {
        "held_out_error", *(f"held_out_{side}_{k}" for side in ("input", "output") for k in (1, 2, 3)),
    },
}  # fmt: skip
ORIGINS = ("stroke", *CONDITIONS)


def vectors() -> Iterator[parameters.Parameter]:
    """Yield every vector of a set of numbers; a set of what is unknown of them has names of records on its axes."""
    for name in parameters.sets():
        if name.startswith("eutonia_"):
            continue
        yield from (record for record in parameters.load(name).records() if record.is_vector)


def test_every_axis_that_ships_is_of_the_vocabulary() -> None:
    known = [set(names) for names in AXES.values()]
    for record in vectors():
        assert any(set(record.axis) <= names for names in known), f"{record.set}.{record.name}"
    # Which axis a name belongs to is plain: two share none, but for the terms, which are products of inputs.
    plain = [name for what, names in AXES.items() if what != "term of the emulator" for name in names]
    assert len(plain) == len(set(plain))


def lesions() -> Any:
    each = [
        *(Lesion.multiple_sclerosis(0.5, course) for course in ("relapsing", "progressive")),
        *(Lesion.cerebral_palsy(0.5, form) for form in ("diplegic", "hemiplegic")),
        Lesion.brain_injury(0.5), Lesion.spinal("C6"), Lesion.spinal("L3"),
    ]  # fmt: skip
    return Lesions.of(each).pathways().integrity(10_000.0)


def programs() -> Any:
    """Judge programs that break each rule that reads a vector, on both pumps and for both origins."""
    said = []
    for device in ("SynchroMed II", "Prometra II"):
        for origin in ("cerebral", "spinal"):
            events = (
                happens.Prime(0.0),
                happens.Programmed(0.0, Program.simple(750.0 / DAY)),
                happens.Prime(3 * DAY),
            )
            therapy = Therapy(
                Device.named(device), reservoir=20.0, alarm_volume=2.0, catheter_cm=82.0, tip="T10",
                concentration=750.0, origin=origin, events=events, duration_h=5 * DAY,
            )  # fmt: skip
            said += [(one.rule, one.at_h, one.says) for one in breaches(play(therapy))]
    return said


def stops() -> Any:
    time = np.arange(0.0, 200.0, 10.0)
    severe = Interruptions([Interruption(20.0, True, 120.0)]).severe(time, np.full((20, 3), 0.4))
    return severe, Failures.drawn(1, np.arange(50), 0)


def segment() -> Any:
    built = cells.build(cells.Sizes(), 1, jnp.arange(2))
    moved = stimuli.stretch(stimuli.rest(0.2, 1), np.linspace(0.0, 5.0, 2000)[:, None])
    return built, Condition.of_bias([3.0]).with_gaba_b(0.4, 0.5), moved


BUILT: Mapping[str, Callable[[], Any]] = {
    "fluid": SpinalGeometry.from_records,
    "emulator": lambda: Emulator.from_records(),
    "spindle": Fibres.from_records,
    "segment": segment,
    "people": lambda: [Population.typical(origin) for origin in ORIGINS],
    "cord": lambda: [DescendingConstants.of(origin) for origin in ORIGINS],
    "walking": lambda: (WalkingConstants.from_records(), ReachConstants.of(muscle_groups())),
    "territories": lambda: [reference_volume_mL(name) for name in AXES["territory"]],
    "sites": lambda: [places.numbers(what, "mm", ()) for what in ("lateral", "anterior", "height", "reach")],
    "lesions": lesions,
    "programs": programs,
    "stops": stops,
    "speeds": threshold_speeds,
    "first rate": lambda: LabelTitration.model_construct(start="twice screening")._first(3, None),
    "strengths": lambda: (vocabulary.largest_concentration(), vocabulary.largest_bolus()),
    "sizes": lambda: [vocabulary.reservoirs(model) for model in vocabulary.pump_models()],
    "export": lambda: spinal_fluid(50.0, None, 0.0, "lumbar puncture", "T10"),
}


def plain(thing: Any) -> Any:
    """Return a thing as lists of numbers and texts, so that two can be compared."""
    if isinstance(thing, parameters.Parameter):
        return thing.set, thing.name  # what it holds stands in another order, of course
    if dataclasses.is_dataclass(thing) and not isinstance(thing, type):
        return {one.name: plain(getattr(thing, one.name)) for one in dataclasses.fields(thing)}
    if thing is None or isinstance(thing, str | float | int):
        return thing
    if isinstance(thing, tuple | list):
        return [plain(one) for one in thing]
    return np.asarray(thing).tolist()


def backwards(name: str, read: Callable[[str], parameters.ParameterSet] = library._load) -> parameters.ParameterSet:
    """Return a set whose vectors stand in the opposite order."""
    found = read(name)
    records = {
        one.name: dataclasses.replace(one, numbers=one.numbers[::-1], axis=one.axis[::-1]) for one in found.records()
    }
    return dataclasses.replace(found, _records=records)


def test_every_vector_that_a_program_reads_may_stand_in_another_order(monkeypatch: pytest.MonkeyPatch) -> None:
    library._as_of.cache_clear()  # what was made of records before
    with parameters.recording() as used:
        before = {what: plain(build()) for what, build in BUILT.items()}
    read = {f"{one.set}.{one.name}" for one in used.records()}
    unread = {f"{name}.{one}" for name, of in UNREAD.items() for one in of}
    assert {f"{one.set}.{one.name}" for one in vectors()} - read == unread
    monkeypatch.setattr(library, "_load", backwards)
    library._as_of.cache_clear()
    try:
        assert parameters.load("lesion")["leg_motor_segments"].axis == ("last", "first")
        for what, build in BUILT.items():
            assert plain(build()) == before[what], what
    finally:
        library._as_of.cache_clear()


def test_no_program_takes_a_number_of_a_vector_by_its_place() -> None:
    for path in SOURCE.rglob("*.py"):
        if "parameters" not in path.relative_to(SOURCE).parts:
            assert not re.search(r"\.numbers\[|\bparameters\b.*\.array\(", path.read_text(encoding="utf-8")), path
