"""Which models can be exported, with which doses, in which format."""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from eutonia import _bounds, _units, _writing, parameters
from eutonia._arguments import PATH, TEXT, accepts, instance
from eutonia.drug.kinetics.values import ADULT
from eutonia.drug.regimen import ACCESSES
from eutonia.errors import EutoniaError, StudyError, UnitError, unknown
from eutonia.exchange import effect, sbml
from eutonia.exchange.equations import Equations
from eutonia.exchange.intrathecal import TYPICAL_TIP, spinal_fluid
from eutonia.exchange.oral import tablets
from eutonia.study import vocabulary
from eutonia.study.vocabulary import Limit

FORMATS = ("sbml",)


@dataclass(frozen=True, slots=True)
class Dosing:
    """What is given: a dose at time 0 and its repetition, an infusion; text with units, or None.

    `access` is the way of an intrathecal dose into the fluid, `tip` the vertebral level of the catheter's tip.
    """

    dose: str | None = None
    every: str | None = None
    infusion: str | None = None
    access: str | None = None
    tip: str | None = None

    def amount(self, kind: str) -> float:
        """Return the dose in the unit of its route (mg or ug), 0 for none; the other route's unit is refused."""
        return 0.0 if self.dose is None else _bounded(self.dose, kind, "--dose")

    @property
    def every_h(self) -> float | None:
        """Interval between doses, h."""
        if self.every is None:
            return None
        if self.dose is None:
            raise StudyError('--every repeats a dose, and none is given. Give one: --dose "10 mg" --every "8 hour".')
        interval = _units.parse(self.every, "duration", "--every")
        if interval <= 0:
            raise StudyError(f'--every: "{self.every}" is no interval. Allowed: more than 0, such as "8 hour".')
        return _units.parse(self.every, "duration", "--every", _bounds.INTERVAL)


DOSING = instance("doses", 'Dosing(dose="10 mg", every="8 hour")', Dosing)
# The smallest and the largest that is read of each kind; a label's ceiling is no bound of a model.
_LIMITS: Mapping[str, tuple[Callable[[], Limit], Callable[[], Limit]]] = {
    "oral_dose": (vocabulary.smallest_oral_dose, vocabulary.oral_dose_on_record),
    "intrathecal_dose": (vocabulary.smallest_bolus, vocabulary.intrathecal_dose_on_record),
    "intrathecal_rate": (vocabulary.smallest_rate, vocabulary.intrathecal_rate_on_record),
}


def _bounded(text: str, kind: str, option: str) -> float:
    """Read a dose; one that nobody gives is a slip of a digit or of the unit."""
    value, (least, most) = _units.parse(text, kind, option), (limit() for limit in _LIMITS[kind])
    if value != 0 and not least.value <= value <= most.value:
        raise UnitError(
            f'{option}: "{text}" is a slip of a digit or of the unit. Allowed: 0, or {least.text} to {most.text} '
            f"({most.label.lower()}, {most.source}). Correct it."
        )
    return value


@dataclass(frozen=True, slots=True)
class Exported:
    """A model that can be exported: what it holds, and how its equations are made from a dosing."""

    title: str
    build: Callable[[Dosing], Equations]


def _oral(oral_set: str) -> Callable[[Dosing], Equations]:
    def build(given: Dosing) -> Equations:
        for option, value in (("--infusion", given.infusion), ("--access", given.access), ("--tip", given.tip)):
            if value is not None:
                raise StudyError(
                    f'{option} "{value}" belongs to the spinal fluid, and {oral_set} is taken by mouth. Allowed: '
                    "--dose, --every. Nearest: the models intrathecal and effect_intrathecal. Leave it out."
                )
        return tablets(oral_set, given.amount("oral_dose"), given.every_h)

    return build


def _fluid(given: Dosing) -> Equations:
    rate = 0.0 if given.infusion is None else _bounded(given.infusion, "intrathecal_rate", "--infusion")
    return spinal_fluid(
        given.amount("intrathecal_dose"), given.every_h, rate, given.access or ACCESSES[0], given.tip or TYPICAL_TIP
    )


def _effect_of_tablets(given: Dosing) -> Equations:
    whole = _oral(ADULT)(given) + effect.limbs(effect.from_blood()) + effect.tablet_hazards()
    return dataclasses.replace(whole, name="effect_oral", title=_TITLES["effect_oral"])


def _effect_of_fluid(given: Dosing) -> Equations:
    pump = given.infusion is not None or given.dose is None
    whole = _fluid(given) + effect.limbs(effect.from_both()) + effect.fluid_hazards(pump=pump)
    return dataclasses.replace(whole, name="effect_intrathecal", title=_TITLES["effect_intrathecal"])


def _receptor(given: Dosing) -> Equations:
    for field in dataclasses.fields(given):
        if (value := getattr(given, field.name)) is not None:
            raise StudyError(
                f'--{field.name} "{value}": the model receptor has no drug to give, its level is held. Allowed: no '
                "option. Nearest: the models effect_oral and effect_intrathecal. Leave it out."
            )
    return effect.held_level()


_TITLES = {
    "effect_oral": "Tablets to effect: adult default, GABA-B receptors with tolerance, risk of adverse effects",
    "effect_intrathecal": "Spinal fluid to effect: line of segments, receptors with tolerance, risk of adverse effects",
}


@functools.cache
def models() -> Mapping[str, Exported]:
    """Return every model that can be exported, by name."""
    oral = parameters.sets("oral")
    return {name: Exported(parameters.load(name).title, _oral(name)) for name in oral} | {
        "intrathecal": Exported(parameters.load("intrathecal").title, _fluid),
        "receptor": Exported(parameters.load("receptor").title, _receptor),
        "effect_oral": Exported(_TITLES["effect_oral"], _effect_of_tablets),
        "effect_intrathecal": Exported(_TITLES["effect_intrathecal"], _effect_of_fluid),
    }


@accepts(model=TEXT, given=DOSING.or_none())
def equations(model: str, given: Dosing | None = None) -> Equations:
    """Return a model as equations, with the doses given.

    Raises
    ------
    StudyError
        No such model, or an option that this model cannot have.
    UnitError
        A dose without a unit, or in the unit of the other route.
    """
    known = models()
    if model not in known:
        raise StudyError(unknown("model to export", model, known, "See: eutonia export --list"))
    return known[model].build(given or Dosing())


@accepts(model=TEXT, given=DOSING.or_none(), target=TEXT)
def export(model: str, given: Dosing | None = None, target: str = "sbml") -> str:
    """Return the text of a model in a format that other programs read."""
    if target not in FORMATS:
        raise StudyError(unknown("format", target, FORMATS, "Leave --format out, or write it so."))
    return sbml.text(equations(model, given))


@accepts(text=TEXT, file=PATH)
def write(text: str, file: str | os.PathLike[str]) -> Path:
    """Write an exported model whole or not at all, and return the file; only an older export is replaced."""
    target = _writing.check_file(file)
    if target.exists() and sbml.SIGNATURE not in target.read_text(encoding="utf-8", errors="replace"):
        raise EutoniaError(
            f'"{target}" exists and is no export of Eutonia. Allowed: a new file, or an older export. Nearest: '
            f'"{target.with_stem(target.stem + "-model")}". Choose another name.'
        )
    return _writing.write_file(target, lambda draft: draft.write_text(text, encoding="utf-8"))
