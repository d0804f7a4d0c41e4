"""Parameter sets from outside the package, by registration alone: oral models, pumps, joints, places of a lesion."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import outside_muscle
import polars as pl
import pytest
from study_examples import STROKE

import eutonia
from eutonia import parameters
from eutonia.drug.exposure import models
from eutonia.limb import muscle
from eutonia.parameters.folders import FOLDERS
from eutonia.report.records import citations_of, parameter_text
from eutonia.study.design import json_schema, parse_study

pytestmark = pytest.mark.xdist_group("slow clock")

HERE = Path(__file__).parents[1]
LONGEST = 40


@contextmanager
def registered(folder: Path) -> Iterator[Path]:
    parameters.register(folder)
    try:
        yield folder
    finally:
        FOLDERS.remove(str(folder))


def length(folder: Path) -> int:
    return sum(len(file.read_text(encoding="utf-8").splitlines()) for file in folder.iterdir() if file.is_file())


TABLETS = (
    '[study]\nname = "outside"\ntitle = "What others bring"\nkind = "trial"\nseed = 4\n'
    "[population]\nn = 8\npool = 512\n"
    + STROKE
    + """
[assessment]
side = "affected"
limbs = ["leg", "arm"]
scales = ["ashworth", "h_reflex"]
rater = "noiseless"
[[phase]]
name = "only"
design = "single"
masking = "open"
visits = ["0 hour", "1 hour", "24 hour"]
nonspecific = false
dropout = false
[[phase.arm]]
name = "tablets"
[[phase.arm.treatment]]
product = "baclofen tablets"
route = "oral"
dose = "20 mg"
every = "8 hour"
"""
)
CASE = """
[study]
name = "outside_case"
title = "A person"
kind = "case"
seed = 4
[patient]
age = "18 year"
weight = "60 kg"
sex = "woman"
creatinine_clearance = "100 mL/min"
side = "right"
[lesion]
kind = "haemorrhagic"
site = "putaminal"
volume = "30 mL"
[assessment]
side = "affected"
limbs = ["leg", "arm"]
scales = ["ashworth"]
rater = "noiseless"
[case]
duration = "4 day"
examine_every = "1 day"
[[event]]
kind = "tablets"
at = "1 day"
product = "baclofen tablets"
dose = "10 mg"
every = "8 hour"
"""


def naming(name: str, text: str = TABLETS) -> str:
    return text.replace("seed = 4\n", f'seed = 4\noral_model = "{name}"\n', 1)


def plasma(text: str) -> np.ndarray:
    return eutonia.run(parse_study(text), replicates=1).course["plasma"].to_numpy()


def test_an_oral_model_from_outside_is_in_the_schema_runs_is_reported_and_cites(tmp_path: Path) -> None:
    name = "oral_someone_2020"
    assert length(HERE / "outside_oral") <= LONGEST
    with registered(HERE / "outside_oral"):
        assert name in json.dumps(json_schema())
        assert name in parameters.digests()
        assert "Someone_2020" in parameter_text("csv", name)
        result = eutonia.run(parse_study(naming(name)), replicates=2)
        eutonia.write(result, tmp_path / "out")
        assert "Slow release" in parameters.citations.entry("Someone_2020").described
        assert "baclofen-oral-someone-2020" in models.names()
    assert name not in json.dumps(json_schema())
    assert result.run["rests_on"][f"{name}.absorption_rate"] == "0.2 1/h"
    assert name in result.run["parameter_digests"]
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "Oral baclofen, one compartment, slow release (Someone 2020)" in page
    assert "A journal of tablets" in page
    # The set may be gone by then: whoever cites the folder of a run still has the paper.
    assert "A journal of tablets" in citations_of(tmp_path / "out")


def test_a_study_names_every_oral_set_that_ships_and_it_is_that_one() -> None:
    """The blood of a study is that of the set it names, as `eutonia exposure` computes the same set."""
    found = {name: plasma(naming(name)) for name in parameters.sets("oral") if name != "oral_he_2014"}
    np.testing.assert_array_equal(found["oral_adult_default"], plasma(TABLETS))
    peaks = {name: float(np.median(one.max(axis=0))) for name, one in found.items()}
    assert len({round(peak) for peak in peaks.values()}) == len(found)


def test_a_set_of_children_is_for_nobody_older() -> None:
    with pytest.raises(eutonia.EutoniaError, match="up to 18 year"):
        parse_study(naming("oral_he_2014"))
    young = parse_study(naming("oral_he_2014", CASE))
    ran = eutonia.run(young)
    assert "oral_he_2014" in ran.run["parameter_sets"]
    assert float(ran.course["plasma"].max()) > 0.0


def test_an_oral_model_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(eutonia.EutoniaError, match=r'Nearest:\s+"oral_wuis_1985"') as told:
        parse_study(naming("oral_wuis_1958"))
    assert "oral_simon_2018" in str(told.value)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (('source = "Someone_2020"', 'source = "Nobody_2020"'), 'no source "Nobody_2020"'),
        (('status = "recalled"', ""), "lacks status"),
        (('unit = "L/h"', 'unit = "L/fnord"'), "fnord"),
        (('name = "oral_someone_2020"', 'name = "oral_other"'), "calls itself"),
    ],
)
def test_a_set_from_outside_is_checked_like_ours(tmp_path: Path, change: tuple[str, str], says: str) -> None:
    for file in (HERE / "outside_oral").iterdir():
        (tmp_path / file.name).write_text(file.read_text(encoding="utf-8").replace(*change), encoding="utf-8")
    before = parameters.sets()
    with pytest.raises(eutonia.EutoniaError, match=says):
        parameters.register(tmp_path)
    assert parameters.sets() == before
    # Mended, it is taken.
    for file in (HERE / "outside_oral").iterdir():
        (tmp_path / file.name).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    with registered(tmp_path):
        assert "oral_someone_2020" in parameters.sets()


def test_names_of_sets_and_keys_of_papers_are_nobodys_twice(tmp_path: Path) -> None:
    (tmp_path / "receptor.toml").write_text("", encoding="utf-8")
    with pytest.raises(eutonia.EutoniaError, match="parameter set receptor already"):
        parameters.register(tmp_path)
    (tmp_path / "receptor.toml").unlink()
    with pytest.raises(eutonia.EutoniaError, match="holds no set"):
        parameters.register(tmp_path)
    with pytest.raises(eutonia.EutoniaError, match="is no folder"):
        parameters.register(tmp_path / "nowhere")
    ours = parameters.citations.keys()[0]
    text = (HERE / "outside_oral" / "oral_someone_2020.toml").read_text(encoding="utf-8")
    (tmp_path / "oral_someone_2020.toml").write_text(text.replace("Someone_2020", ours), encoding="utf-8")
    (tmp_path / "sources.bib").write_text(f"@misc{{{ours},\n  title = {{Another}}\n}}\n", encoding="utf-8")
    with pytest.raises(eutonia.EutoniaError, match=f"a source {ours} already"):
        parameters.register(tmp_path)
    assert parameters.citations.keys()[0] == ours


def test_an_oral_set_that_lacks_a_number_is_told_before_the_run(tmp_path: Path) -> None:
    text = (HERE / "outside_oral" / "oral_someone_2020.toml").read_text(encoding="utf-8")
    short = text[: text.index("[absorption_rate]")].replace("Someone_2020", "Wuis_1985")
    (tmp_path / "oral_someone_2020.toml").write_text(short, encoding="utf-8")
    with registered(tmp_path), pytest.raises(eutonia.EutoniaError, match=r"says nothing of\s+absorption"):
        parse_study(naming("oral_someone_2020"))
    (tmp_path / "oral_someone_2020.toml").write_text(
        text.replace('"L/h"', '"mg/h"').replace("Someone_2020", "Wuis_1985"), encoding="utf-8"
    )
    with registered(tmp_path), pytest.raises(eutonia.EutoniaError, match="mg/h"):
        parse_study(naming("oral_someone_2020"))


def test_an_installed_package_offers_a_folder_by_an_entry_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "of_others.py").write_text(
        f"from pathlib import Path\nRECORDS = Path({str(HERE / 'outside_oral')!r})\n", encoding="utf-8"
    )
    about = tmp_path / "others-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: others\nVersion: 1.0\n", encoding="utf-8")
    (about / "entry_points.txt").write_text("[eutonia.parameters]\ntheirs = of_others:RECORDS\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(FOLDERS, "_is_loaded", False)
    try:
        assert parameters.load("oral_someone_2020").value("absorption_rate", "1/h") == 0.2
    finally:
        FOLDERS.remove(str(HERE / "outside_oral"))


def test_what_is_registered_while_numbers_are_overridden_is_there_and_overridden() -> None:
    with (
        parameters.using({"receptor.ec50": "180 ng/mL"}),
        registered(HERE / "outside_oral"),
        parameters.using({"oral_someone_2020.absorption_rate": "0.3 1/h"}),
    ):
        assert parameters.load("oral_someone_2020").value("absorption_rate", "1/h") == 0.3
        assert parameters.load("receptor").value("ec50", "ng/mL") == 180.0


PROGRAM = """
[therapy]
name = "trickle"
title = "A pump of others"
origin = "cerebral"
begins = 2026-03-02
duration = "20 day"
screening = "50 ug"
screening_effect = "6 hour"
[pump]
model = "Trickle One"
product = "Lioresal Intrathecal"
reservoir = "25 mL"
concentration = "500 ug/mL"
alarm_volume = "3 mL"
catheter = "80 cm"
tip = "T10"
[[event]]
at = "10 hour"
kind = "prime"
[[event]]
at = "10 hour"
kind = "simple"
rate = "40 ug/day"
[[event]]
at = "5 day"
kind = "simple"
rate = "100 ug/day"
"""
IMPLANTED = """[pump]
model = "Trickle One"
product = "Lioresal Intrathecal"
implanted = "1 day"
reservoir = "25 mL"
concentration = "500 ug/mL"
alarm_volume = "3 mL"
tip = "T10"
[[event]]
kind = "infusion"
at = "1 day"
rate = "100 ug/day"
"""


def test_a_pump_from_outside_is_in_the_schema_runs_in_programs_and_cases_and_cites(tmp_path: Path) -> None:
    assert length(HERE / "outside_pump") <= LONGEST
    case = CASE[: CASE.index("[[event]]")] + IMPLANTED
    (tmp_path / "trickle.toml").write_text(PROGRAM, encoding="utf-8")
    with pytest.raises(eutonia.EutoniaError, match="no such pump model"):
        parse_study(case)
    with registered(HERE / "outside_pump"):
        assert "Trickle One" in json.dumps(json_schema())
        program = eutonia.program(tmp_path / "trickle.toml")
        program.write(tmp_path / "program")
        eutonia.write(eutonia.run(parse_study(case)), tmp_path / "case")
        with pytest.raises(eutonia.EutoniaError, match="25 mL"):
            parse_study(case.replace('"25 mL"', '"20 mL"'))
        with pytest.raises(eutonia.EutoniaError, match="cannot pump"):
            parse_study(case.replace('"100 ug/day"', '"30 ug/day"'))
    # 40 ug/day of 500 ug/mL is 0.08 mL/day, below what this pump can run, and its own manual says so.
    page = (tmp_path / "program" / "program.html").read_text(encoding="utf-8")
    assert "Trickle One cannot run below 0.1 mL/day" in page
    assert "Trickle_manual" in page
    told = json.loads((tmp_path / "program" / "program.json").read_text(encoding="utf-8"))
    assert "Trickle One: the manual" in json.dumps(told)
    assert told["pump"]["model"] == "Trickle One"
    run = json.loads((tmp_path / "case" / "run.json").read_text(encoding="utf-8"))
    assert run["rests_on"]["pump_trickle_one.flow_highest"] == "12 mL/day"
    assert any("Trickle One" in source["text"] for source in run["sources"])


def test_two_pumps_of_one_name_are_refused(tmp_path: Path) -> None:
    for file in (HERE / "outside_pump").iterdir():
        text = file.read_text(encoding="utf-8").replace('"Trickle One"', '"SynchroMed II"')
        (tmp_path / file.name).write_text(text, encoding="utf-8")
    with registered(tmp_path), pytest.raises(eutonia.EutoniaError, match='both titled "SynchroMed II"'):
        parse_study(CASE[: CASE.index("[[event]]")] + IMPLANTED)


def test_every_number_of_a_pump_is_in_the_set_of_that_model() -> None:
    """No record of one model stands in the set of all, and each model's set is found by its title."""
    for name, of in parameters.pump_models().items():
        slug = of.removeprefix("pump_")
        assert parameters.load(of).title == name
        assert not [one for one in parameters.load("pump") if one.startswith(slug)]


STRETCHED = TABLETS.replace('"noiseless"', '"human"').replace('"h_reflex"', '"modified_ashworth"')


@contextmanager
def shoulder() -> Iterator[str]:
    with registered(outside_muscle.RECORDS):
        muscle.register(outside_muscle.SHOULDER_ADDUCTORS)
        try:
            yield outside_muscle.SHOULDER_ADDUCTORS.name
        finally:
            muscle.MUSCLES.remove(outside_muscle.SHOULDER_ADDUCTORS.name)


def text_rows(result: eutonia.StudyResult) -> pl.DataFrame:
    return result.visits.with_columns(pl.col(pl.Categorical).cast(pl.String))


def test_a_ninth_muscle_group_is_in_the_schema_charted_reported_and_cites(tmp_path: Path) -> None:
    assert length(outside_muscle.RECORDS) + len(Path(str(outside_muscle.__file__)).read_text().splitlines()) <= LONGEST
    before = eutonia.run(parse_study(STRETCHED), replicates=2)
    with shoulder() as name:
        assert name in json.dumps(json_schema())
        found = eutonia.run(parse_study(STRETCHED), replicates=2)
        eutonia.write(found, tmp_path / "out")
        charted = '[[charted]]\nat = "90 day"\nscale = "ashworth"\nmuscle = "shoulder adductors"\nscore = 3\n'
        longer = CASE.replace('"4 day"', '"100 day"').replace('= "1 day"', '= "95 day"')
        case = eutonia.run(parse_study(longer.replace("[case]", charted + "[case]")))
        examined = eutonia.examine_case(parse_study(CASE), "ashworth", limb="arm")
    after = eutonia.run(parse_study(STRETCHED), replicates=2)
    rows = text_rows(found)
    own = rows.filter(pl.col("item") == name)
    assert set(own["limb"]) == {"arm"}
    assert set(own["scale"]) == {"ashworth", "modified_ashworth"}
    assert own["score"].is_between(0, 5).all()
    assert own.filter(pl.col("scale") == "ashworth")["score"].n_unique() > 2
    # Nobody else's score moves, and nothing stays when it is gone.
    assert rows.filter(pl.col("item") != name).equals(text_rows(before))
    assert text_rows(after).equals(text_rows(before))
    assert found.run["rests_on"]["limb_shoulder.range_of_motion"] == "90 deg"
    assert any("A journal of shoulders" in source["text"] for source in found.run["sources"])
    assert not [one for one in case.caveats if name in one]
    assert "limb_shoulder" in case.run["parameter_sets"]
    torque = [one for one in examined.findings if (one.of, one.key) == (name, "mean_torque")]
    assert torque[0].unit == "N m"
    assert float(np.median(torque[0].values)) > 0.0


def test_a_muscle_group_that_cannot_be_stretched_is_refused() -> None:
    place = outside_muscle.SHOULDER_ADDUCTORS
    with pytest.raises(eutonia.EutoniaError, match="no parameter set"):
        muscle.register(place)
    with pytest.raises(eutonia.EutoniaError, match="one of ours"):
        muscle.register(place._replace(name="knee extensors", joint="knee", limb="leg"))
    with pytest.raises(eutonia.EutoniaError, match='no limb "wing"'):
        muscle.register(place._replace(limb="wing"))
    assert place.name not in [one.name for one in muscle.charted_groups()]


PLACED = CASE.replace('"putaminal"', '"external capsule"')
BLEEDS = (
    TABLETS.replace('lesions = "stroke survivors"\n', "")
    + """
[[population.lesion]]
share = 0.5
kind = "haemorrhagic"
site = "External Capsule"
volume = { mean = "30 mL", sd = "10 mL" }
[[population.lesion]]
share = 0.5
kind = "ischaemic"
territory = "M1 trunk"
extent = { mean = 0.5, sd = 0.2 }
"""
)


def test_a_lesion_site_from_outside_is_in_the_schema_runs_is_reported_and_cites(tmp_path: Path) -> None:
    assert length(HERE / "outside_site") <= LONGEST
    plain = eutonia.run(parse_study(TABLETS), replicates=2)
    with pytest.raises(eutonia.EutoniaError, match="no such site of a haemorrhage"):
        parse_study(PLACED)
    with registered(HERE / "outside_site"):
        assert "external capsule" in json.dumps(json_schema())
        case = eutonia.run(parse_study(PLACED))
        trial = eutonia.run(parse_study(BLEEDS), replicates=2)
        eutonia.write(trial, tmp_path / "out")
        # Who has no such lesion rests on nothing of it, and has the same numbers.
        beside = eutonia.run(parse_study(TABLETS), replicates=2)
        here, putamen = (eutonia.Lesion.haemorrhagic(site, 30.0).pathways for site in ("external capsule", "putaminal"))
        with parameters.using({"lesion_external_capsule.site_lateral": "60 mm"}):
            far = eutonia.Lesion.haemorrhagic("external capsule", 30.0).pathways
    assert beside.run["rests_on"] == plain.run["rests_on"]
    assert text_rows(beside).equals(text_rows(plain))
    assert case.run["rests_on"]["lesion_external_capsule.site_lateral"] == "30 mm"
    assert any("An atlas of capsules" in source["text"] for source in trial.run["sources"])
    assert "An atlas of capsules" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    patients = pl.read_parquet(tmp_path / "out" / "patients.parquet").with_columns(
        pl.col(pl.Categorical).cast(pl.String)
    )
    assert set(patients["lesion_place"]) == {"external capsule", "M1 trunk"}
    # It lies where its records say: another loss than beside it, and none from far outside of the brain.
    assert not np.array_equal(here.core_loss, putamen.core_loss)
    assert here.core_loss.max() > far.core_loss.max() == 0.0


def test_a_place_of_which_too_little_is_told_is_refused(tmp_path: Path) -> None:
    text = (HERE / "outside_site" / "lesion_external_capsule.toml").read_text(encoding="utf-8")
    (tmp_path / "sources.bib").write_text((HERE / "outside_site" / "sources.bib").read_text(encoding="utf-8"))
    file = tmp_path / "lesion_external_capsule.toml"
    file.write_text("\n".join(line for line in text.splitlines() if not line.startswith("site_reach")))
    with registered(tmp_path), pytest.raises(eutonia.EutoniaError, match="Add it to site_reach"):
        parse_study(PLACED)
    file.write_text(text.replace("external capsule", "lobar"))
    with registered(tmp_path), pytest.raises(eutonia.EutoniaError, match='a place "lobar" already'):
        parse_study(PLACED)
