"""The parameter loader: what it refuses and in which words, what it records, and every record that ships."""

from __future__ import annotations

import dataclasses
import math
import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eutonia import _units, parameters
from eutonia.errors import EutoniaError, ParameterError, UnitError
from eutonia.parameters import arithmetic, catalogue, citations, library
from eutonia.parameters.record import METHODS, OWN_WORK, PROTOTYPE, STATUSES

SOURCES = {"Simon_2018", "Wuis_1985", "Eutonia_2026"}
HEADER = {"name": "trial_set", "title": "A set", "released": "2026-11", "note": ""}
RECORD: dict[str, object] = {
    "value": 11.6,
    "unit": "L/h",
    "source": "Simon_2018",
    "where": "abstract",
    "method": "fitted",
    "status": "verified",
    "label": "Oral clearance",
}


def toml(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f'"{key}" = {toml(item)}' for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(toml(item) for item in value) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value).lower()


def text(header: dict[str, object] | None = None, **records: dict[str, object]) -> str:
    tables = {"set": HEADER if header is None else header, **records}
    return "\n".join(
        f"[{name}]\n" + "\n".join(f"{key} = {toml(item)}" for key, item in table.items())
        for name, table in tables.items()
    )


def read(**change: object) -> parameters.ParameterSet:
    """Read a set of one record, changed; None takes a field out."""
    record = {key: item for key, item in {**RECORD, **change}.items() if item is not None}
    return library.read(text(clearance=record), "trial_set", SOURCES)


def test_a_complete_record_is_read() -> None:
    found = read(symbol="CL/F", spread={"kind": "lognormal", "cv": 0.21, "level": "between patients"}, people="57")
    record = found["clearance"]
    assert record.value == found.value("clearance", "L/h") == 11.6
    assert (record.unit, record.source, record.status, record.symbol, record.people) == (
        "L/h",
        "Simon_2018",
        "verified",
        "CL/F",
        "57",
    )
    assert found.spread("clearance", "L/h").sd_log == pytest.approx(math.sqrt(math.log(1 + 0.21**2)))
    assert (record.derived, record.as_given, record.valid, record.note) == ("", "", "", "")
    assert found.values(clearance="L/h") == (11.6,)
    assert found.named({"clearance": "L/h"}) == {"clearance": 11.6}
    assert list(found) == ["clearance"]
    assert len(found) == 1
    assert "clearance" in found


def test_a_vector_is_read() -> None:
    found = read(value=[50, 100, 75], unit="ug", axis=["first", "third", "second"])
    assert found["clearance"].numbers == (50.0, 100.0, 75.0)
    assert found["clearance"].sorted() == found.along("clearance", "ug", ["first", "second", "third"])
    assert read(value=[1, 2], axis=["high", "low"], unit="1").ends("clearance", "1") == (2.0, 1.0)
    with pytest.raises(ParameterError, match=r"vector of 3 numbers\. .* Nearest: first, third, second\. .* along"):
        found.value("clearance", "ug")


def test_numbers_of_a_vector_are_found_by_name_not_by_place() -> None:
    found = read(value=[1, 2, 3], unit="mL", axis=["pons", "lobe", "thalamus"])
    assert found.along("clearance", "uL", ["thalamus", "pons"]) == pytest.approx((3000.0, 1000.0))
    with pytest.raises(ParameterError, match=r'no name on its axis "ponz"\. Nearest: pons'):
        found.along("clearance", "mL", ["ponz"])
    with pytest.raises(ParameterError, match="no name on its axis"):
        read().along("clearance", "L/h", ["leg"])


def test_rows_and_columns_of_a_square_are_found_by_name() -> None:
    square = read(value=[1, 2, 3, 4], axis=["leg", "arm"], unit="1")["clearance"]
    assert square.square(["arm", "leg"]) == ((4.0, 3.0), (2.0, 1.0))
    with pytest.raises(ParameterError, match=r"a square of 2 rows\. .* square\(\)"):
        square.along(["leg"])
    with pytest.raises(ParameterError, match="4 numbers"):
        read(value=[1, 2], axis=["leg", "arm"], unit="1")["clearance"].square(["leg", "arm"])


def test_one_table_gives_a_record_for_each_of_its_words() -> None:
    share = {"each": ["low", "high"], "value": [1, 2], "label": "Clearance, {each}", "people": ["5", "7"]}
    found = library.read(
        text(**{'"{each}_clearance"': {**RECORD, **share, "distance": ["none"]}}), "trial_set", SOURCES
    )
    assert [(one.name, one.value, one.label, one.people) for one in found.records()] == [
        ("low_clearance", 1.0, "Clearance, low", "5"),
        ("high_clearance", 2.0, "Clearance, high", "7"),
    ]
    assert {(one.source, one.distance) for one in found.records()} == {("Simon_2018", ("none",))}


@pytest.mark.parametrize(
    ("tables", "words"),
    [
        ({"clearance": {"each": ["low", "high"]}}, "{each} in the name of the table"),
        ({'"a_{each}"': {"each": "low"}}, "each is 'low'. Allowed: a list of words"),
        ({'"a_{each}"': {"each": ["low", "high"], "value": [1]}}, "value has 1 entries. Allowed: one for each of 2"),
        ({'"a_{each}"': {"each": ["low"], "value": [1]}, "a_low": {}}, "a_low stands twice"),
    ],
)
def test_a_table_of_several_records_is_refused(tables: dict[str, dict[str, object]], words: str) -> None:
    given = {name: {**RECORD, **table} for name, table in tables.items()}
    with pytest.raises(ParameterError, match=re.escape(words)):
        library.read(text(**given), "trial_set", SOURCES)


def test_records_and_sets_are_frozen() -> None:
    found = read()
    with pytest.raises(dataclasses.FrozenInstanceError):
        found["clearance"].unit = "mL/min"  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.name = "another"  # type: ignore[misc]
    with pytest.raises(TypeError):
        found._records["clearance"] = found["clearance"]  # type: ignore[index]


REFUSED: list[tuple[dict[str, object], list[str]]] = [
    *[({field: None}, [f"lacks {field}", "no source, no number"]) for field in RECORD],
    ({"sorce": "x"}, ['no field "sorce"', "Nearest: source"]),
    ({"status": "verifyed"}, ['no status "verifyed"', "Nearest: verified", "program default"]),
    ({"method": "guessed"}, ['no method "guessed"', "measured"]),
    ({"unit": 5}, ["unit is 5", "Allowed: text"]),
    ({"value": "11.6 L/h"}, ["value is '11.6 L/h'", "unit stands in its own field"]),
    ({"value": True}, ["value is True"]),
    ({"value": []}, ["value is []"]),
    ({"value": [1, "2"]}, ["Allowed: a number"]),
    ({"value": math.nan}, ["value is nan"]),
    ({"source": "Simon_2017"}, ['no source "Simon_2017"', "Nearest: Simon_2018", "sources.bib"]),
    ({"source": ""}, ["source is empty ('')", "Allowed: any text"]),
    ({"where": "  "}, ["where is empty ('  ')"]),
    ({"as_given": " "}, ["as_given is empty", "what the paper prints"]),
    ({"note": 3}, ["note is 3", "text, in quotation marks"]),
    ({"value": [1.0, math.inf], "axis": ["leg", "arm"]}, ["value is [1.0, inf]", "Allowed: a number"]),
    ({"status": "overridden"}, ['no status "overridden"', "Nearest: "]),
    ({"status": "assumed"}, ['status "assumed" with source "Simon_2018"', 'source "assumption"']),
    ({"source": "assumption"}, ['status "verified" with source "assumption"']),
    ({"source": "assumption", "status": "assumed"}, ["without a reason", "Write the reason in note"]),
    ({"spread": 0.2}, ["spread is 0.2", "lognormal"]),
    ({"spread": {"kind": "gaussian", "sd": 1}}, ['no spread kind "gaussian"', "lognormal", "normal"]),
    ({"spread": {"kind": "lognormal"}}, ["lognormal spread is given no number", "cv or sd"]),
    ({"spread": {"kind": "lognormal", "low": 1, "high": 2}}, ["lognormal spread is given low, high"]),
    ({"spread": {"kind": "range", "low": 2}}, ["range spread is given low", "high and low"]),
    ({"spread": {"kind": "range", "low": 2, "high": 1}}, ["upside down"]),
    ({"spread": {"kind": "normal", "sd": -1}}, ["negative"]),
    ({"spread": {"kind": "normal", "sd": "1"}}, ["no text, a number"]),
    ({"spread": {"sd": 1}}, ["lacks kind of spread"]),
    ({"spread": {"kind": "normal", "sigma": 1}}, ['no field of spread "sigma"']),
    ({"value": [1, 2], "axis": ["leg"]}, ["one name for each of its 2 numbers"]),
    ({"value": [1, 2], "axis": ["leg", "leg"]}, ["none twice"]),
    ({"value": [1, 2], "axis": "leg"}, ["axis is 'leg'", "a name for each"]),
    ({"value": [1, 2], "axis": ["leg", 2]}, ["axis is 2", "a name for each"]),
    ({"value": [1, 2], "axis": ["l.eg", "arm"]}, ["no point in any"]),
    ({"value": [1, 2]}, ["axis is []", "one name for each of its 2 numbers", 'Nearest: axis = ["leg", "arm"]']),
    ({"value": [1]}, ["axis is []", "one name for each of its 1 numbers"]),
    ({"axis": ["leg", "arm"]}, ["one name for each of its 1 numbers"]),
    ({"value": [1, 2], "axis": ["leg", "amr"]}, ['no limb "amr"', "Nearest: arm", "Allowed: arm, leg"]),
    ({"value": [1, 2], "axis": ["low", "arm"]}, ["Take all names of an axis from one list"]),
    ({"status": "fitted"}, ['status "fitted"', "the script that fits it", "a prototype"]),
    ({"derived": "180 * 60"}, ["gives 10800, but value is 11.6", "within 1%"]),
    ({"method": "fitted", "source": "Eutonia_2026"}, ["fitted here", "the script that fits it"]),
    ({"derived": "180 *"}, ["is not arithmetic", "sqrt, exp, log"]),
    ({"derived": "clearence * 2"}, ['no record "clearence"', "Nearest: clearance"]),
    ({"derived": "11.6", "value": [11.6], "axis": ["leg"]}, ['a vector cannot be "derived"']),
]


@pytest.mark.parametrize(("change", "parts"), REFUSED)
def test_an_incomplete_or_wrong_record_is_refused(change: dict[str, object], parts: list[str]) -> None:
    with pytest.raises(ParameterError) as caught:
        read(**change)
    message = str(caught.value)
    assert "clearance in trial_set.toml" in message
    for part in parts:
        assert part in message, message


def test_a_unit_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(
        UnitError, match=r'clearance in trial_set.toml: the unit "L/houre" cannot be read. Nearest: hour'
    ):
        read(unit="L/houre")


def test_estimates_of_one_fit_may_be_tied() -> None:
    fitted = {**RECORD, "source": "Eutonia_2026", "where": "calibration/velocity.py"}
    other = {**fitted, "label": "Another", "where": "calibration/velocity.py: another stage"}

    def tied(**more: object) -> parameters.Parameter:
        given = text(
            clearance={**fitted, "correlation": more}, volume=other, apart={**other, "where": "calibration/x.py"}
        )
        return library.read(given, "trial_set", SOURCES)["clearance"]

    assert tied(volume=-0.5).correlation == (("volume", -0.5),)
    for name, words in (("clearance", "Allowed: volume"), ("apart", "Allowed: volume"), ("volum", "Nearest: volume")):
        with pytest.raises(ParameterError, match=f'no record of the same fit "{name}".*{words}'):
            tied(**{name: 0.5})
    with pytest.raises(ParameterError, match=r"correlation is 1\.5\. Allowed: .* -1 to 1"):
        tied(volume=1.5)


def test_an_assumption_with_a_reason_is_read() -> None:
    assert read(source="assumption", status="assumed", note="nobody knows")["clearance"].status == "assumed"


def test_duplicates_and_bad_toml_are_refused() -> None:
    twice = text(clearance=RECORD) + "\n" + text(clearance=RECORD).split("\n", 5)[5]
    for broken in (twice, text(clearance=RECORD) + "\nvalue = 12", "[set\n"):
        with pytest.raises(ParameterError, match=r"trial_set\.toml cannot be read: .*each name stands once"):
            library.read(broken, "trial_set", SOURCES)


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ({}, "lacks name, title, released, note"),
        ({**HEADER, "name": "other"}, 'calls itself "other"'),
        ({**HEADER, "date": "2026"}, 'no field "date"'),
        ({**HEADER, "released": 2026}, "released is 2026"),
    ],
)
def test_a_set_needs_its_header(header: dict[str, object], words: str) -> None:
    with pytest.raises(ParameterError, match=re.escape(words)):
        library.read(text(header, clearance=RECORD), "trial_set", SOURCES)


def test_a_set_needs_a_header_and_a_record() -> None:
    with pytest.raises(ParameterError, match=r"\[set\] of trial_set\.toml is missing"):
        library.read("", "trial_set", SOURCES)
    with pytest.raises(ParameterError, match="holds no record"):
        library.read(text(), "trial_set", SOURCES)
    with pytest.raises(ParameterError, match=r"clearance in trial_set\.toml is a bare value"):
        library.read("clearance = 11.6\n" + text(), "trial_set", SOURCES)


def test_an_unknown_parameter_or_set_names_the_nearest() -> None:
    with pytest.raises(
        ParameterError, match=r'no parameter of trial_set "clearence". Nearest: clearance.*See: eutonia'
    ):
        read().value("clearence", "L/h")
    with pytest.raises(ParameterError, match=r'no parameter set "oral_simon". Nearest: oral_simon_2018'):
        parameters.load("oral_simon")


def test_derived_arithmetic() -> None:
    names = {"a": 2.0, "b": 3.0}
    assert arithmetic.evaluate("sqrt(a * 8) + -b ** 2 / 3 - exp(log(1))", names) == pytest.approx(0.0)
    wrong = ["__import__('os')", "a.real", "max(a, b)", "a if b else a", "'a'", "True", "[a]", "a; b", "", "a // b"]
    for expression in (*wrong, "1 / 0", "log(-1)", "(-1) ** 0.5", "1e300 * 1e300", "9.9 ** 9999"):
        with pytest.raises(ParameterError, match="Allowed"):
            arithmetic.evaluate(expression, names)


@given(st.text(max_size=20))
def test_arithmetic_raises_nothing_but_a_parameter_error(expression: str) -> None:
    try:
        value = arithmetic.evaluate(expression, {"a": 2.0})
    except ParameterError:
        return
    assert math.isfinite(value)


def test_what_only_bounds_an_input_is_not_recorded() -> None:
    with parameters.recording() as used:
        with parameters.unrecorded():
            parameters.load("tone").value("severe_bias", "mV")
        assert not used.records()
        parameters.load("tone").value("severe_bias", "mV")
    assert len(used.records()) == 1


def test_a_recording_counts_each_record_once_by_status() -> None:
    oral = parameters.load("oral_adult_default")
    with parameters.recording() as used:
        oral.value("bioavailability", "1")
        oral.value("bioavailability", "1")
        oral.spread("absorption_rate", "1/h")
        with parameters.recording() as inner:
            oral.values(nonrenal_clearance="mL/min", transit_steps="1")
        oral.records()
    oral.value("haemodialysis_clearance", "mL/min")
    assert used.counts_by_status() == {"verified": 1, "derived": 1, "assumed": 1, "fitted": 1}
    assert inner.counts_by_status() == {"derived": 1, "assumed": 1}
    assert [record.name for record in inner.records()] == ["nonrenal_clearance", "transit_steps"]
    assert used.sources() == ("Agarwal_2015", "Eutonia_2026", "Renal_model")


def test_bibtex_of_what_was_used() -> None:
    printed = parameters.citations.bibtex(["Wuis_1985", "Simon_2018", "assumption", "Wuis_1985"])
    assert printed.count("@article") == 2
    assert printed.index("Simon_2018") < printed.index("Wuis_1985")
    assert "PMID 30190685" in printed
    assert citations.bibtex([]) == ""
    assert citations.read(printed, "printed").keys() == {"Simon_2018", "Wuis_1985"}
    with pytest.raises(ParameterError, match=r'no source "Simon_2016". Nearest: Simon_2018'):
        citations.bibtex(["Simon_2016"])


def test_bibtex_is_read() -> None:
    source = (
        '% a comment with a@b\n@Article{A_2000,\n title = {{N}ested {braces}}, year = 2000,\n note = "in quotes"}\n'
    )
    entry = citations.read(source, "x.bib")["A_2000"]
    assert entry.kind == "article"
    assert entry.fields == {"title": "{N}ested {braces}", "year": "2000", "note": "in quotes"}
    assert entry.title == "Nested braces"
    assert entry.said("author") == ""


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("@misc{A, title = {x}}\n@misc{A, title = {y}}", 'the key "A" twice'),
        ("\n@misc A", "x.bib, line 2"),
        ("@misc{A, title = {x}", "A in x.bib: no closing brace"),
        ("@misc{A, title = {x", "a field is not closed"),
    ],
)
def test_broken_bibtex_is_refused(source: str, words: str) -> None:
    with pytest.raises(ParameterError, match=re.escape(words)):
        citations.read(source, "x.bib")


@pytest.mark.parametrize("name", parameters.sets())
def test_every_record_that_ships_is_whole(name: str) -> None:
    found = parameters.load(name)
    assert found.title
    for record in found.records():
        assert record.set == name
        assert re.fullmatch(r"[a-z][a-z0-9_]*", record.name), record.name
        assert record.status in STATUSES
        assert record.method in METHODS
        assert record.numbers
        assert all(math.isfinite(number) for number in record.numbers)
        assert record.source == "assumption" or record.source in citations.entries()
        assert record.note or record.status != "assumed"
        assert not re.search(r"[{}]", record.label)
        _units.convert(1.0, record.unit, record.unit)


#: Read off fits of a prototype: of joints before a recording, of the severity ladder.
JOINT = ("threshold", "velocity_sensitivity", "gain", "background", "stiffness", "damping", "slack_angle")
LADDER = (
    "threshold_without_bias", "threshold_per_bias", "velocity_sensitivity_healthy", "reflex_gain", "background_tone",
    "background_tone_per_bias", "passive_stiffness", "passive_stiffness_severe", "passive_rest_angle",
)  # fmt: skip
#: Derived, and yet no arithmetic: chosen within what is published, a vector, or what has no closed form; notes say.
JUDGED = {
    "cerebral_palsy": {"form_share"},
    "inference": {"held_pendulum", "held_ramp"},
    "intrathecal": {"segment_volume", "segment_top_vertebra"},
    "oral_wuis_1985": {"absorption_rate"},
    "receptor": {"volley_drive_spread"},
    "reflex": {"person_spread"},
    "segment": {"ia_rest", "human_scale", "ia_ceiling"},
    "stroke_population": {
        "infarct_share", "haematoma_share", "haematoma_volume", "age", "creatinine_clearance",
    },
    "tone": {"severe_bias"},
}  # fmt: skip


def test_every_fitted_record_names_the_script_that_fits_it() -> None:
    root = Path(__file__).parents[2]
    every = [one for name in parameters.sets() for one in parameters.load(name).records()]
    fitted = [one for one in every if one.status == "fitted" or (one.method == "fitted" and one.source == OWN_WORK)]
    assert len(fitted) > 60
    for record in fitted:
        if record.where.startswith(PROTOTYPE):
            continue
        script = root / record.where.split(":")[0].split(",")[0]
        text = "".join(one.read_text(encoding="utf-8") for one in sorted(script.parent.glob(f"{script.stem}*.py")))
        # A matrix is a record a row; its script names them all at once.
        names = {re.sub(r"^(correlation_).*", r"\1", record.name), "_".join(record.name.split("_")[:2])}
        assert any(name in text for name in names), f"{script.name} never names {record.name}"
    # Nothing here makes these again; whoever fits one names the script, and takes it from this list.
    assert {f"{one.set}.{one.name}" for one in fitted if one.where.startswith(PROTOTYPE)} == {
        *(f"inference.{name}" for name in JOINT),
        "label_dosing.visit_step_fitted",
        "limb.damping_severe",
        "receptor.ec50_spread",
        "receptor.slow_shift_spread",
        "spasm.rate_without_bias",
        *(f"tone.{name}" for name in LADDER),
        "trial.nonspecific_change_mean",
    }


def test_every_derived_record_has_its_arithmetic() -> None:
    without: dict[str, set[str]] = {}
    for name in parameters.sets():
        for one in parameters.load(name).records():
            if one.status == "derived" and not one.derived:
                without.setdefault(name, set()).add(one.name)
    assert without == JUDGED  # a list that only gets shorter


def test_probit_is_the_quantile_of_a_standard_normal() -> None:
    assert arithmetic.evaluate("probit(0.975)", {}) == pytest.approx(1.959964, abs=1e-6)
    for share in ("0", "1", "1.5"):
        with pytest.raises(ParameterError, match="has no value"):
            arithmetic.evaluate(f"probit({share})", {})


def test_every_source_has_a_title() -> None:
    for key in citations.entries():
        assert citations.entry(key).fields.get("title"), key


def test_a_set_named_after_a_paper_reproduces_it() -> None:
    """Single-dose peaks, exponents and half-lives that the papers print or that follow from them in closed form."""
    for name, peak, at, half_life in (
        ("oral_simon_2018", 106.9, 1.57, 4.4),
        ("oral_chevillard_2018", 180.2, 1.23, 3.9),
    ):
        clearance, volume, absorption = parameters.load(name).values(
            clearance_over_bioavailability="L/h", volume_over_bioavailability="L", absorption_rate="1/h"
        )
        elimination = clearance / volume
        time = math.log(absorption / elimination) / (absorption - elimination)
        assert time == pytest.approx(at, abs=0.006)
        assert 10_000 / volume * math.exp(-elimination * time) == pytest.approx(peak, rel=1e-3)
        assert math.log(2) / elimination == pytest.approx(half_life, rel=0.02)
    wuis = parameters.load("oral_wuis_1985")
    rates = wuis.values(elimination_rate="1/h", distribution_rate="1/h", return_rate="1/h")
    fast, slow = _exponents(*rates)
    assert fast == pytest.approx(wuis.value("fast_exponent", "1/h"), rel=0.005)
    assert slow == pytest.approx(wuis.value("slow_exponent", "1/h"), rel=0.005)
    assert wuis.value("clearance_over_bioavailability", "L/h") / slow == pytest.approx(59.0, rel=0.05)
    he = parameters.load("oral_he_2014")
    stems = {"clearance": "L/h/kg", "central_volume": "L/kg", "intercompartmental_clearance": "L/h/kg"}
    clearance, central, between, peripheral = he.values(
        **{
            f"{stem}_over_bioavailability_per_weight": unit
            for stem, unit in {**stems, "peripheral_volume": "L/kg"}.items()
        }
    )
    _, slow = _exponents(clearance / central, between / central, between / peripheral)
    assert math.log(2) / slow == pytest.approx(4.5, rel=0.01)


def _exponents(elimination: float, distribution: float, back: float) -> tuple[float, float]:
    half = (elimination + distribution + back) / 2
    root = math.sqrt(half**2 - elimination * back)
    return half + root, half - root


@pytest.mark.parametrize(
    ("creatinine", "cut"), [(65, "dose_cut_mild"), (40, "dose_cut_moderate"), (20, "dose_cut_severe")]
)
def test_the_renal_model_reproduces_the_advised_dose_cuts(creatinine: float, cut: str) -> None:
    oral = parameters.load("oral_adult_default")
    fixed, slope, reference = oral.values(
        nonrenal_clearance="mL/min",
        renal_clearance_per_creatinine_clearance="1",
        creatinine_clearance_reference="mL/min",
    )
    share = (fixed + slope * creatinine) / (fixed + slope * reference)
    assert 1 - share == pytest.approx(oral.value(cut, "1"), abs=0.06)


def test_products() -> None:
    found = parameters.products()
    assert len(found) == len({item.name for item in found})
    assert parameters.product("LIORESAL IT").strengths == (50.0, 500.0, 2000.0)
    assert parameters.product("baclofen").rxcui["10 mg"] == "197391"
    with pytest.raises(ParameterError, match=r'no product "Gablofin". Nearest: Gablofen'):
        parameters.product("Gablofin")
    for item in found:
        assert item.source == "assumption" or item.source in citations.entries()
        assert item.strength_unit.startswith("mg" if item.route == "oral" else "ug")


PRODUCT: dict[str, object] = {
    "name": "Tablet",
    "aliases": ["pill"],
    "form": "tablet",
    "route": "oral",
    "strengths": [10],
    "strength_unit": "mg",
    "codes": {"atc": "M03BX01", "rxcui": {"10 mg": "197391"}},
    "region": "US",
    "status": "verified",
    "source": "Simon_2018",
    "note": "",
}


def read_products(*changes: dict[str, object]) -> tuple[parameters.Product, ...]:
    header = text({**HEADER, "name": "products"})
    rows = [{key: item for key, item in {**PRODUCT, **change}.items() if item is not None} for change in changes]
    body = ["[[product]]\n" + "\n".join(f"{key} = {toml(item)}" for key, item in row.items()) for row in rows]
    return catalogue.read("\n".join([header, *body]), SOURCES)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"route": "nasal"}, 'no route "nasal"'),
        ({"route": "intrathecal"}, "pump solutions in ug (1 mg = 1000 ug)"),
        ({"strength_unit": "ug/mL"}, "Allowed: mg or mg/mL"),
        ({"status": "sure"}, 'no status "sure"'),
        ({"source": "Simon_2017"}, "Nearest: Simon_2018"),
        ({"strengths": [0]}, "numbers above 0"),
        ({"strengths": 10}, "Allowed: a list of numbers"),
        ({"aliases": "pill"}, "a list of names"),
        ({"codes": {"rxcui": {}}}, "lacks atc of codes"),
        ({"codes": {"atc": "M03BX01", "rxcui": {"10 mg": 197391}}}, "codes as text"),
        ({"codes": "M03BX01"}, "Allowed: a table such as codes = "),
        ({"codes": {"atc": "M03BX01", "rxnorm": {}}}, 'no field of codes "rxnorm". Allowed: atc, ndc, rxcui'),
        ({"strenghts": [1]}, 'no field "strenghts". Nearest: strengths'),
        ({"region": None}, "lacks region"),
        ({"region": ""}, "region is empty ('')"),
        ({"aliases": ["Tablet"]}, '"Tablet" names both'),
    ],
)
def test_a_wrong_product_is_refused(change: dict[str, object], words: str) -> None:
    with pytest.raises(ParameterError) as caught:
        read_products(change)
    assert words in str(caught.value)


def test_two_products_cannot_share_a_name() -> None:
    with pytest.raises(ParameterError, match=r'"pill" names both Tablet and Capsule'):
        read_products({}, {"name": "Capsule"})
    with pytest.raises(ParameterError, match="holds no product"):
        read_products()
    assert issubclass(ParameterError, EutoniaError)


def test_what_is_kept_of_records_is_numbers_though_a_program_was_being_compiled_when_it_was_made() -> None:
    """Whoever asks first may be under a jit: what is kept then belonged to that program, and failed in the next."""

    @parameters.remembered
    def kept() -> jax.Array:
        return jnp.asarray(parameters.load("receptor").value("ec50", "ng/mL")) * jnp.ones(3)

    inside = jax.jit(lambda x: x * kept())(2.0)
    np.testing.assert_allclose(inside, 2.0 * np.asarray(kept()))
