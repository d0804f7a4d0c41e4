"""A person's own lesion mask in a case: what is refused, what a run keeps, what the page shows."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from mask_examples import AFFINE, SHAPE, ball, nifti

import eutonia
from eutonia.errors import EutoniaError, StudyError
from eutonia.exchange import copies
from eutonia.patient import ARM
from eutonia.patient.masks import MOST_VOXELS, MaskError, parse_mask
from eutonia.report.case import lesion_map
from eutonia.study.design import load_study, shipped
from eutonia.trial.case import _Case, people_of_case

pytestmark = pytest.mark.xdist_group("slow clock")

LEFT = (-22.0, -13.0, 6.0)
ONES = ball(LEFT, 6.0).astype(np.uint8)
SHIPPED = shipped()["case_own_lesion_mask"]


def case(folder: Path, content: bytes | None = None, mask: str = "mine.nii.gz", **edits: str) -> Path:
    """Write the shipped case with another mask beside it, and return the file."""
    text = SHIPPED.read_text(encoding="utf-8").replace("own_lesion_mask.nii.gz", mask)
    for old, new in edits.items():
        assert old in text
        text = text.replace(old, new)
    (folder / "mine.toml").write_text(text, encoding="utf-8")
    if content is not None:
        (folder / mask).write_bytes(content)
    return folder / "mine.toml"


def shifted(by: float) -> np.ndarray:
    moved = AFFINE.copy()
    moved[:3, 3] += by
    return moved


def sheared() -> np.ndarray:
    moved = AFFINE.copy()
    moved[0, 1] = 0.5
    return moved


SOME = ONES.astype(np.float32)
HOLED = np.where(np.indices(SHAPE)[0] == 3, np.nan, SOME)
SCAN = np.zeros((256, 256, 150), dtype=np.uint8)
SCAN[100:110, 100:110, 70:80] = 1
SCAN_AFFINE = np.array([[-0.9, 0, 0, 115], [0, 0.9, 0, -120], [0, 0, 1.0, -60], [0, 0, 0, 1]])

BAD = {
    "another space": (
        nifti(SCAN, SCAN_AFFINE, 1),
        ["not in MNI space", "code 1, 256 x 256 x 150", "flirt", "antsRegistration"],
    ),
    "no space": (nifti(ONES, code=0), ["not in MNI space", "Given: code 0"]),
    "Talairach": (nifti(ONES, code=3), ["Talairach", "header code 4"]),
    "a template's size somewhere else": (nifti(ONES, shifted(40.0), 2), ["not in MNI space", "middle 40, 22, 58"]),
    "outside the brain": (nifti(np.roll(ONES, 40, 2), code=4), ["outside the brain"]),
    "two places": (nifti(ONES, second=(shifted(2.0), 4)), ["twice where its voxels lie", "qform 2 mm apart"]),
    "sheared": (nifti(ONES, sheared()), ["sheared"]),
    "two volumes": (nifti(np.stack([ONES, ONES], axis=-1)), ["not one volume", "91 x 109 x 91 x 2"]),
    "one plane": (nifti(ONES[:, :, :1]), ["not one volume"]),
    "nothing": (nifti(np.zeros(SHAPE, dtype=np.uint8)), ["no lesion in it"]),
    "three values": (nifti(ONES + ball(LEFT, 1.0)), ["3 different values (0, 1, 2)", "0 and 1"]),
    "shares": (nifti(SOME * 0.7), ["2 different values (0, 0.7)", "Threshold"]),
    "255 for lesion": (nifti(ONES * 255), ["(0, 255)"]),
    "nan": (nifti(HOLED), ["nan or inf"]),
    "tiny voxels": (nifti(ONES, np.diag([0.5, 0.5, 0.5, 1.0])), ["too small or too large", "0.5 x 0.5 x 0.5 mm"]),
    "too large": (nifti(ball((0.0, -20.0, 10.0), 900.0).astype(np.uint8)), ["larger than any infarct", "366.3 mL"]),
    "the other side": (nifti(ONES[::-1]), ["no voxel on the left side", "turn the mask over"]),
    "text": (b"a letter about a lesion, long enough to be a header " * 20, ["no NIfTI image"]),
    "empty": (b"", ["no NIfTI image"]),
    "cut off": (nifti(ONES)[:-40], ["ends too early"]),
    "cut off, not packed": (nifti(ONES, packed=False)[:-4000], ["damaged"]),
}


@pytest.mark.parametrize("name", BAD)
def test_a_mask_that_cannot_be_used_is_refused_with_the_way_to_mend_it(name: str, tmp_path: Path) -> None:
    content, words = BAD[name]
    with pytest.raises(StudyError) as caught:
        load_study(case(tmp_path, content))
    told = " ".join(str(caught.value).split())
    for word in ["line 24, lesion.mask", "Given:", "Allowed:", "Do:", *words]:
        assert word in told, told


def test_the_place_in_the_scanner_may_stand_beside_the_one_in_mni_space() -> None:
    plain = parse_mask(nifti(ONES), "mask.nii.gz")
    for second in ((shifted(30.0), 1), (AFFINE, 4)):
        both = parse_mask(nifti(ONES, second=second), "mask.nii.gz")
        assert (both.voxels == plain.voxels).all()


@pytest.mark.parametrize("command", ["check", "run"])
def test_a_bad_mask_ends_with_exit_code_2_and_leaves_nothing(
    command: str, tmp_path: Path, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    file = case(tmp_path, BAD["three values"][0])
    out = [] if command == "check" else ["--out", str(tmp_path / "out")]
    assert run(command, str(file), *out) == 2
    told = capsys.readouterr()
    assert "Threshold it at half" in told.out + told.err
    assert "Traceback" not in told.out + told.err
    assert not (tmp_path / "out").exists()


def test_a_packed_bomb_is_not_unpacked(tmp_path: Path) -> None:
    bomb = gzip.compress(bytes(MOST_VOXELS * 8 + 200_000))
    with pytest.raises(MaskError, match="unpacks to more"):
        parse_mask(bomb, "bomb.nii.gz")


def test_a_header_that_claims_more_than_is_there_is_refused() -> None:
    plain = bytearray(nifti(ONES, packed=False))
    plain[42:48] = np.array([30000, 30000, 30000], dtype="<i2").tobytes()
    with pytest.raises(MaskError, match="too many"):
        parse_mask(bytes(plain), "claims.nii")


@pytest.mark.parametrize("name", ["../mine.nii.gz", "/etc/mine.nii.gz", "C:\\mine.nii.gz", "a/../../mine.nii.gz"])
def test_a_mask_lies_with_its_study(name: str, tmp_path: Path) -> None:
    (tmp_path / "mine.nii.gz").write_bytes(nifti(ONES))
    (tmp_path / "study").mkdir()
    text = SHIPPED.read_text(encoding="utf-8").replace('"own_lesion_mask.nii.gz"', json.dumps(name))
    (tmp_path / "study" / "mine.toml").write_text(text, encoding="utf-8")
    with pytest.raises(StudyError, match="in the folder of the study"):
        load_study(tmp_path / "study" / "mine.toml")


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_link_out_of_the_folder_is_no_mask(tmp_path: Path) -> None:
    (tmp_path / "mine.nii.gz").write_bytes(nifti(ONES))
    (tmp_path / "study").mkdir()
    os.symlink(tmp_path / "mine.nii.gz", tmp_path / "study" / "mine.nii.gz")
    with pytest.raises(StudyError, match="in the folder of the study"):
        load_study(case(tmp_path / "study"))


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_loop_of_links_is_no_mask(tmp_path: Path) -> None:
    os.symlink("mine.nii.gz", tmp_path / "mine.nii.gz")
    with pytest.raises(StudyError, match=r"lesion\.mask[\s\S]*cannot be read"):
        load_study(case(tmp_path))


@pytest.mark.parametrize(
    ("edits", "words"),
    [
        ({"mine.nii.gz": "none.nii.gz"}, ["no such file"]),
        ({"mine.nii.gz": "mine.toml"}, ["names no lesion mask"]),
        ({'kind = "ischaemic"': 'kind = "ischaemic"\nterritory = "M1 trunk"'}, ["lesion.territory", "kind and mask"]),
        ({'kind = "ischaemic"': 'kind = "brain injury"'}, ["Only a stroke has a mask"]),
    ],
)
def test_keys_that_do_not_go_with_a_mask(edits: dict[str, str], words: list[str], tmp_path: Path) -> None:
    with pytest.raises(StudyError) as caught:
        load_study(case(tmp_path, nifti(ONES), **edits))
    for word in words:
        assert word in " ".join(str(caught.value).split())


def test_a_mask_is_found_beside_its_study_wherever_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    file = case(tmp_path, nifti(ONES))
    monkeypatch.chdir(tmp_path / "elsewhere")
    study = load_study(file)
    assert study.lesion.mask.mask.volume_mL == pytest.approx(6.0, abs=0.1)
    assert study.replace({"patient.age": "50 year"}).lesion.mask.mask == study.lesion.mask.mask


def test_a_copy_of_the_shipped_case_finds_the_shipped_mask(tmp_path: Path) -> None:
    file = copies.begin("case", tmp_path / "copy.toml", "case_own_lesion_mask")
    assert load_study(file).lesion.mask.mask == load_study(SHIPPED).lesion.mask.mask


def test_the_shipped_mask_is_what_its_script_makes() -> None:
    import own_lesion_mask

    mask = load_study(SHIPPED).lesion.mask.mask
    assert mask.voxels.shape[1] == int(own_lesion_mask.voxels().sum())
    assert mask.volume_on("right") == 0.0


def test_a_run_keeps_the_mask_and_draws_it(tmp_path: Path) -> None:
    """The folder of a run is enough to repeat it: text of the study, copy and digest of the mask."""
    content = nifti(ONES)
    study = load_study(case(tmp_path, content, **{'"7 day"': '"56 day"'}))
    result = eutonia.run(study)
    folder = eutonia.write(result, tmp_path / "out")
    told = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert (folder / "lesion_mask.nii.gz").read_bytes() == content
    assert told["lesion_mask"]["sha256"] == hashlib.sha256(content).hexdigest()
    assert told["lesion_mask"]["volume_left_ml"] == pytest.approx(6.0, abs=0.1)
    assert "lesion_mask.nii.gz" in told["files"]
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "The lesion and the tracts" in page
    assert page.count("Seen from above") == 2  # a wide page and a phone
    eutonia.write(result, tmp_path / "out")  # a second result replaces it, mask and all
    (tmp_path / "again").mkdir()
    (tmp_path / "again" / "mine.toml").write_text(told["study_text"], encoding="utf-8")
    (tmp_path / "again" / "mine.nii.gz").write_bytes((folder / "lesion_mask.nii.gz").read_bytes())
    again = eutonia.run(load_study(tmp_path / "again" / "mine.toml"))
    assert again.visits.equals(result.visits)


def test_brains_whose_tracts_run_past_a_charted_lesion_are_left_out_and_told(tmp_path: Path) -> None:
    """A small infarct beside the tract: in some possible brains it cuts nothing, and nobody of them is this person."""
    beside = nifti(ball((-13.0, -5.0, 12.0), 0.5).astype(np.uint8))
    chart = '[[charted]]\nat = "118 day"\nscale = "ashworth"\nlimb = "arm"\nscore = 1.5\n\n[assessment]'
    study = load_study(case(tmp_path, beside, **{"[assessment]": chart}))
    one = people_of_case(study, 120 * 24.0)[0]
    told = " ".join(_Case(study).unmet)
    assert re.search(r"In \d+ of 64 possible brains the tracts to the arm run past this lesion", told)
    assert np.all(np.asarray(one.bias)[ARM] > 0.0)


def test_the_map_shows_what_is_cut_and_what_is_not(tmp_path: Path) -> None:
    both = ONES | ONES[::-1]
    (tmp_path / "both.nii.gz").write_bytes(nifti(both))
    shown = lesion_map.of(eutonia.Lesion.from_mask(tmp_path / "both.nii.gz", side="left"))
    assert shown is not None
    assert "right side of the body" in shown.words
    assert "of the mask 6" in shown.note.casefold()
    shares = {row.what: float(row.dead.rstrip("%")) for row in shown.rows}
    assert shares["Corticospinal, arm"] > 90.0
    assert shares["Medial reticulospinal, arm"] == 0.0
    assert "stroke-dasharray" in str(shown.figure.wide)
    assert lesion_map.of(eutonia.Lesion.spinal("T4")) is None
    far = lesion_map.of(eutonia.Lesion.ischaemic("M2 inferior", extent=0.05))
    assert far is not None
    assert str(far.figure.wide).count("stroke-dasharray") == 1  # the sample in the legend alone


def test_a_lesion_from_python(tmp_path: Path) -> None:
    (tmp_path / "mask.nii").write_bytes(nifti(ONES, packed=False))
    lesion = eutonia.Lesion.from_mask(tmp_path / "mask.nii")
    assert lesion.side == "left"
    assert lesion.weak_side == "right"
    assert lesion == eutonia.Lesion.from_mask(str(tmp_path / "mask.nii"), side="left")
    with pytest.raises(EutoniaError, match="no voxel on the right side"):
        eutonia.Lesion.from_mask(tmp_path / "mask.nii", side="right")
    with pytest.raises(EutoniaError, match="kind of lesion with a mask"):
        dataclasses.replace(lesion, kind="spinal")
