"""The continuous course of a sample of people: of a trial, or the possible people of a case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from eutonia import parameters
from eutonia._hours import HOURS_A_DAY
from eutonia.assessment.muscles import stretched_groups
from eutonia.assessment.scales import SCALES
from eutonia.assessment.scoring import Chart, chart, chart_constants, no_luck
from eutonia.drug.effect.exposed import Exposed
from eutonia.patient import LIMBS
from eutonia.simulation.course import Course, Snapshot, snapshot_of, start
from eutonia.simulation.encounter import Encounter
from eutonia.simulation.examine import body_constants, examine
from eutonia.simulation.lesion_course import LesionCourse
from eutonia.simulation.people import People
from eutonia.simulation.stance import stance
from eutonia.simulation.treated import least_kept, under
from eutonia.study.analysis_checks import arms_of, phase_of
from eutonia.study.design import TrialStudy
from eutonia.study.parts import Arm, Phase
from eutonia.treatment import Effects
from eutonia.trial import blocks
from eutonia.trial.arms import ArmRun, tip_of, with_tip
from eutonia.trial.conduct import begin_of, charted, length_of, lesions_of, nonspecific_of
from eutonia.trial.period import LOOK, VISIT, PeriodClock, Task, run_period
from eutonia.trial.recruitment import Pool, recruit
from eutonia.trial.swings import SWINGING, Ahead, TabletsAhead, ends

if TYPE_CHECKING:
    import xarray


class Recorder:
    """Collects states along the slow clock: call `note` at every time, then `dataset` looks at all of them at once."""

    def __init__(self) -> None:
        """Start with nothing noted."""
        #: Groups whose score is told even where nothing is done to them.
        self.muscles: frozenset[str] = frozenset()
        self.times: list[float] = []
        self._looks: list[Encounter] = []
        self._lesions: LesionCourse | None = None
        self._doses: list[tuple[np.ndarray, np.ndarray]] = []
        self._ahead: list[Ahead] = []

    def note(self, time_h: float, clock: PeriodClock) -> None:
        """Keep the clock's people and state as they are now, at `time_h` of the course."""
        self.times.append(time_h)
        self._looks.append(clock.encounter())
        self._lesions = clock.lesions
        self._doses.append((clock.rate * HOURS_A_DAY, clock.tablets_mg_per_day))
        self._ahead.append(Ahead.of(clock))

    def dose_changed(self, clock: PeriodClock) -> None:
        """Let what was noted last, if it was noted now, say what is given from now on: a dose is a step."""
        if self.times and self.times[-1] == clock.now_h:
            self._doses[-1] = (clock.rate * HOURS_A_DAY, clock.tablets_mg_per_day)

    def exposed(self, n_people: int) -> Exposed:
        """Return what the brains of the first people had met by each time; arrays of time by patient."""
        met = [look.state.exposed for look in self._looks]
        return jax.tree.map(lambda *leaves: np.stack([np.asarray(x)[:n_people] for x in leaves]), *met)

    def dataset(self, n_people: int, width: int) -> xarray.Dataset:
        """Return what the drug and the tone of the first people were, over time, limb and patient; `width` looks at
        a time.
        """
        n_times = len(self.times)
        pump, mouth = (np.concatenate([dose[i][:n_people] for dose in self._doses]) for i in (0, 1))

        looks = _joined(self._looks, n_people)
        row = blocks.apply(partial(_look, self._lesions), (looks,), n_times * n_people, width)
        row |= {"dose_rate": pump, "dose_oral": mouth}
        data = {}
        for name, about in variables().items():
            values = np.asarray(row[name])
            if name.startswith("dose_") and not values.any():
                continue  # nobody takes the drug by this route
            data[name] = _variable(about, values, (n_times, n_people))
        _told_ceiling(data)
        effects = _joined([look.effects for look in self._looks], n_people)
        data |= lesion_bias(data["untreated_bias"], np.asarray(effects.bias_kept))
        data |= _muscles(effects, np.asarray(row[_MUSCLE_GRADES]), (n_times, n_people), self.muscles)
        data |= self._swings(n_people, width)
        return _course(data, self.times, n_people)

    def _swings(self, n_people: int, width: int) -> dict[str, xarray.Variable]:
        """Return trough and peak of the drug within each dosing interval of tablets; nothing where none are taken."""
        import xarray as xr

        if not any(mouth.any() for _, mouth in self._doses):
            return {}
        n_times = len(self.times)
        looks, rate = _joined(self._looks, n_people), np.concatenate([one.rate[:n_people] for one in self._ahead])
        given = (looks.people, looks.state.drug, rate, TabletsAhead.joined(self._ahead, n_people))
        row = blocks.apply(ends, given, n_times * n_people, width)
        found = {}
        for end in ("trough", "peak"):
            for name in SWINGING:
                unit, label = _OF_MODEL[name]
                about = {"units": unit, "long_name": f"{label}, {end} within a dosing interval"}
                shaped = row[f"{name}_{end}"].reshape(n_times, n_people)
                found[f"{name}_{end}"] = xr.Variable(("time_h", "patient"), shaped, about)
        return found


def _variable(about: tuple[str, str], values: np.ndarray, shape: tuple[int, int]) -> xarray.Variable:
    """Return what was found of each person, look by look: unit and label, values, and how many times and people."""
    import xarray as xr

    unit, label = about
    shaped = np.moveaxis(values.reshape(*values.shape[:-1], *shape), -2, 0)
    dims = ("time_h", "limb", "patient") if shaped.ndim == 3 else ("time_h", "patient")
    return xr.Variable(dims, shaped, {"units": unit, "long_name": label})


def _course(data: Mapping[str, xarray.Variable], times: Sequence[float], n_people: int) -> xarray.Dataset:
    import xarray as xr

    time = xr.Variable(("time_h",), np.array(times), {"units": "h", "long_name": "Time"})
    return xr.Dataset(data, {"time_h": time, "limb": list(LIMBS), "patient": np.arange(n_people)})


def _told_ceiling(data: Mapping[str, xarray.Variable]) -> None:
    """Note the largest bias that a cord can have beside the bias of the lesion, mV: what its shares are of."""
    data["untreated_bias"].attrs["valid_max"] = parameters.load("descending").value("bias_ceiling", "mV")


def lesion_bias(untreated: xarray.Variable, kept: np.ndarray) -> dict[str, xarray.Variable]:
    """Return the lesion's own bias where treatments keep only a share of it, limb by look; nothing where none does."""
    import xarray as xr

    if np.all(kept == 1.0):
        return {}
    times, limbs, people = untreated.shape
    shares = np.moveaxis(least_kept(kept).reshape(limbs, times, people), 0, 1)
    about = {"units": "mV", "long_name": "Motoneuron bias of the lesion before treatments that lower it"}
    return {"lesion_bias": xr.Variable(untreated.dims, untreated.values / shares, about)}


def moment_course(people: People, snapshot: Snapshot, effects: Effects, at_h: float) -> xarray.Dataset:
    """Return tone and drug of people at one hour, with the names and dims of a course; `effects` are on them then."""
    values = {
        "untreated_bias": people.bias,
        "bias": people.bias - snapshot.hyperpolarisation,
        **{name: getattr(snapshot, name) for name in ("csf_leg", "csf_arm")},
    }
    data = {name: _variable(_OF_MODEL[name], np.asarray(array), (1, people.n)) for name, array in values.items()}
    _told_ceiling(data)
    return _course(data | lesion_bias(data["untreated_bias"], np.asarray(effects.bias_kept)), [at_h], people.n)


def _muscles(
    effects: Effects, grades: np.ndarray, shape: tuple[int, int], asked: frozenset[str]
) -> dict[str, xarray.Variable]:
    """Return what treatments did to single muscle groups, of those to which they ever did anything.

    `grades` are the Ashworth scores of the charted groups, muscle by look: told for the group most weakened at a joint,
    and for those that are asked for. `shape` is times and people.
    """
    import xarray as xr

    found: dict[str, xarray.Variable] = {}
    least: dict[str, float] = {}
    for row, (_, joint, _) in enumerate(stretched_groups()):
        least[joint] = min(least.get(joint, 1.0), float(np.min(effects.force[row])))
    for row, (name, joint, limb) in enumerate(stretched_groups()):
        shares = {of: np.asarray(getattr(effects, of))[row] for of in _OF_MUSCLE}
        is_touched = any(np.any(shares[of] != whole) for of, (whole, _) in _OF_MUSCLE.items())
        about = {"muscle": name, "joint": joint, "limb": limb}
        for of, (whole, label) in _OF_MUSCLE.items() if is_touched else ():
            if np.any(shares[of] != whole):
                key, text = f"{of}_{name.replace(' ', '_')}", f"{label}, {name}"
                shaped = shares[of].reshape(shape)
                found[key] = xr.Variable(("time_h", "patient"), shaped, {"units": "1", "long_name": text, **about})
        is_weakest = is_touched and np.min(effects.force[row]) == least[joint]
        if row < len(grades) and (is_weakest or name in asked):
            scale = SCALES["ashworth"]
            about |= {"units": scale.unit, "long_name": f"{scale.label}, {name}"}
            shaped = grades[row].reshape(shape)
            found[f"ashworth_{name.replace(' ', '_')}"] = xr.Variable(("time_h", "patient"), shaped, about)
    return found


# What treatments do to a muscle group: what it is where they do nothing, and its words.
_OF_MUSCLE = {
    "gain": (1.0, "Reflex gain left"),
    "blockade": (0.0, "Reflex force blocked"),
    "force": (1.0, "Voluntary force left"),
}
_MUSCLE_GRADES = "ashworth_muscle"


def _joined(parts: list[Any], n_people: int) -> Any:
    """Put the first people at many times one after the other on the patient axis."""

    def join(*leaves: Any) -> np.ndarray:
        if all(leaf is leaves[0] for leaf in leaves):  # most of what people are stays as it is
            first = np.asarray(leaves[0])[..., :n_people]
            return np.tile(first, len(leaves))
        return np.concatenate([np.asarray(x)[..., :n_people] for x in leaves], axis=-1)

    return jax.tree.map(join, *parts)


def _look(lesions: LesionCourse | None, looked: Encounter) -> dict[str, Any]:
    """Examine everybody without rater noise and return all that is reported of a course."""
    known, state = jax.tree.map(jnp.asarray, (looked.people, looked.state))
    people, effects = replace(looked, people=known, state=state).met(lesions)
    snapshot = under(snapshot_of(people, state), effects)
    exam = examine(people, snapshot, body_constants())
    standing = stance(people, snapshot, body_constants())
    scored = chart(people, exam, standing, no_luck(people.n), jnp.asarray(np.zeros(people.n)), chart_constants())
    of_drug = ("plasma", "csf_leg", "csf_arm", "csf_brain", "receptor_effect", "sensitivity")
    of_chart = [key for key, scale in SCALES.items() if scale.is_score]
    return {
        **{name: getattr(snapshot, name) for name in of_drug},
        **{name: scored[name] for name in (*of_chart, _MUSCLE_GRADES)},
        "brain_effective": np.asarray(snapshot.brain_fluid) + np.asarray(snapshot.brain_blood),
        "brain_fluid": snapshot.brain_fluid,
        "brain_blood": snapshot.brain_blood,
        "bias": exam.bias,
        "untreated_bias": people.bias,
        "contracture": exam.contracture,
    }


# Hours between looks at a sample: dense after the start of a phase, then days.
_GRID_H = (*np.arange(0.0, 12.0, 0.5), *np.arange(12.0, 73.0, 6.0), *np.arange(96.0, 14 * HOURS_A_DAY + 1, 24.0))
_WEEK_H, _SAMPLE, _BETWEEN_H = 168.0, 16, 48.0
_TRACES = (
    "Traces of the first people through one arm of each phase, that of the analysis or else the first active one, "
    "whatever they were allocated to, as if they stayed, with their own rescue, missed visits and tablets left out. "
    "To look at, not results. Gates are left out, each phase begins washed out, two days after the one before; a pump "
    "that starts from a test dose starts from the first of the label."
)


def sample_course(study: TrialStudy, pool: Pool, width: int) -> xarray.Dataset:
    """Return the course of the first people of the trial through the active arm of each phase, one phase after the
    other.

    Gates are left out, and each phase begins washed out: these are traces to look at, not results. What people are
    given goes by their own charts, visits missed, rescue and tablets taken, as in the arm of the trial.
    """
    recorder, longest = Recorder(), ("", "", 0.0, 0.0)
    person, is_exact = np.arange(width), study.assessment.rater == "noiseless"
    recruits, nonspecific = recruit(pool, study.seed, person), nonspecific_of(study, person)
    people, lesions = recruits.people(study.seed), lesions_of(study, recruits)
    begin, entered = 0.0, 0.0
    for index, phase in enumerate(study.phases):
        arm = traced_arm(study, phase)
        end = float(phase.visits_h[-1])
        run = ArmRun.of(study, phase, index, arm, np.ones(width, dtype=bool), person)
        placed = with_tip(people, tip_of([run]))
        clock = PeriodClock(
            Course(placed), start(placed), study.seed, is_exact, nonspecific, lesions=lesions, since_entry_h=entered
        )
        grid = [t for t in (*_GRID_H, *np.arange(21 * HOURS_A_DAY, end, _WEEK_H)) if t < end] + [end]

        def note(now: PeriodClock, offset: float = begin) -> None:
            recorder.note(offset + now.now_h, now)

        tasks = [*run.tasks(), *_rescues(run, phase, index), *(Task(t, LOOK, note) for t in grid)]
        clock.begin_at(begin_of(tasks))
        run_period(clock, tasks)
        longest = max(longest, (phase.name, arm.name, begin, begin + end), key=lambda one: one[3] - one[2])
        begin, entered = begin + end + _BETWEEN_H, entered + length_of(phase)
    found = recorder.dataset(min(_SAMPLE, study.population.n), width)
    of_phase = zip(("longest_phase", "longest_arm", "longest_from_h", "longest_to_h"), longest, strict=True)
    return found.assign_attrs(comment=_TRACES, **dict(of_phase))


def _rescues(run: ArmRun, phase: Phase, index: int) -> list[Task]:
    """Return the visits of a phase at which somebody may be given rescue, and those that they are judged by."""
    charts: list[Chart] = []

    def visit(now: PeriodClock, k: int) -> None:
        charts.append(charted(now, phase, index, k))
        run.rescue_at(phase.visits_h[k], charts[0], charts[-1])

    visits = enumerate(() if phase.rescue is None else phase.visits_h)
    return [Task(time_h, VISIT, partial(visit, k=k)) for k, time_h in visits]


def traced_arm(study: TrialStudy, phase: Phase) -> Arm:
    """Return the arm of a phase whose traces are told: the active one that the analysis asks about, else the first."""
    asked = () if study.analysis is None else study.analysis.endpoints
    found = (arms_of(phase, one)[0] for one in asked if phase_of(study.phases, one) is phase)
    return next((arm for arm in (*found, *phase.arms) if arm is not None and not arm.placebo), phase.arms[0])


_OF_MODEL = {
    "dose_rate": ("ug/day", "Pump dose"),
    "dose_oral": ("mg/day", "Tablets"),
    "plasma": ("ng/mL", "Plasma"),
    "csf_leg": ("ng/mL", "Spinal fluid, leg"),
    "csf_arm": ("ng/mL", "Spinal fluid, arm"),
    "csf_brain": ("ng/mL", "Cisterns"),
    "brain_effective": ("ng/mL", "Effective concentration at the brain"),
    "brain_fluid": ("ng/mL", "Effective concentration at the brain from the spinal fluid"),
    "brain_blood": ("ng/mL", "Effective concentration at the brain from tablets"),
    "receptor_effect": ("1", "Effect"),
    "sensitivity": ("1", "Sensitivity left"),
    "bias": ("mV", "Motoneuron bias, lesion less drug"),
    "untreated_bias": ("mV", "Motoneuron bias of the lesion"),
    "contracture": ("1", "Contracture, share of severe"),
}


def variables() -> dict[str, tuple[str, str]]:
    """Return every variable of a course with its unit and what it is: those of the model, then every scale."""
    scores = {key: (scale.unit, scale.label) for key, scale in SCALES.items() if scale.is_score}
    return {**_OF_MODEL, **scores}
