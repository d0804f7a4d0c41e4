"""Blocks of a trial as arrays that a store keeps, and an outcome that reads them when they are asked for.

Of a million people the charts of one visit are in memory, and what came just before, not those of the whole trial.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import numpy as np

from eutonia.drug.pump.breach import Breach
from eutonia.engine.store import FolderStore, MemoryStore, Recent, Store
from eutonia.engine.unpacked import Unpacked
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
from eutonia.trial.response_adaptive import adapted
from eutonia.trial.roll import OF_PHASES, Roll

K = TypeVar("K")
V = TypeVar("V")

# Scores and the like that were read last are kept, up to so many bytes. Doses are read so many bytes at a time.
_KEPT_BYTES, _ROWS_BYTES = 128e6, 16e6
_SCORES = ("score", "without_rescue")
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
        arrays |= {f"visits/{i}/without_rescue/{name}": score for name, score in record.without_rescue.items()}
        arrays |= {f"visits/{i}/{name}": getattr(record, name) for name in _OF_VISIT}
    for (_, arm), values in found.relieved_ug_per_h.items():
        arrays[f"relieved_ug_per_h/{arm}"] = values
    for name in ("tested", "rescued"):
        arrays |= {f"{name}/{arm}": flags for (_, arm), flags in getattr(found, name).items()}
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
        "arms": {name: [arm for _, arm in getattr(found, name)] for name in _ARMS},
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


class KeptDoses:
    """A log of doses as the store has it."""

    def __init__(self, reader: _Reader, index: int, arm: str) -> None:
        """Know at which hours somebody's doses change."""
        self._reader, self._index, self._names = reader, index, (f"doses/{arm}/rate", f"doses/{arm}/tablets")
        self._times = [np.array(about["dose_times_h"][arm]) for about in reader.abouts(index)]
        self._lots = reader.lots[index]
        self.time_h = functools.reduce(np.union1d, self._times)

    def each_at(self, time_h: np.ndarray) -> Iterator[tuple[float, np.ndarray, np.ndarray]]:
        """Yield each of these times with what everybody is given from it on: pump in ug/h, tablets in mg/day."""
        at_once, of_all = max(1, int(_ROWS_BYTES / (16 * self._reader.n_people))), self._reader.of_all[self._index]
        for begin in range(0, len(time_h), at_once):
            times = time_h[begin : begin + at_once]
            logs = [self._log(lot, self._rows(lot, times)).at(times) for lot in range(len(self._lots))]
            yield from side_by_side([*logs, DoseLog.empty(1).at(times)]).take(of_all).each_at(times)

    def groups(self) -> Iterator[tuple[np.ndarray, DoseLog]]:
        """Yield blocks of people, by their places among all, with their log."""
        for lot, (_, who) in enumerate(self._lots):
            yield who, self._log(lot, range(len(self._times[lot]))).at(self.time_h)

    def _rows(self, lot: int, time_h: np.ndarray) -> Sequence[int]:
        place = np.maximum(np.searchsorted(self._times[lot], time_h, side="right") - 1, 0)
        return [int(one) for one in np.unique(place)]

    def _log(self, lot: int, rows: Sequence[int]) -> DoseLog:
        part = self._reader.store.read((self._index, self._lots[lot][0]), self._names, rows)
        return DoseLog(self._times[lot][rows], *part.values())


def outcome_of(study: TrialStudy, pool: Pool, roll: Roll, store: Store) -> Outcome:
    """Return the outcome of a trial whose blocks are kept, in the order of people."""
    people = len(roll.member)
    at_hand = Unpacked(store) if isinstance(store, FolderStore) else store
    reader = _Reader(at_hand, roll.lots, people)
    loads: dict[str, dict[Any, Callable[[], Any]]] = {name: {} for name in ("visits", *_ARMS)}
    for index, phase in enumerate(study.phases):
        begin = index, roll.lots[index][0][0]
        about, names = store.about(begin), store.names(begin)
        for i, (of, arm, visit, time_h) in enumerate(about["visits"]):
            scores = {
                under: [name.removeprefix(first) for name in names if name.startswith(first)]
                for under in _SCORES
                for first in [f"visits/{i}/{under}/"]
            }
            loads["visits"][of, arm, visit] = partial(reader.visit, index, i, scores, of, arm, visit, time_h)
        for name, read in _ARMS.items():
            for arm in about["arms"][name]:
                joined = partial(read, reader, index, arm)
                loads[name][phase.name, arm] = partial(reader.kept, (index, name, arm), joined)
    features = [name for name in store.names((0, roll.lots[0][0][0])) if name.startswith("features/")]
    known = reader.joined(0, features)
    later: dict[str, Any] = {name: Later(load) for name, load in loads.items()}
    found = Outcome(
        study,
        people // study.population.n,
        member=roll.member,
        features={name.removeprefix("features/"): values for name, values in known.items()},
        known=known_of(pool.cohort),
        eligible=None if study.population.ineligible is None else roll.eligible,
        uncomputed=dict(sorted(roll.reasons.items())),
        **{name: getattr(roll, name) for name in OF_PHASES},
        **later,
    )
    return adapted(walked(found))


class _Reader:
    """Reads arrays of all blocks of a phase and joins them, with nobody after the last of them: who is in no block has
    no number, and is given nothing. `of_all` is by phase where each of all people is among those.
    """

    def __init__(
        self, store: MemoryStore | Unpacked, lots: Sequence[Sequence[tuple[int, np.ndarray]]], n_people: int
    ) -> None:
        self.store, self.lots, self.n_people = store, lots, n_people
        self.of_all = [self._order([who for _, who in of_phase]) for of_phase in lots]
        self.recent = Recent(_KEPT_BYTES)

    def _order(self, lots: Sequence[np.ndarray]) -> slice | np.ndarray:
        who = np.concatenate(lots)
        if np.array_equal(who, np.arange(self.n_people)):
            return slice(self.n_people)
        found = np.full(self.n_people, len(who))
        found[who] = np.arange(len(who))
        return found

    def blocks(self, index: int, names: Sequence[str]) -> Iterator[dict[str, np.ndarray]]:
        return (self.store.read((index, number), names) for number, _ in self.lots[index])

    def abouts(self, index: int) -> Iterator[Mapping[str, Any]]:
        return (self.store.about((index, number)) for number, _ in self.lots[index])

    def joined(self, index: int, names: Sequence[str]) -> dict[str, np.ndarray]:
        found: dict[str, np.ndarray] = {}
        begin, end = 0, sum(len(who) for _, who in self.lots[index])
        for part, (_, who) in zip(self.blocks(index, names), self.lots[index], strict=True):
            for name, one in part.items():
                if name not in found:
                    found[name] = np.empty((*one.shape[:-1], end + 1), one.dtype)
                    found[name][..., end] = np.nan if one.dtype.kind == "f" else 0
                found[name][..., begin : begin + len(who)] = one
            begin += len(who)
        return {name: one[..., self.of_all[index]] for name, one in found.items()}

    def kept(self, key: object, make: Callable[[], Any]) -> Any:
        def sized() -> tuple[Any, float]:
            found = make()
            return found, _bytes(found)

        return self.recent.get(key, sized)

    def visit(
        self, index: int, i: int, scores: Mapping[str, Sequence[str]], phase: str, arm: str, visit: int, time_h: float
    ) -> VisitRecord:
        def charted(under: str) -> Later[str, np.ndarray]:
            first = f"visits/{i}/{under}/"
            return Later(
                {
                    name: partial(self.kept, (index, first + name), partial(self.one, index, first + name))
                    for name in scores[under]
                }
            )

        beside = self.kept((index, i), lambda: {name: self.one(index, f"visits/{i}/{name}") for name in _OF_VISIT})
        of_all, without_rescue = map(charted, _SCORES)
        return VisitRecord(phase, arm, visit, time_h, of_all, **beside, without_rescue=without_rescue)

    def one(self, index: int, name: str) -> np.ndarray:
        return self.joined(index, [name])[name]

    def plain(self, index: int, arm: str, name: str) -> np.ndarray:
        return self.one(index, f"{name}/{arm}")

    def reactions(self, index: int, arm: str) -> Reactions:
        got = self.joined(index, [f"reactions/{arm}/time_h", f"reactions/{arm}/source"])
        return Reactions(*got.values())

    def doses(self, index: int, arm: str) -> KeptDoses:
        return KeptDoses(self, index, arm)

    def pumps(self, index: int, arm: str) -> PumpCourses:
        found = []
        parts = self.blocks(index, [f"pumps/{arm}/{name}" for name in _OF_PUMPS])
        for part, about in zip(parts, self.abouts(index), strict=True):
            course, *rest = part.values()
            broken = tuple(tuple(Breach(**one) for one in some) for some in about["breaches"][arm])
            found.append(PumpCourses(course, broken, *rest))
        return arm_pump.side_by_side([*found, PumpCourses.nobody()]).take(self.of_all[index])


_ARMS: Mapping[str, Callable[[_Reader, int, str], Any]] = {
    "relieved_ug_per_h": partial(_Reader.plain, name="relieved_ug_per_h"),
    "tested": partial(_Reader.plain, name="tested"),
    "rescued": partial(_Reader.plain, name="rescued"),
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
