"""Blocks of a trial as arrays that a store keeps, and an outcome that reads them when they are asked for.

Of a million people the charts of one visit are in memory, and what came just before, not those of the whole trial.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import numpy as np

from eutonia.drug.pump.breach import Breach
from eutonia.engine.store import Recent, Store
from eutonia.study.design import TrialStudy
from eutonia.study.policies import Screening
from eutonia.trial import arm_pump
from eutonia.trial.analysis import Outcome
from eutonia.trial.arm_pump import OF_EACH, PumpCourses
from eutonia.trial.block_outcome import BlockOutcome, VisitRecord
from eutonia.trial.dose_finding import walked
from eutonia.trial.doses import DoseLog, side_by_side
from eutonia.trial.reactions import Reactions
from eutonia.trial.recruitment import Pool, known_of
from eutonia.trial.roll import OF_PHASES, Roll

K = TypeVar("K")
V = TypeVar("V")

# Charts that were read last are kept, up to so many bytes.
_KEPT_BYTES = 512e6
_OF_VISIT = ("present", "rate_ug_per_h", "tablets_mg_per_day")
_OF_PUMPS = ("course", *OF_EACH)
_OF_SCREENING = tuple(one.name for one in dataclasses.fields(Screening))


def packed(found: BlockOutcome, used: Sequence[tuple[str, str]]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return what a block found in one phase as arrays with people last, and the facts that are no arrays.

    `used` are set and name of the records that it read.
    """
    visits = found.periods_merged()
    arrays = {name: one for name in OF_PHASES for one in getattr(found, name).values()}
    arrays |= {f"features/{name}": one for name, one in found.features.items()}
    for i, record in enumerate(visits):
        arrays |= {f"visits/{i}/score/{name}": score for name, score in record.scores.items()}
        arrays |= {f"visits/{i}/{name}": getattr(record, name) for name in _OF_VISIT}
    for (_, arm), values in found.relieved_ug_per_h.items():
        arrays[f"relieved_ug_per_h/{arm}"] = values
    for (_, arm), flags in found.tested.items():
        arrays[f"tested/{arm}"] = flags
    for (_, arm), came in found.reactions.items():
        arrays |= {f"reactions/{arm}/time_h": came.time_h, f"reactions/{arm}/source": came.source}
    for (_, arm), log in found.doses.items():
        arrays |= {f"doses/{arm}/rate": log.rate_ug_per_h, f"doses/{arm}/tablets": log.tablets_mg_per_day}
    for (_, arm), pumps in found.pumps.items():
        arrays |= {f"pumps/{arm}/{name}": getattr(pumps, name) for name in _OF_PUMPS}
    if found.screening is not None:
        arrays |= {f"screening/{name}": getattr(found.screening, name) for name in _OF_SCREENING}
    about = {
        "visits": [[one.phase, one.arm, one.visit, one.time_h] for one in visits],
        "arms": {
            name: [arm for _, arm in getattr(found, name)]
            for name in ("relieved_ug_per_h", "tested", "reactions", "doses", "pumps")
        },
        "dose_times_h": {arm: log.time_h.tolist() for (_, arm), log in found.doses.items()},
        "breaches": {
            arm: [[dataclasses.asdict(one) for one in course] for course in pumps.broken]
            for (_, arm), pumps in found.pumps.items()
        },
        "reasons": {str(place): why for place, why in found.reasons.items()},
        "used": [list(one) for one in used],
    }
    return arrays, about


def noted(store: Store, key: tuple[int, int], phase: str) -> BlockOutcome:
    """Return of a kept block as much as the next phase needs."""
    names = store.names(key)
    wanted = [*OF_PHASES, *(name for name in names if name.startswith("screening/"))]
    got, about = store.read(key, wanted), store.about(key)
    screening = Screening(*(got[f"screening/{name}"] for name in _OF_SCREENING)) if len(got) > len(OF_PHASES) else None
    nobody = np.zeros(0, dtype=np.int64)
    reasons = {int(place): why for place, why in about["reasons"].items()}
    found = BlockOutcome(nobody, nobody, reasons=reasons, screening=screening)
    for name in OF_PHASES:
        getattr(found, name)[phase] = got[name]
    return found


class Later(Mapping[K, V]):
    """Values that are read when they are asked for."""

    def __init__(self, load: Mapping[K, Callable[[], V]]) -> None:
        """Know how to read each of them."""
        self._load = load

    def __getitem__(self, key: K) -> V:
        """Read one."""
        return self._load[key]()

    def __iter__(self) -> Iterator[K]:
        """Go over the keys, in order, and read nothing."""
        return iter(self._load)

    def __len__(self) -> int:
        """Count them."""
        return len(self._load)


def outcome_of(
    study: TrialStudy, pool: Pool, roll: Roll, store: Store, n_blocks: int, order: np.ndarray | None = None
) -> Outcome:
    """Return the outcome of a trial whose blocks are kept, in the order of people; `order` is where the blocks have
    them, none where they are in order.
    """
    reader = _Reader(store, n_blocks, Recent(_KEPT_BYTES), slice(None) if order is None else order)
    loads: dict[str, dict[Any, Callable[[], Any]]] = {name: {} for name in ("visits", *_ARMS)}
    for index, phase in enumerate(study.phases):
        about = store.about((index, 0))
        for i, (of, arm, visit, time_h) in enumerate(about["visits"]):
            loads["visits"][of, arm, visit] = partial(reader.visit, index, i, of, arm, visit, time_h)
        for name, read in _ARMS.items():
            for arm in about["arms"][name]:
                joined = partial(read, reader, index, arm)
                loads[name][phase.name, arm] = partial(reader.kept, (index, name, arm), joined)
    features = [name for name in store.names((0, 0)) if name.startswith("features/")]
    known = reader.joined(0, features)
    later: dict[str, Any] = {name: Later(load) for name, load in loads.items()}
    found = Outcome(
        study,
        len(roll.member) // study.population.n,
        member=roll.member,
        features={name.removeprefix("features/"): values for name, values in known.items()},
        known=known_of(pool.cohort.take(roll.member)),
        uncomputed=dict(sorted(roll.reasons.items())),
        **{name: getattr(roll, name) for name in OF_PHASES},
        **later,
    )
    return walked(found)


class _Reader:
    """Reads arrays of all blocks of a phase and joins them."""

    def __init__(self, store: Store, n_blocks: int, recent: Recent, order: slice | np.ndarray) -> None:
        self.store, self.n_blocks, self.recent, self.order = store, n_blocks, recent, order

    def blocks(self, index: int, names: Sequence[str]) -> list[dict[str, np.ndarray]]:
        return [self.store.read((index, number), names) for number in range(self.n_blocks)]

    def abouts(self, index: int) -> list[Mapping[str, Any]]:
        return [self.store.about((index, number)) for number in range(self.n_blocks)]

    def joined(self, index: int, names: Sequence[str]) -> dict[str, np.ndarray]:
        parts = self.blocks(index, names)
        return {name: np.concatenate([part[name] for part in parts], axis=-1)[..., self.order] for name in names}

    def kept(self, key: object, make: Callable[[], Any]) -> Any:
        def sized() -> tuple[Any, float]:
            found = make()
            return found, _bytes(found)

        return self.recent.get(key, sized)

    def visit(self, index: int, i: int, phase: str, arm: str, visit: int, time_h: float) -> VisitRecord:
        def read() -> VisitRecord:
            first = f"visits/{i}/"
            names = [name for name in self.store.names((index, 0)) if name.startswith(first)]
            got = {name.removeprefix(first): one for name, one in self.joined(index, names).items()}
            scores = {name.removeprefix("score/"): one for name, one in got.items() if name.startswith("score/")}
            return VisitRecord(phase, arm, visit, time_h, scores, **{name: got[name] for name in _OF_VISIT})

        found: VisitRecord = self.kept((index, i), read)
        return found

    def plain(self, index: int, arm: str, name: str) -> np.ndarray:
        return self.joined(index, [f"{name}/{arm}"])[f"{name}/{arm}"]

    def reactions(self, index: int, arm: str) -> Reactions:
        got = self.joined(index, [f"reactions/{arm}/time_h", f"reactions/{arm}/source"])
        return Reactions(*got.values())

    def doses(self, index: int, arm: str) -> DoseLog:
        parts = self.blocks(index, [f"doses/{arm}/rate", f"doses/{arm}/tablets"])
        times = [np.array(about["dose_times_h"][arm]) for about in self.abouts(index)]
        logs = [DoseLog(when, *part.values()) for when, part in zip(times, parts, strict=True)]
        return side_by_side(logs).take(self.order)

    def pumps(self, index: int, arm: str) -> PumpCourses:
        found = []
        parts = self.blocks(index, [f"pumps/{arm}/{name}" for name in _OF_PUMPS])
        for part, about in zip(parts, self.abouts(index), strict=True):
            course, *rest = part.values()
            broken = tuple(tuple(Breach(**one) for one in some) for some in about["breaches"][arm])
            found.append(PumpCourses(course, broken, *rest))
        return arm_pump.side_by_side(found).take(self.order)


_ARMS: Mapping[str, Callable[[_Reader, int, str], Any]] = {
    "relieved_ug_per_h": partial(_Reader.plain, name="relieved_ug_per_h"),
    "tested": partial(_Reader.plain, name="tested"),
    "reactions": _Reader.reactions,
    "doses": _Reader.doses,
    "pumps": _Reader.pumps,
}


def _bytes(found: Any) -> float:
    """Return how many bytes the arrays of a record take."""
    if isinstance(found, np.ndarray):
        return float(found.nbytes)
    if isinstance(found, Mapping):
        return sum(map(_bytes, found.values()))
    if dataclasses.is_dataclass(found):
        return sum(_bytes(getattr(found, one.name)) for one in dataclasses.fields(found))
    return 0.0
