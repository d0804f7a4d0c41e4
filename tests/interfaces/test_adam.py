"""Analysis data sets: what the tables of a result say comes out again, by other programs' readers too."""

from __future__ import annotations

import json
import xml.etree.ElementTree as Xml
from collections.abc import Callable
from pathlib import Path

import jsonschema
import polars as pl
import pytest

from eutonia.errors import DatasetError
from eutonia.exchange.adam import AnalysisSets, analysis_sets, read_result
from eutonia.exchange.adam_files import write_adam

#: Of Dataset-JSON 1.1, as cdisc-rules-engine 0.17.1 ships it (MIT licence, resources/schema/dataset.schema.json).
SCHEMA = json.loads((Path(__file__).parent / "dataset_json_1_1.schema.json").read_text(encoding="utf-8"))

Run = Callable[..., int]
ODM, DEF = "{http://www.cdisc.org/ns/odm/v1.3}", "{http://www.cdisc.org/ns/def/v2.1}"

#: A crossover after a single phase, by hand: the second person leaves it on its third day.
PEOPLE = pl.DataFrame(
    {
        "patient": [0, 1, 2],
        "replicate": pl.Series([0, 0, 1], dtype=pl.Int32),
        "person": pl.Series([0, 1, 0], dtype=pl.Int32),
        "arm": ["=saline, then drug", "drug, then =saline", "=saline, then drug"],
        "age_year": [61.5, 40.0, 70.0],
        "sex": ["woman", "man", "man"],
        "weight_kg": [70.0, 80.5, 66.0],
        "creatinine_clearance_ml_per_min": [90.0, 100.0, 55.0],
        "months_since_onset": [12.0, 30.0, 8.0],
        "side": ["left", "right", "left"],
        "lesion": ["ischaemic"] * 3,
        "lesion_place": ["M1 trunk"] * 3,
        "lesion_volume_ml": [80.0, float("nan"), 20.0],
        "arm_first": ["drug"] * 3,
        "left_day_first": [None, None, None],
        "left_reason_first": pl.Series([None] * 3, dtype=pl.String),
        "arm_second": ["=saline, then drug", "drug, then =saline", "=saline, then drug"],
        "left_day_second": [None, 2.4, None],
        "left_reason_second": [None, "dropped out", None],
    }
)
ROWS = [
    (patient, arm, time_h, limb, item, score)
    for patient, arm, scores in ((0, "=saline", (4.0, 3.0)), (0, "drug", (4.5, 2.0)), (1, "drug", (3.0, 2.5)))
    for time_h, score in zip((0.0, 30.0), scores, strict=True)
    for limb, item in (("leg", "mean"), ("leg", "knee_flexors"), ("arm", "mean"))
]
VISITS = pl.DataFrame(
    [
        {
            "patient": patient,
            "replicate": 0,
            "phase": "second",
            "arm": arm,
            "visit": "0 hour" if time_h == 0 else "30 hour",
            "time_h": time_h,
            "limb": limb,
            "scale": "ashworth",
            "item": item,
            "score": score,
            "rater": "human",
        }
        for patient, arm, time_h, limb, item, score in ROWS
    ]
)
ADVERSE = pl.DataFrame(
    {
        "replicate": [0, 0, 0],
        "patient": [0, 0, 1],
        "arm": ["drug", "=saline", "drug"],
        "phase": ["second"] * 3,
        "reaction": ["drowsiness", "drowsiness", "nausea"],
        "time_h": [20.0, 44.0, 60.0],
        "route": ["oral"] * 3,
        "stage": ["", "", ""],
    }
)


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("result")
    for name, table in (("patients", PEOPLE), ("visits", VISITS), ("adverse", ADVERSE)):
        table.write_parquet(folder / f"{name}.parquet")
    record = {"program": "eutonia", "study": "small", "title": "A title", "version": "0.1"}
    (folder / "run.json").write_text(json.dumps(record))
    return folder


@pytest.fixture(scope="module")
def sets(result: Path) -> AnalysisSets:
    return read_result(result)


def test_subjects_have_their_treatments_by_period_and_say_why_they_left(sets: AnalysisSets) -> None:
    people = sets["ADSL"]
    assert people["USUBJID"].to_list() == ["small-0001-00001", "small-0001-00002", "small-0002-00001"]
    assert people.select("TRT01P", "TRT02P", "TRT03P").row(1) == ("drug", "drug", "=saline")
    assert people["SEX"].to_list() == ["F", "M", "M"]
    assert people["EOSSTT"].to_list() == ["COMPLETED", "DISCONTINUED", "COMPLETED"]
    assert people["EOSDY"].to_list() == [None, 3, None]
    assert people["DCSREAS"].to_list() == [None, "DROPPED OUT", None]
    assert people["LESVOL"].to_list() == [80.0, None, 20.0]


def test_factors_of_a_factorial_phase_and_rescue_are_flags_of_people() -> None:
    people = PEOPLE.with_columns(
        factor_second_toxin=pl.Series([True, False, None]),
        factor_second_splint=pl.Series([False] * 3),
        rescued_day_second=pl.Series([28.0, None, None]),
    )
    found = analysis_sets("small", "", "", VISITS, people, None)
    assert found["ADSL"].select("FACTOR01", "FACTOR02").rows() == [("Y", "N"), ("N", "N"), (None, "N")]
    labels = {one.name: one.label for one in found.sets[0].variables}
    assert labels["FACTOR01"] == "Factor: second_toxin"
    assert found["ADSL"].select("RESC01FL", "RESC01DY").rows() == [("Y", 29), ("N", None), ("N", None)]


def test_scores_have_the_baseline_of_their_own_period(sets: AnalysisSets) -> None:
    scores = sets["ADQS"]
    assert scores.height == VISITS.height
    assert scores["AVAL"].to_list() == VISITS["score"].to_list()
    leg = scores.filter((pl.col("PARAM") == "Ashworth, leg") & (pl.col("AVISITN") == 2))
    assert leg.select("TRTP", "BASE", "CHG", "ADY").rows() == [
        ("=saline", 4.0, -1.0, 2),
        ("drug", 4.5, -2.5, 2),
        ("drug", 3.0, -0.5, 2),
    ]
    assert scores.filter(pl.col("ABLFL") == "Y")["ATMH"].unique().to_list() == [0.0]
    early = VISITS.with_columns(pl.col("time_h") - 30.0)
    days = analysis_sets("small", "", "", early, PEOPLE, None)["ADQS"].select("ATMH", "ADY").unique().rows()
    assert sorted(days) == [(-30.0, -2), (0.0, 1)], "there is no day 0"
    # A change by two thirds from another level is the same change, for who ranks them elsewhere.
    leg = VISITS.filter(limb="leg", item="mean").with_columns(score=pl.Series([7 / 3, 5 / 3, 5 / 3, 1.0, 3.0, 7 / 3]))
    assert (leg["score"][::2] - leg["score"][1::2]).n_unique() > 1
    changes = analysis_sets("small", "", "", leg, PEOPLE, None)["ADQS"]["CHG"]
    assert changes[::2].to_list() == [0.0] * 3
    assert changes[1::2].n_unique() == 1
    codes = scores.select("PARAM", "PARAMCD").unique()
    assert codes["PARAMCD"].n_unique() == codes.height == 3
    assert codes["PARAMCD"].str.len_chars().max() <= 8  # type: ignore[operator]


def test_each_pair_of_a_series_has_its_own_baseline() -> None:
    """One person on one arm, twice: the second pair begins from a score of its own."""
    rows = [("pair 1, 0 week", 0.0, 4.0), ("pair 1, 4 week", 672.0, 3.0), ("pair 2, 0 week", 1344.0, 5.0)]
    rows.append(("pair 2, 4 week", 2016.0, 2.0))
    series = pl.concat(
        [VISITS[:1].with_columns(visit=pl.lit(v), time_h=pl.lit(at), score=pl.lit(score)) for v, at, score in rows]
    )
    found = analysis_sets("small", "", "", series, PEOPLE, None)["ADQS"]
    assert found.select("BASETYPE", "ABLFL", "BASE", "CHG").rows() == [
        ("PAIR 1", "Y", 4.0, 0.0),
        ("PAIR 1", None, 4.0, -1.0),
        ("PAIR 2", "Y", 5.0, 0.0),
        ("PAIR 2", None, 5.0, -3.0),
    ]


def test_each_period_of_a_crossover_has_its_own_baseline() -> None:
    """One person on two arms of a phase has two baselines: neither is told apart from the other by the time alone."""
    rows = [("drug", 0.0, 4.0), ("drug", 672.0, 3.0), ("placebo", 0.0, 5.0), ("placebo", 672.0, 4.5)]
    crossed = pl.concat(
        [VISITS[:1].with_columns(arm=pl.lit(a), time_h=pl.lit(at), score=pl.lit(score)) for a, at, score in rows]
    )
    found = analysis_sets("small", "", "", crossed, PEOPLE, None)["ADQS"]
    assert found.select("BASETYPE", "BASE", "CHG").rows() == [
        ("PERIOD OF drug", 4.0, 0.0),
        ("PERIOD OF drug", 4.0, -1.0),
        ("PERIOD OF placebo", 5.0, 0.0),
        ("PERIOD OF placebo", 5.0, -0.5),
    ]


def test_who_was_analysed_when_a_trial_ended_is_flagged(result: Path, folder: Path) -> None:
    for file in result.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    trials = {"replicate": pl.Series([0, 0, 1], dtype=pl.Int32), "look": pl.Series([1, 1, 2], dtype=pl.Int32)}
    pl.DataFrame(trials).write_parquet(folder / "analysis.parquet")
    pl.DataFrame({"look": [1, 2], "people": [1, 2]}).write_parquet(folder / "interim_looks.parquet")
    assert read_result(folder)["ADSL"]["STOPFL"].to_list() == ["Y", "N", "Y"]
    assert "STOPFL" not in read_result(result)["ADSL"].columns
    failed = PEOPLE.with_columns(not_computed=pl.Series(["NaN", None, None]))
    failed.with_columns(arm_first=pl.Series(["drug", "drug", None])).write_parquet(folder / "patients.parquet")
    assert read_result(folder)["ADSL"]["STOPFL"].to_list() == ["N", "N", "N"], "nobody else was ever treated"


def test_events_are_numbered_by_person_and_the_first_is_flagged(sets: AnalysisSets) -> None:
    events = sets["ADAE"]
    assert events.select("USUBJID", "AESEQ", "AETERM", "ASTDY", "AOCCIFL").rows() == [
        ("small-0001-00001", 1, "drowsiness", 1, "Y"),
        ("small-0001-00001", 2, "drowsiness", 2, None),
        ("small-0001-00002", 1, "nausea", 3, "Y"),
    ]


def test_every_kind_of_file_holds_the_same_and_define_names_every_column(
    result: Path, sets: AnalysisSets, folder: Path, run: Run
) -> None:
    assert run("export", str(result), "--format", "adam", "--as", "parquet,csv,json,xpt", "--out", "adam") == 0
    out = folder / "adam"
    define = Xml.parse(out / "define.xml").getroot()
    for one in sets.sets:
        name = one.name.lower()
        assert pl.read_parquet(out / f"{name}.parquet").equals(one.table)
        data = json.loads((out / f"{name}.json").read_text())
        jsonschema.validate(data, SCHEMA)
        assert data["records"] == len(data["rows"]) == one.table.height
        assert [tuple(row) for row in data["rows"]] == one.table.rows()
        assert [column["name"] for column in data["columns"]] == one.table.columns
        _assert_transport(out / f"{name}.xpt", one.table)
        group = next(x for x in define.iter(f"{ODM}ItemGroupDef") if x.get("Name") == one.name)
        items = {x.get("OID"): x for x in define.iter(f"{ODM}ItemDef")}
        named = [items[str(x.get("ItemOID"))].get("Name") for x in group.iter(f"{ODM}ItemRef")]
        assert named == one.table.columns
        assert group.find(f"{DEF}leaf") is not None
        assert all(len(v.name) <= 8 and len(v.label) <= 40 for v in one.variables)
    assert "'=saline" in (out / "adqs.csv").read_text()
    first = {file.name: file.read_bytes() for file in out.iterdir()}
    write_adam(result, out, kinds=("parquet", " csv", "json ", "csv"))
    assert {f.name: f.read_bytes() for f in out.iterdir() if f.suffix == ".json" and f.stem != "run"} == {
        name: content for name, content in first.items() if name.endswith(".json") and name != "run.json"
    }
    assert not list(out.glob("*.xpt"))


def _assert_transport(file: Path, table: pl.DataFrame) -> None:
    import pyreadstat

    read, meta = pyreadstat.read_xport(str(file), output_format="polars")
    assert meta.column_names == table.columns
    for name in table.columns:
        if table[name].dtype == pl.String:
            assert read[name].fill_null("").to_list() == table[name].fill_null("").to_list(), name
        else:
            assert read[name].fill_nan(None).to_list() == table[name].cast(pl.Float64).to_list(), name


def test_what_is_no_result_is_refused(result: Path, folder: Path, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(DatasetError, match=r"run.json, visits.parquet, patients.parquet are not there.*Nearest"):
        read_result(folder)
    assert run("export", str(result), "--format", "adam", "--as", "sas7bdat") == 2
    assert "Allowed: csv, json, parquet, xpt" in capsys.readouterr().err
    with pytest.raises(DatasetError, match=r"Given: no kind of file\. Allowed: .*Nearest: parquet"):
        write_adam(result, folder / "out", kinds=())
    long = PEOPLE.with_columns(pl.lit("x" * 201).alias("lesion_place"))
    for name, table in (("patients", long), ("visits", VISITS)):
        table.write_parquet(folder / f"{name}.parquet")
    (folder / "run.json").write_text((result / "run.json").read_text())
    with pytest.raises(DatasetError, match=r"LESLOC of ADSL holds texts of more than 200 bytes.*--as json"):
        write_adam(folder, folder / "out", kinds=("xpt",))
    PEOPLE.drop("replicate").write_parquet(folder / "patients.parquet")
    with pytest.raises(DatasetError, match=r"is the result of a case.*Allowed: the result of a trial.*Nearest"):
        read_result(folder)
    assert not (folder / "out").exists()
    made = analysis_sets(
        "small", "", "", VISITS, PEOPLE.with_columns(not_computed=pl.Series(["NaN", None, None])), None
    )
    assert made["ADSL"].select("EOSSTT", "DCSREAS").row(0) == ("NOT COMPUTED", "NaN")
    (folder / "run.json").write_text("{")
    with pytest.raises(DatasetError, match="cannot be read as a result"):
        read_result(folder)
