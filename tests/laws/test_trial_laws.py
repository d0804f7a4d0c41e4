"""Laws of trials: equal arms are equal, luck belongs to people, blocks and workers and looks change nothing."""

from __future__ import annotations

import dataclasses
import errno
import os
import pickle
import shutil
import signal
from concurrent.futures import Executor
from functools import cache, partial
from pathlib import Path
from typing import Any

import distributed
import jax
import numpy as np
import pytest
from engine_examples import killed_once
from study_examples import BOLUS_ARM, STROKE

from eutonia import parameters
from eutonia.assessment.reading import score_fall
from eutonia.engine.execute import processes, scheduled
from eutonia.engine.unfinished import held
from eutonia.errors import EutoniaError, SimulationError
from eutonia.limb.muscle import muscles_of
from eutonia.study.design import TrialStudy, parse_study
from eutonia.trial import blocks, work
from eutonia.trial.analysis import Outcome, consort, quantities
from eutonia.trial.block_outcome import BlockOutcome, VisitRecord, chart_of
from eutonia.trial.conduct import lesions_of
from eutonia.trial.doses import Doses
from eutonia.trial.patients import patient_table
from eutonia.trial.recruitment import Pool, draw_pool, member_of
from eutonia.trial.roll import Before
from eutonia.trial.run import RunOptions, run_trial, simulate
from eutonia.trial.tables import scores_of
from eutonia.trial.work import BlockPhase, TrialJob, alike, own_facts, received, rehearse, send

pytestmark = pytest.mark.xdist_group("slow clock")

N, REPLICATES, WIDTH = 24, 4, 64
PEOPLE = N * REPLICATES

HEAD = (
    """
[study]
name = "laws"
title = "Every kind of arm, for tests"
kind = "trial"
seed = 7

[population]
n = 24
pool = 2048
"""
    + STROKE
    + """\
[[population.entry]]
scale = "ashworth"
limb = "leg"
at_least = 3
muscles = 1

[assessment]
side = "affected"
limbs = ["leg", "arm"]
scales = ["ashworth", "modified_ashworth", "reflex", "spasm", "h_reflex", "stance_support", "walking_speed", "pain"]
rater = "human"
"""
)

BOLUS = """
[[phase]]
name = "bolus"
design = "crossover"
masking = "double blind"
washout = "48 hour"
visits = ["0 hour", "4 hour"]
nonspecific = false
dropout = false
{arms}[phase.gate]
need = "any"
[[phase.gate.rule]]
arm = "baclofen"
scale = "ashworth"
limb = "leg"
fall = 1.0
""".format(arms=BOLUS_ARM.format(name="baclofen", placebo="false") + BOLUS_ARM.format(name="saline", placebo="true"))

PUMP = """
[[phase]]
name = "pump"
design = "single"
masking = "open"
follows = "bolus"
visits = ["0 day", "28 day", "3 year"]
nonspecific = true
dropout = true
[[phase.arm]]
name = "pump"
[[phase.arm.treatment]]
product = "Lioresal Intrathecal"
route = "intrathecal infusion"
start = "0 hour"
tip = "T10"
[phase.arm.titration]
policy = "label"
origin = "cerebral"
start = "twice screening"
max = "150 ug/day"
daily_until = "3 day"
every = "7 day"
later_after = "28 day"
later_every = "180 day"
target = { scale = "ashworth", limb = "leg and arm", at_most = 1.7, below_screening = 0.15 }
"""

FIXED = """
[[phase]]
name = "fixed"
design = "parallel"
masking = "double blind"
visits = ["0 hour", {middle} "21 day"]
nonspecific = true
dropout = true
"""

TABLET_ARM = """
[[phase.arm]]
name = "{name}"
placebo = {placebo}
[[phase.arm.treatment]]
product = "baclofen tablets"
route = "oral"
dose = "{dose}"
every = "8 hour"
"""

INFUSION_ARM = """
[[phase.arm]]
name = "{name}"
placebo = {placebo}
[[phase.arm.treatment]]
product = "Lioresal Intrathecal"
route = "intrathecal infusion"
rate = "{dose}"
tip = "T10"
"""

ARMS = (
    INFUSION_ARM.format(name="sham pump", placebo="true", dose="100 ug/day"),
    INFUSION_ARM.format(name="empty pump", placebo="false", dose="0 ug/day"),
    INFUSION_ARM.format(name="pump", placebo="false", dose="100 ug/day"),
    TABLET_ARM.format(name="placebo", placebo="true", dose="20 mg"),
    TABLET_ARM.format(name="0 mg", placebo="false", dose="0 mg"),
    TABLET_ARM.format(name="tablets", placebo="false", dose="20 mg"),
    TABLET_ARM.format(name="same tablets", placebo="false", dose="20 mg"),
)

EXTRA_ARM = TABLET_ARM.format(name="fewer tablets", placebo="false", dose="10 mg")
TEXT = HEAD + BOLUS + PUMP + FIXED.format(middle='"7 day",') + "".join(ARMS)


def study(text: str = TEXT) -> TrialStudy:
    found = parse_study(text)
    assert isinstance(found, TrialStudy)
    return found


@cache
def pool() -> Pool:
    return draw_pool(study().population, study().seed, WIDTH)


def simulated(
    of: TrialStudy, *, width: int = WIDTH, workers: int = 1, replicates: int = REPLICATES, everybody: bool = True
) -> Outcome:
    options = RunOptions(replicates=replicates, block=width, workers=workers, potential_outcomes=everybody)
    return simulate(of, pool(), options, width)


@pytest.fixture(scope="module")
def plain() -> Outcome:
    return simulated(study())


@pytest.fixture(scope="module")
def only_who_enters() -> Outcome:
    return simulated(study(), everybody=False)


def assert_same(one: VisitRecord, other: VisitRecord, people: Any = slice(None)) -> None:
    """Compare all that was charted and given, bit by bit."""
    for name, score in one.scores.items():
        np.testing.assert_array_equal(score[..., people], other.scores[name][..., people], err_msg=name)
    for name in ("present", "rate_ug_per_h", "tablets_mg_per_day"):
        np.testing.assert_array_equal(getattr(one, name)[people], getattr(other, name)[people], err_msg=name)


def assert_same_outcome(one: Outcome, other: Outcome) -> None:
    assert one.visits.keys() == other.visits.keys()
    for key, record in one.visits.items():
        assert_same(record, other.visits[key])
    np.testing.assert_array_equal(one.member, other.member)
    for name in ("entered", "passed", "assigned", "left", "features"):
        for key, values in getattr(one, name).items():
            np.testing.assert_array_equal(values, getattr(other, name)[key], err_msg=f"{name} {key}")


# --- equal arms ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"), [("tablets", "same tablets"), ("placebo", "0 mg"), ("sham pump", "empty pump")]
)
def test_arms_that_give_the_same_differ_by_exactly_zero(plain: Outcome, one: str, other: str) -> None:
    for visit in range(3):
        assert_same(plain.visits["fixed", one, visit], plain.visits["fixed", other, visit])


def test_arms_that_give_something_else_differ(plain: Outcome) -> None:
    for one, other in (("tablets", "placebo"), ("pump", "sham pump")):
        before, after = (plain.visits["fixed", arm, 2].scores["h_reflex"] for arm in (one, other))
        assert np.all(before <= after)
        assert np.mean(before < after) > 0.9
    first = [plain.visits["fixed", arm, 0].scores["ashworth"] for arm in ("pump", "sham pump", "tablets")]
    np.testing.assert_array_equal(first[0], first[1])
    np.testing.assert_array_equal(first[0], first[2])


# --- luck ------------------------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_bits_and_another_seed_others(plain: Outcome) -> None:
    assert_same_outcome(plain, simulated(study()))
    other = simulated(study((HEAD + BOLUS).replace("seed = 7", "seed = 8")))
    seen = [one.visits["bolus", "baclofen", 1].scores["ashworth"] for one in (plain, other)]
    assert not np.array_equal(*seen)


def test_block_sizes_are_rounded_up_to_whole_vectors() -> None:
    assert [blocks.width_for(144, block) for block in (1, 7, 64, 65, 128, 10_000)] == [64, 64, 64, 128, 128, 256]
    assert [blocks.width_for(n, 1024) for n in (1, 64, 128, 129, 512, 513, 9000)] == [64, 64, 64, 256, 256, 1024, 1024]
    shares = [n for _, n in blocks.split(np.arange(144), 64)]
    assert shares == [64, 64, 16]


@pytest.mark.parametrize(("width", "workers"), [(64, 2), (256, 1)])
def test_blocks_and_workers_change_no_bit(only_who_enters: Outcome, width: int, workers: int) -> None:
    assert_same_outcome(only_who_enters, simulated(study(), width=width, workers=workers, everybody=False))


def test_who_does_not_enter_a_phase_is_not_taken_through_it_and_changes_nobody(
    plain: Outcome, only_who_enters: Outcome
) -> None:
    for key, record in plain.visits.items():
        there, found = plain.entered[record.phase], only_who_enters.visits[key]
        assert_same(record, found, there)
        assert np.isnan(found.scores["ashworth"][..., ~there]).all()
    assert 0.1 < plain.entered["pump"].mean() < 0.9


def test_the_pool_is_the_same_in_blocks_of_any_size() -> None:
    other = draw_pool(study().population, study().seed, 192)
    np.testing.assert_array_equal(pool().weights.probability, other.weights.probability)
    for name, score in pool().scores.items():
        np.testing.assert_array_equal(score, other.scores[name], err_msg=name)


def test_a_whole_run_reports_the_same_in_blocks_of_one_and_of_all() -> None:
    brief = study(HEAD + BOLUS)
    one, all_at_once = (
        run_trial(brief, RunOptions(replicates=6, block=block, workers=workers))
        for block, workers in ((1, 2), (6 * N, 1))
    )
    assert one.quantities == all_at_once.quantities
    assert one.consort == all_at_once.consort
    assert one.visits.equals(all_at_once.visits)
    assert one.patients is not None
    assert one.patients.equals(all_at_once.patients)
    assert one.course.equals(all_at_once.course)


def test_adding_people_changes_nobody_else() -> None:
    few, more = (simulated(study(TEXT.replace("n = 24", f"n = {n}")), replicates=1) for n in (24, 60))
    for key, record in few.visits.items():
        assert_same(record, _first(more.visits[key], 24))
    for name in ("assigned", "passed", "left"):
        for phase, values in getattr(few, name).items():
            np.testing.assert_array_equal(values, getattr(more, name)[phase][:24])


def _first(record: VisitRecord, n: int) -> VisitRecord:
    return BlockOutcome(np.arange(n), np.arange(n), visits=[record]).head(n).visits[0]


def test_adding_an_arm_changes_nobody_else(plain: Outcome) -> None:
    more = simulated(study(TEXT + EXTRA_ARM))
    assert len(more.visits) == len(plain.visits) + 3
    for key, record in plain.visits.items():
        assert_same(record, more.visits[key])


# --- looking ---------------------------------------------------------------------------------------------------------

PHYSIOLOGY = ("h_reflex", "stance_support", "walking_speed")


def assert_same_body(one: VisitRecord, other: VisitRecord) -> None:
    """Compare what no rater touches, and the doses."""
    for name in PHYSIOLOGY:
        np.testing.assert_array_equal(one.scores[name], other.scores[name], err_msg=name)
    for name in ("rate_ug_per_h", "tablets_mg_per_day"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


def test_another_rater_moves_scores_and_nothing_else(plain: Outcome) -> None:
    noiseless = simulated(study(TEXT.replace('rater = "human"', 'rater = "noiseless"')))
    for (phase, arm, visit), record in plain.visits.items():
        if phase != "pump":
            assert_same_body(record, noiseless.visits[phase, arm, visit])
    first, second = (o.visits["fixed", "pump", 0].scores["ashworth_muscle"] for o in (plain, noiseless))
    assert np.mean(first != second) > 0.05


def test_a_visit_that_is_dropped_moves_nothing(plain: Outcome) -> None:
    fewer = simulated(study(HEAD + BOLUS + PUMP + FIXED.format(middle="") + "".join(ARMS)))
    for arm in ("pump", "sham pump", "tablets", "placebo"):
        assert_same_body(plain.visits["fixed", arm, 0], fewer.visits["fixed", arm, 0])
        assert_same_body(plain.visits["fixed", arm, 2], fewer.visits["fixed", arm, 1])


# --- who goes where --------------------------------------------------------------------------------------------------


def test_a_crossover_uses_both_orders_and_gives_everybody_both(plain: Outcome) -> None:
    order = plain.assigned["bolus"]
    assert set(order) == {0, 1}
    assert 0.3 < order.mean() < 0.7
    for arm in ("baclofen", "saline"):
        for visit in range(2):
            assert np.all(plain.visits["bolus", arm, visit].present)
    drug, sham = (
        plain.visits["bolus", arm, 1].scores["h_reflex"][0] - plain.visits["bolus", arm, 0].scores["h_reflex"][0]
        for arm in ("baclofen", "saline")
    )
    for this_order in (0, 1):
        assert drug[order == this_order].mean() < -0.1
        assert np.abs(sham[order == this_order]).max() < 0.1


def test_the_gate_lets_through_exactly_those_who_fulfil_it(plain: Outcome) -> None:
    before, after = (plain.visits["bolus", "baclofen", visit].scores["ashworth"][0] for visit in (0, 1))
    fulfilled = before - after >= 1.0 - 1e-9
    assert 0.1 < fulfilled.mean() < 0.95
    np.testing.assert_array_equal(plain.passed["bolus"], fulfilled)
    np.testing.assert_array_equal(plain.entered["pump"], fulfilled)
    np.testing.assert_array_equal(plain.visits["pump", "pump", 0].present, fulfilled)
    gone = plain.entered["pump"] & plain.left["pump"]
    assert 0 < gone.sum() < gone.size
    np.testing.assert_array_equal(plain.entered["fixed"], ~gone)


def test_a_gate_may_need_all_rules_or_any() -> None:
    rule = '[[phase.gate.rule]]\narm = "baclofen"\nscale = "spasm"\nlimb = "leg"\nfall = 2.0\n'
    passed = {}
    for need in ("any", "all"):
        changed = simulated(study(HEAD + BOLUS.replace('need = "any"', f'need = "{need}"') + rule))
        before, after = (changed.visits["bolus", "baclofen", visit].scores for visit in (0, 1))
        by_hand = [
            before["ashworth"][0] - after["ashworth"][0] >= 1.0 - 1e-9,
            before["spasm"][0] - after["spasm"][0] >= 2.0,
        ]
        passed[need] = changed.passed["bolus"]
        np.testing.assert_array_equal(passed[need], getattr(np, need)(by_hand, axis=0))
    assert passed["all"].sum() < passed["any"].sum()


def test_a_fall_over_spastic_muscles_counts_only_those(plain: Outcome) -> None:
    before, after = (plain.visits["bolus", "baclofen", visit] for visit in (0, 1))
    found = score_fall(chart_of(before), chart_of(after), "ashworth", "leg", "spastic muscles")
    rows = list(muscles_of("leg"))
    for lane in range(0, PEOPLE, 7):
        old, new = (r.scores["ashworth_muscle"][rows, lane] for r in (before, after))
        falls = [a - b for a, b in zip(old, new, strict=True) if a >= 3]
        assert found[lane] == pytest.approx(np.mean(falls) if falls else 0.0)


def test_a_parallel_phase_allocates_by_its_ratio() -> None:
    ratio = TABLET_ARM.format(name="one", placebo="false", dose="5 mg") + TABLET_ARM.format(
        name="three", placebo="false", dose="5 mg"
    ).replace("placebo", "allocation = 3\nplacebo")
    found = simulated(study(HEAD + FIXED.format(middle="") + ratio), replicates=40)
    assert np.mean(found.assigned["fixed"] == 1) == pytest.approx(0.75, abs=0.05)


def test_people_who_leave_have_no_rows_from_then_on(plain: Outcome) -> None:
    visits = [plain.visits["pump", "pump", visit].present for visit in range(3)]
    assert np.all(visits[1] <= visits[0])
    assert np.all(visits[2] <= visits[1])
    left = plain.entered["pump"] & plain.left["pump"]
    assert 0 < left.sum() < plain.entered["pump"].sum()
    np.testing.assert_array_equal(visits[2], plain.entered["pump"] & ~plain.left["pump"])
    table = scores_of(plain).table().cast({"phase": str, "visit": str, "scale": str, "item": str, "limb": str})
    rows = table.filter(phase="pump", scale="ashworth", item="mean", limb="leg")
    last = rows.filter(time_h=rows["time_h"].max())
    assert set(last["patient"]) == set(np.flatnonzero(visits[2]))
    assert not set(last["patient"]) & set(np.flatnonzero(left))
    assert not rows["score"].is_nan().any()


def test_a_summary_counts_only_those_who_were_there(plain: Outcome) -> None:
    of_pump = [q for q in quantities(plain) if (q.phase, q.scale, q.limb) == ("pump", "ashworth", "leg")]
    for k, quantity in enumerate(of_pump):
        assert quantity.n == pytest.approx(plain.visits["pump", "pump", k].present.sum() / REPLICATES)
    assert of_pump[2].n < of_pump[0].n


# --- blocks by hand --------------------------------------------------------------------------------------------------


def test_people_in_another_order_are_the_same_people(plain: Outcome) -> None:
    """A block of people turned round gives the same people turned round."""
    person = np.arange(WIDTH)[::-1].copy()
    member = member_of(pool(), study().seed, person)
    job, screening, compared = TrialJob(study(), pool()), None, 0
    for index, phase in enumerate(study().phases):
        before = Before(plain.entered[phase.name][person], plain.assigned[phase.name][person], screening)
        turned = job.do(BlockPhase(index, 0, person, member, WIDTH, before))
        for record in turned.periods_merged():
            assert_same(_first(plain.visits[record.phase, record.arm, record.visit], WIDTH), _turned(record))
            compared += 1
        screening = turned.screening
    assert compared == len(plain.visits)


def _turned(record: VisitRecord) -> VisitRecord:
    flipped = jax.tree.map(lambda leaf: leaf[..., ::-1], {**record.scores})
    per_person = {name: getattr(record, name)[::-1] for name in ("present", "rate_ug_per_h", "tablets_mg_per_day")}
    return VisitRecord(record.phase, record.arm, record.visit, record.time_h, flipped, **per_person)


# --- time since the onset --------------------------------------------------------------------------------------------


def test_tone_moves_in_a_trial_that_begins_two_weeks_after_the_stroke() -> None:
    """Untreated tone emerges over weeks and strength returns; people years after the stroke stay as they are."""
    early = STROKE.replace(
        'time_since_onset = { mean = "24 month", sd = "12 month", min = "6 month", max = "60 month" }',
        'time_since_onset = { mean = "14 day", sd = "1 day", min = "12 day", max = "16 day" }',
    )
    assert early != STROKE
    head = HEAD.partition("[[population.entry]]")[0] + "[assessment]" + HEAD.partition("[assessment]")[2]
    arms = "".join(TABLET_ARM.format(name=name, placebo="false", dose="0 mg") for name in ("0 mg", "none"))
    fixed = FIXED.replace("21 day", "90 day").replace("nonspecific = true", "nonspecific = false")
    text = head + fixed.format(middle="") + arms
    found = {}
    for name, people in (("early", early), ("late", STROKE)):
        begun = parse_study(text.replace(STROKE, people))
        assert isinstance(begun, TrialStudy)
        pool_of = draw_pool(begun.population, begun.seed, WIDTH)
        outcome = simulate(begun, pool_of, RunOptions(replicates=4, block=WIDTH, workers=1), WIDTH)
        found[name] = [outcome.visits["fixed", "0 mg", k].scores for k in (0, 1)]
    rose = {k: (v[1]["ashworth"] - v[0]["ashworth"])[1].mean() for k, v in found.items()}
    assert rose["early"] > 0.15
    assert abs(rose["late"]) < 0.1
    before, after = (scores["walking_speed"] for scores in found["early"])
    assert not np.array_equal(before, after)


def test_who_stands_in_at_a_rehearsal_loads_the_programs_of_those_who_come(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(work, "played", lambda *given: seen.append(given))
    rehearse(pickle.dumps(study()), WIDTH, 64)
    ((given, piece, stand_ins),) = seen
    recruits = TrialJob(study(), pool()).recruits(piece)
    assert (given.name, piece.index, piece.n) == (study().name, 0, WIDTH)
    shapes = [
        jax.tree.map(lambda leaf: (np.shape(leaf), leaf.dtype), (one.people(7), lesions_of(given, one).at(0.0)))
        for one in (stand_ins, recruits)
    ]
    assert shapes[0] == shapes[1]


# --- blocks that are kept --------------------------------------------------------------------------------------------


def kept(
    folder: Path, *, executor: Executor | None = None, of: TrialStudy | None = None, block: int = WIDTH
) -> Outcome:
    options = RunOptions(REPLICATES, block=block, workers=1, executor=executor, keep=folder)
    return simulate(of or study(), pool(), options, block)


@pytest.fixture(scope="module")
def folder(only_who_enters: Outcome, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run whose worker, another process, was killed after its first block, and that then went on."""
    found = tmp_path_factory.mktemp("kept")
    with processes(1) as executor:

        class Killed(Executor):
            def submit(self, act: Any, /, *given: Any, **named: Any) -> Any:
                done = executor.submit(act, *given, **named)
                done.result()
                for worker in list(executor._processes.values()):
                    os.kill(worker.pid, signal.SIGKILL)
                    worker.join()
                return done

        with pytest.raises(SimulationError, match=r"a worker ended.*go on with --resume"):
            kept(found, executor=Killed())
    assert len(list(found.glob("block-*"))) == 1
    assert_same_outcome(only_who_enters, kept(found))
    return found


def test_what_dask_computes_while_a_worker_is_killed_has_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    """Two processes; the one that begins first is killed in the middle of its block, which another then does."""
    here, begun = Path(shutil.copytree(folder, tmp_path / "here")), tmp_path / "begun"
    for block in sorted(here.glob("block-0-*"))[:2]:
        block.unlink()
    check = partial(alike, own_facts())
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        scheduled(cluster.scheduler_address, check) as executor,
    ):

        class Killing(Executor):
            def submit(self, act: Any, /, *given: Any, **_: Any) -> Any:
                return executor.submit(killed_once, begun, act, *given)

        kept(here, executor=Killing())
    assert begun.exists()
    assert {one.name for one in here.glob("block-*")} == {one.name for one in folder.glob("block-*")}


class Computed:
    """Counts the pieces that are computed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.keys: list[tuple[int, int]] = []
        real = TrialJob.do
        monkeypatch.setattr(TrialJob, "do", lambda job, piece: (self.keys.append(piece.key), real(job, piece))[1])


def test_a_run_whose_worker_is_killed_goes_on_with_the_same_bits(
    folder: Path, only_who_enters: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed = Computed(monkeypatch)
    again = kept(folder)
    assert_same_outcome(only_who_enters, again)
    assert not computed.keys
    for name in ("reactions", "doses", "relieved_ug_per_h", "tested", "left_h"):
        mine, theirs = getattr(only_who_enters, name), getattr(again, name)
        assert mine.keys() == theirs.keys()
        assert jax.tree.all(
            jax.tree.map(lambda a, b: np.array_equal(a, b, equal_nan=True), *map(_plain, (mine, theirs)))
        )
    assert quantities(only_who_enters) == quantities(again)


def _plain(of: Any) -> dict[str, Any]:
    return {str(key): _arrays(one) for key, one in of.items()}


def _arrays(one: Any) -> Any:
    if isinstance(one, Doses):
        return [(who, log.time_h, log.rate_ug_per_h, log.tablets_mg_per_day) for who, log in one.groups()]
    return vars(one) if dataclasses.is_dataclass(one) else one


def test_a_damaged_block_is_told_and_computed_again(
    folder: Path, only_who_enters: Outcome, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    here = Path(shutil.copytree(folder, tmp_path / "here"))
    block, half = sorted(here.glob("block-*"))[2:4]
    content = bytearray(block.read_bytes())
    content[len(content) // 2] ^= 1
    block.write_bytes(content)
    half.write_bytes(half.read_bytes()[: len(content) // 2])
    (here / "draft-0123").write_bytes(b"half")
    computed = Computed(monkeypatch)
    with held(here) as store:
        assert store.damaged == [block.name, half.name]
        assert_same_outcome(
            only_who_enters, simulate(study(), pool(), RunOptions(REPLICATES, workers=1, keep=store), WIDTH)
        )
    assert computed.keys == [(int(name.split("-")[1]), int(name.split("-")[2])) for name in store.damaged]
    assert not list(here.glob("draft-*"))
    assert {one.name for one in here.glob("block-*")} == {one.name for one in folder.glob("block-*")}


def test_blocks_of_another_run_are_refused(folder: Path, tmp_path: Path) -> None:
    other = study(TEXT.replace("seed = 7", "seed = 8"))
    for given, said in (({"of": other}, "seed 7, not 8"), ({"block": 128}, "block 64, not 128")):
        with pytest.raises(SimulationError, match=f"another one: .*{said}.*Nearest.*begin anew"):
            kept(folder, **given)
    with parameters.using({"receptor.ec50": "180 ng/mL"}), pytest.raises(SimulationError, match="overrides"):
        kept(folder)
    here = Path(shutil.copytree(folder, tmp_path / "here"))
    (here / "plan.json").write_text("{")
    with pytest.raises(SimulationError, match=r"plan .* cannot be read"):
        kept(here)
    with held(folder), pytest.raises(SimulationError, match="another run keeps its blocks"):
        kept(folder)
    (here / "notes.txt").write_text("mine")
    with pytest.raises(SimulationError, match=r"no run has left there \(notes.txt\)"):
        kept(here)
    assert (here / "notes.txt").exists()


def test_a_worker_that_would_give_other_bits_is_refused(folder: Path) -> None:
    sent = send(study(), folder)
    facts = tuple((name, "x86_64 SSE" if name == "instruction_set" else value) for name, value in sent.facts)
    with pytest.raises(SimulationError, match=r"a worker would give other bits: instruction set .* not x86_64 SSE"):
        received(dataclasses.replace(sent, facts=facts))
    (folder / "job").write_bytes(b"another")
    with pytest.raises(SimulationError, match="no longer the one"):
        received(sent)


def test_a_full_disk_loses_no_block_and_leaves_no_half_one(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = Path(shutil.copytree(folder, tmp_path / "here"))
    gone = sorted(here.glob("block-*"))[-1]
    gone.unlink()
    before = sorted(one.name for one in here.iterdir())
    real = Path.write_bytes

    def full(file: Path, content: bytes) -> int:
        real(file, content[:100])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(EutoniaError, match=r"cannot be written.*No space left"):
            kept(here)
    assert sorted(one.name for one in here.iterdir()) == before
    kept(here)
    assert gone.exists()


def test_a_person_who_is_no_number_is_a_row_with_a_reason_and_nobody_else_moves(
    plain: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    who, real = 70, BlockOutcome.exclude

    def planted(block: BlockOutcome, phase: str) -> None:
        for record in block.visits:
            if (phase, record.visit) == ("fixed", 1):
                ashworth = record.scores["ashworth"].copy()
                ashworth[0, block.person == who] = np.nan
                record.scores = {**record.scores, "ashworth": ashworth}
        real(block, phase)

    monkeypatch.setattr(BlockOutcome, "exclude", planted)
    found = simulated(study())
    assert list(found.uncomputed) == [who]
    assert found.uncomputed[who] == "ashworth is no number (fixed, sham pump, hour 168)"
    others = np.arange(PEOPLE) != who
    for key, record in plain.visits.items():
        assert_same(record, found.visits[key], others)
        assert not found.visits[key].present[who] or key[0] != "fixed"
    assert all(np.isfinite(q.mean) for q in quantities(found))
    table = patient_table(found)
    assert table.filter(table["not_computed"].is_not_null())["patient"].to_list() == [who]
    assert "not_computed" not in patient_table(plain).columns
    assert [(row.stage, row.number * REPLICATES) for row in consort(found) if "computed" in row.reason] == [
        ("Before fixed", 1.0)
    ]
