"""Overrides: every reader sees them, nothing of them stays behind, an equal number moves no bit, no slip is read."""

from __future__ import annotations

import contextvars
import hashlib
import itertools
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from study_examples import walkers

import eutonia
from eutonia import _units, parameters
from eutonia.errors import EutoniaError, ParameterError, UnitError
from eutonia.parameters import arithmetic, library, quantity
from eutonia.parameters.overrides import MOST_FOLD
from eutonia.study.design import parse_study

SHIPPED = parameters.load("receptor").value("ec50", "ng/mL")
EC50 = {"receptor.ec50": "180 ng/mL"}
# Read where constants are remembered, and where people are drawn; each that compiles anew takes its time.
CHANGES = {"limb_knee.torque_ceiling": "250 N m", "receptor.ec50": "180 ng/mL"}
RECORDS = [record for name in parameters.sets() for record in parameters.load(name).records()]


def bits(result: object) -> str:
    found = hashlib.sha256(result.visits.write_csv().encode())  # type: ignore[attr-defined]
    for name, data in sorted(result.course.data_vars.items()):  # type: ignore[attr-defined]
        found.update(str(name).encode() + data.values.tobytes())
    return found.hexdigest()


def trial(workers: int = 2, **overrides: str) -> str:
    with eutonia.using(overrides):
        return bits(eutonia.run(parse_study(walkers()), replicates=1, workers=workers, block=2))


@pytest.fixture(scope="module")
def base() -> str:
    return trial()


@pytest.fixture(scope="module")
def seen(base: str) -> dict[str, str]:
    return {key: trial(**{key: text}) for key, text in CHANGES.items()}


FRESH = """
import sys
sys.path[:0] = sys.argv[1].split(":")
from test_override_laws import no_record_while_jax_traces, trial, CHANGES
with no_record_while_jax_traces():
    print(trial(**{key: CHANGES[key] for key in sys.argv[2:]}))
"""


@contextmanager
def no_record_while_jax_traces() -> Iterator[None]:
    """A number that is read there stays in the compiled program, whatever is set later."""
    plain, remembered = library.ParameterSet.__getitem__, library.Constants.made

    def outside(what: object) -> None:
        assert not isinstance(jnp.zeros(()) + 1.0, jax.core.Tracer), f"{what} is read while JAX traces"

    def get(self: library.ParameterSet, name: str) -> parameters.Parameter:
        outside(f"{self.name}.{name}")
        return plain(self, name)

    def made(self: library.Constants, key: object, make: object) -> object:
        outside(key)
        return remembered(self, key, make)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(library.ParameterSet, "__getitem__", get)
        patch.setattr(library.Constants, "made", made)
        yield


def test_a_record_that_is_read_while_jax_traces_is_caught() -> None:
    with no_record_while_jax_traces(), pytest.raises(AssertionError, match=r"receptor\.hill is read while JAX traces"):
        jax.jit(lambda x: x * parameters.load("receptor").value("hill", "1"))(1.0)


@pytest.mark.xdist_group("slow clock")
def test_an_override_leaves_nothing_behind_and_is_the_same_whatever_ran_before(base: str, seen: dict[str, str]) -> None:
    """In a process of its own everything is traced under the override, and no record is read there."""
    assert trial() == base
    assert len({base, *seen.values()}) == 1 + len(CHANGES), "an override moved nothing, or as much as another"
    first = next(iter(CHANGES))  # what a compiled function had read itself, as the first run of a process
    done = subprocess.run(
        [sys.executable, "-c", FRESH, ":".join([__file__.rpartition("/")[0], *sys.path]), first],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split() == [seen[first]]


@pytest.mark.xdist_group("slow clock")
def test_workers_see_an_override(seen: dict[str, str]) -> None:
    assert trial(workers=1, **EC50) == seen["receptor.ec50"]


@pytest.mark.xdist_group("slow clock")
def test_less_sensitive_receptors_answer_less() -> None:
    case = eutonia.load_study("case_haemorrhage_pump")
    plain = eutonia.run(case).course["receptor_effect"]
    with eutonia.using({"receptor.ec50": f"{1.25 * SHIPPED} ng/mL"}):
        less = eutonia.run(case).course["receptor_effect"]
    begun = int(np.argmax(plain.mean(("limb", "patient")).values > 0.01))
    hours = plain.time_h - plain.time_h[begun]
    first = (hours >= 0) & (hours <= 12)  # later less effect is less tolerance, too
    plain, less = plain[first], less[first]
    assert plain.sizes["time_h"] > 5
    # Who has the drug's own sites half full already, before any drug, gains by it; most do not.
    assert bool((less.mean("patient") < plain.mean("patient")).all())
    assert 0.4 < float(less.mean() / plain.mean()) < 0.9


@pytest.mark.xdist_group("slow clock")
def test_a_study_under_numbers_in_other_units_has_the_same_bits(base: str) -> None:
    """The whole study on records written otherwise: what differs by the rounding of a conversion is one number."""
    sample = {
        f"{record.set}.{record.name}": written
        for record in RECORDS
        if record.set in ("receptor", "intrathecal", "tone", "limb_knee", "walking", "spasm", "descending")
        and not arithmetic.names(record.derived)
        and (written := otherwise(record.numbers, record.unit))
    }
    assert len(sample) > 30
    assert trial(**sample) == base


def other_unit(unit: str) -> tuple[str, Fraction]:
    """Return a unit with each of its words exchanged, and how many of `unit` are in one of it."""
    words = re.findall("[A-Za-z]+", unit)
    other = {
        word: next((one for one, size in quantity.WORDS[word].items() if size != quantity.WORDS[word][word]), word)
        for word in words
        if word in quantity.WORDS
    }
    written = re.sub("[A-Za-z]+", lambda word: other.get(word.group(), word.group()), unit)
    return written, quantity._factor(written, unit, written)


def otherwise(numbers: tuple[float, ...], unit: str) -> str:
    """Return numbers in another unit as text; empty where the unit has no other."""
    written, factor = other_unit(unit)
    if written == unit:
        return ""
    return f"{', '.join(repr(float(Fraction(number) / factor)) for number in numbers)} {written}"


def test_every_record_in_an_equal_unit_and_anew_is_the_same_number() -> None:
    walked = set()
    for record in RECORDS:
        if arithmetic.names(record.derived):
            continue
        key = f"{record.set}.{record.name}"
        for text in (quantity.shown(record.numbers, record.unit), otherwise(record.numbers, record.unit)):
            if not text:
                continue
            with eutonia.using({key: text}) as numbers:
                assert parameters.load(record.set)[record.name] is not None
                found = parameters.load(record.set)[record.name]
                assert found.numbers == record.numbers, (key, text)
                assert all(one.after == one.before for one in numbers.overrides), (key, text)
                walked.add((record.unit, text == quantity.shown(record.numbers, record.unit)))
    told = {record.unit for record in RECORDS if not arithmetic.names(record.derived)}
    others = {unit for unit in told if other_unit(unit)[0] != unit}
    assert {unit for unit, plain in walked if not plain} >= others - {"L/h/kg"}


def test_units_of_overrides_agree_with_an_independent_table() -> None:
    for unit in {record.unit for record in RECORDS}:
        written, factor = other_unit(unit)
        assert float(factor) == pytest.approx(_units.convert(1.0, written, unit), rel=1e-12)


def test_no_slip_of_one_letter_reads_as_another_unit_that_could_be_meant() -> None:
    """Two units one letter apart are one, or so far apart that no override may be: MOST_FOLD."""
    for own, table in quantity.WORDS.items():
        for one, other in itertools.combinations(table, 2):
            if apart(one, other) == 1:
                ratio = max(table[one] / table[other], table[other] / table[one])
                assert ratio == 1 or ratio >= 2 * MOST_FOLD, (own, one, other)


def apart(one: str, other: str) -> int:
    """Return how many letters have to be added, dropped or exchanged (1 or more than 1)."""
    if abs(len(one) - len(other)) > 1:
        return 2
    if len(one) == len(other):
        return sum(a != b for a, b in zip(one, other, strict=True))
    short, long = sorted((one, other), key=len)
    return 1 if any(long[:i] + long[i + 1 :] == short for i in range(len(long))) else 2


@pytest.mark.parametrize(
    ("key", "text", "words"),
    [
        ("receptor.ec50", "180 ug/mL", f"times the {SHIPPED:g} ng/mL"),
        ("receptor.ec50", "0.18 mg/mL", "never one for the other"),
        ("label_dosing.lowest_dose", "0.05 mg/day", "never one for the other"),
        ("label_dosing.oral_highest_daily", "80 ug/day", "never one for the other"),
        ("receptor.ec50", "180 mV", 'Nearest: ng/mL. Write the number in ng/mL'),
        ("receptor.ec50", "180", 'Write it as "180 ng/mL"'),
        ("receptor.ec50", "nan ng/mL", "is no number with a unit"),
        ("receptor.ec50", "inf ng/mL", "is no number with a unit"),
        ("receptor.ec50", "1e999 ng/mL", "is no number that is measured"),
        ("receptor.ec50", "-180 ng/mL", "cannot be -180. Allowed: above 0"),
        ("receptor.ec50", "0 ng/mL", "cannot be 0. Allowed: above 0"),
        ("receptor.ec50", "100, 180 ng/mL", "holds 2 numbers. Allowed: 1"),
        ("receptor.ec50.sd", "1", 'the record has no "sd". Allowed: cv'),
        ("receptor.ec50.cw", "1", 'no part of this record "cw". Nearest: cv'),
        ("adverse.placebo_share_oral", "57", "derived from"),
        ("pain.central_share", "1.2", 'Allowed: 0 to 1. Nearest: "1"'),
        ("adverse.drowsiness_oral", "6.3", 'Allowed: 0 to 1. Nearest: "1"'),
        ("tizanidine.drowsiness_placebo", "1.01", "more than the whole"),
        ("receptor.ec5", "180 ng/mL", "Nearest: receptor.ec50"),
        ("recptor.ec50", "180 ng/mL", "Nearest: receptor"),
        ("ec50", "180 ng/mL", "Nearest: receptor.ec50"),
        ("products.name", "1", 'no parameter set "products"'),
        ("", "1", "names no record of a set"),
        ("trial.oral_dropout_rate", "0.2 1/year", "derived from other records: -log(oral_completion_one_year)"),
        ("label_dosing.screening_ladder", "50, 75 ug", '(first, second, third). Nearest: "50, 75, 100 ug"'),
        ("neuraxis.length_constant", "40 cm", "Allowed: 3 to 32 cm. Nearest: 32 cm"),
    ],
)  # fmt: skip
def test_what_cannot_stand_there_is_refused_with_four_parts(key: str, text: str, words: str) -> None:
    with pytest.raises(EutoniaError) as caught, eutonia.using({key: text}):
        pass
    message = str(caught.value)
    assert words in message, message
    assert "Allowed: " in message or "Write it as" in message
    assert re.search("Nearest: |Write |Correct ", message)
    parameters.load("receptor").value("ec50", "ng/mL")  # nothing stays behind


@pytest.mark.parametrize("value", [True, None, [1], {"a": 1}])
def test_only_text_and_plain_numbers_are_quantities(value: object) -> None:
    with pytest.raises(UnitError, match=r"receptor\.hill is"), eutonia.using({"receptor.hill": value}):  # type: ignore[dict-item]
        pass


def test_a_plain_number_is_one_without_a_unit() -> None:
    with eutonia.using({"receptor.hill": 4}):
        assert parameters.load("receptor").value("hill", "1") == 4.0
    with eutonia.using({"blood_csf.csf_plasma_ratio": "10 %"}):
        assert parameters.load("blood_csf").value("csf_plasma_ratio", "1") == 0.1


def test_an_overridden_number_is_nobodys_and_says_what_it_stands_for() -> None:
    with eutonia.using(EC50), parameters.recording() as used:
        parameters.load("receptor").value("ec50", "ng/mL")
        parameters.load("receptor").value("hill", "1")
    assert used.counts_by_status() == {"fitted": 1, "overridden": 1}
    assert f"{SHIPPED:g} ng/mL (fitted, Eutonia_2026)" in used.records()[0].note
    assert used.records()[0].source == "assumption"


def test_how_far_a_record_varies_is_set_by_its_part_in_any_order() -> None:
    whole, part = {"receptor.slow_shift": "4"}, {"receptor.slow_shift.cv": "50 %"}
    for given in ({**whole, **part}, {**part, **whole}):
        with eutonia.using(given):
            assert parameters.load("receptor").value("slow_shift", "1") == 4.0
            assert parameters.load("receptor").spread("slow_shift", "1").cv == 0.5
    with eutonia.using({"neuraxis.length_constant": "40 cm", "neuraxis.length_constant.high": "0.5 m"}):
        spread = parameters.load("neuraxis").spread("length_constant", "cm")
        assert (spread.low, spread.high) == (3.0, 50.0)


def test_what_is_derived_from_an_override_follows_and_is_told() -> None:
    with eutonia.using({"trial.oral_completion_one_year": "0.8"}) as numbers:
        rate = parameters.load("trial").value("oral_dropout_rate", "1/year")
        assert rate == pytest.approx(-np.log(0.8), rel=2e-3)  # the record is rounded to three digits
        assert [one.key for one in numbers.overrides] == ["trial.oral_completion_one_year", "trial.oral_dropout_rate"]
        assert numbers.overrides[1].given == ""
    with eutonia.using({"trial.oral_completion_one_year": "67.5 %"}) as numbers:
        assert parameters.load("trial").value("oral_dropout_rate", "1/year") == 0.393
        assert [one.after == one.before for one in numbers.overrides] == [True]
    with (
        pytest.raises(ParameterError, match="placebo_share_oral is 1"),
        eutonia.using({"adverse.drowsiness_oral": "30 %"}),
    ):
        pass


def test_inner_overrides_stand_above_outer_ones_and_both_above_a_study() -> None:
    value = lambda: parameters.load("receptor").value("ec50", "ng/mL")  # noqa: E731
    with eutonia.using({"receptor.ec50": "150 ng/mL"}):
        with eutonia.using(EC50):
            assert value() == 180.0
            with parameters.beneath({"receptor.ec50": "160 ng/mL", "receptor.hill": "4"}):
                assert value() == 180.0
                assert parameters.load("receptor").value("hill", "1") == 4.0
        assert value() == 150.0
    assert value() == SHIPPED


def test_a_thread_takes_overrides_along_has_its_own_or_is_refused() -> None:
    """Python gives a new thread none of them: numbers as they ship would be read in silence."""
    found: dict[str, object] = {}

    def read(name: str) -> None:
        try:
            found[name] = parameters.load("receptor").value("ec50", "ng/mL")
        except ParameterError as error:
            found[name] = str(error)

    def own() -> None:
        with eutonia.using({"receptor.ec50": "150 ng/mL"}):
            read("own")

    def shipped() -> None:
        with eutonia.using({}):
            read("shipped")

    with eutonia.using(EC50):
        context = contextvars.copy_context()
        jobs = [lambda: context.run(read, "taken along"), own, shipped, lambda: read("bare")]
        threads = [threading.Thread(target=job) for job in jobs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        read("here")
    assert "copy_context" in str(found.pop("bare"))
    assert found == {"taken along": 180.0, "own": 150.0, "shipped": SHIPPED, "here": 180.0}
    bare = threading.Thread(target=read, args=("after",))
    bare.start()
    bare.join()
    assert found["after"] == SHIPPED
