"""Broken study files: every fault is named with its key and line and what to do, and nothing else escapes."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eutonia.errors import StudyError
from eutonia.study.design import load_study, parse_study, shipped

pytestmark = pytest.mark.interfaces

HERE = Path(__file__).parent
TEXTS = {name: path.read_text(encoding="utf-8") for name, path in shipped().items()}
TEXTS["parallel_tablets"] = (HERE / "parallel_tablets.toml").read_text(encoding="utf-8")
BROKEN = tomllib.loads((HERE / "broken_studies.toml").read_text(encoding="utf-8"))["broken"]
SCREEN_LINES, SCREEN_COLUMNS = 24, 100


def broken_text(case: dict[str, object]) -> str:
    text = TEXTS[str(case["of"])]
    for old, new in case.get("edits", []):  # type: ignore[attr-defined]
        assert old in text, f"{case['name']}: the study no longer holds {old!r}"
        text = text.replace(old, new, 1)
    if "cut" in case:
        start, end = case["cut"]  # type: ignore[misc]
        text = text[: text.index(start)] + text[text.index(end) :]
    return text


def fault_of(text: str, name: str = "broken.toml") -> StudyError:
    with pytest.raises(StudyError) as caught:
        parse_study(text, name)
    return caught.value


@pytest.mark.parametrize("case", BROKEN, ids=[case["name"] for case in BROKEN])
def test_a_broken_study_says_where_what_and_what_to_do(case: dict[str, object]) -> None:
    text = broken_text(case)
    error = fault_of(text)
    message = str(error)
    flat = " ".join(message.split())
    assert type(error) is StudyError
    assert message.startswith("broken.toml ")
    assert str(case["key"]) in flat
    for words in case["says"]:  # type: ignore[attr-defined]
        assert " ".join(words.split()) in flat
    assert len(message.splitlines()) <= SCREEN_LINES
    assert max(map(len, message.splitlines())) <= SCREEN_COLUMNS


@pytest.mark.parametrize("case", BROKEN, ids=[case["name"] for case in BROKEN])
def test_the_line_of_a_fault_holds_its_key_or_the_table_that_lacks_it(case: dict[str, object]) -> None:
    text = broken_text(case)
    for fault in fault_of(text).faults:  # type: ignore[attr-defined]
        assert fault.do, fault
        if fault.line is None:
            continue
        line = text.split("\n")[fault.line - 1]
        key = fault.key.rpartition(".")[2].partition("[")[0]
        assert key in line or line.lstrip().startswith("[") or fault.key.startswith("column") or "{" in line


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_a_study_that_ships_is_whole(text: str) -> None:
    assert parse_study(text).text == text


def test_many_faults_come_at_once_and_still_fit_on_a_screen() -> None:
    text = TEXTS["meythaler_2001"]
    for old, new in (
        ("n = 21", "n = -1"),
        ('"50 ug"', '"50 mg"'),
        ("seed = 2001", 'seed = "x"'),
        ("mean = 3.3", "mean = nan"),
    ):
        text = text.replace(old, new)
    error = fault_of(text.replace('statistic = "mean"', 'statistic = "average"'))
    assert len(error.faults) > 6  # type: ignore[attr-defined]
    assert len(str(error).splitlines()) <= SCREEN_LINES
    lines = [fault.line for fault in error.faults]  # type: ignore[attr-defined]
    assert lines == sorted(lines)


def test_faults_beyond_a_screen_are_counted() -> None:
    text = TEXTS["meythaler_2001"]
    for number in range(9):
        text = text.replace("\nstatus =", f"\nstat{number}s_of =", 1)
    error = fault_of(text)
    assert "more. Mend these first" in str(error)
    assert len(str(error).splitlines()) <= SCREEN_LINES


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"\n  \n", "empty"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "binary"),
        (b"[study]\x00", "binary"),
        ("[study]".encode("utf-16"), "UTF-16"),
        (b'[study]\ntitle = "\xe9"', "line 2"),
        (b"x = " + b"[" * 5000, "nested"),
        (b"x = " + b"{ a = " * 5000, "nested"),
        (b"x = " + b"9" * 5000, "TOML cannot be read"),
        (b"x = 2001-13-45", "TOML cannot be read"),
        (b"# nothing but a comment", "does not say what it is"),
        (b'study = "trial"', "does not say what it is"),
        (b"study = [1, 2]", "does not say what it is"),
        (b'[study]\nkind = "trial"\n', "faults"),
    ],
)
def test_a_file_that_is_no_study(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "odd.toml"
    path.write_bytes(content)
    with pytest.raises(StudyError, match=words) as caught:
        load_study(path)
    assert "odd.toml" in str(caught.value).replace("\n", "")
    assert "Do: " in str(caught.value)


def test_a_number_of_thousands_of_digits() -> None:
    error = fault_of(TEXTS["meythaler_2001"].replace("seed = 2001", "seed = 0x" + "f" * 9000))
    assert "at most 4,294,967,295" in " ".join(str(error).split())


def test_a_file_that_is_not_there_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("x = 1")
    with pytest.raises(StudyError, match=r"Nearest:\s+mine\.toml"):
        load_study(tmp_path / "mime.toml")
    with pytest.raises(StudyError, match="meythaler_2001") as caught:
        load_study("meythaler_2010")
    assert "Do: " in " ".join(str(caught.value).split())


def test_a_folder_a_huge_file_and_an_impossible_name(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("x = 1")
    with pytest.raises(StudyError, match=r"(?s)folder.*mine\.toml"):
        load_study(tmp_path)
    huge = tmp_path / "huge.toml"
    huge.write_bytes(b"#" * 3_000_000)
    with pytest.raises(StudyError, match=r"3\.0 MB"):
        load_study(huge)
    for name in ("a" * 5000, "a\x00b", ""):
        with pytest.raises(StudyError, match=r"Do:\s"):
            load_study(name)
    with pytest.raises(StudyError, match="no ordinary file"):
        load_study("/dev/null")


def test_windows_line_ends_and_a_byte_order_mark_are_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "windows.toml"
    path.write_bytes(b"\xef\xbb\xbf" + TEXTS["meythaler_2001"].replace("\n", "\r\n").encode())
    assert load_study(path).name == "meythaler_2001"


# --- Whatever a hand slips on, the answer is a StudyError -----------------------------------------------------------

LINES = {name: text.split("\n") for name, text in TEXTS.items()}
SCRAPS = st.sampled_from(
    ["", "[", "]", "{", "}", '"', "'", '"""', "=", ".", ",", "nan", "inf", "-1", "0", "1e400", "true", "2001-01-01",
     "[]", "{}", '""', '"50 mg"', '"-3 hour"', '"1e308 day"', '"50 ug**9**9**9"', '"\\u0000"', "é", "\t", "\r", "\x7f",
     "[[phase]]", "[phase]", "[[event]]", "[[published]]", "9" * 400, "0x" + "f" * 400, "[[1, 2], [3]]", '["0 hour"]',
     "[{ a = 1 }]"]
)  # fmt: skip


@st.composite
def slips(draw: st.DrawFn) -> str:
    """Return the text of a study with a few lines lost, doubled, swapped, or with scraps in them."""
    lines = list(LINES[draw(st.sampled_from(sorted(LINES)))])
    for _ in range(draw(st.integers(1, 3))):
        here, there = draw(st.integers(0, len(lines) - 1)), draw(st.integers(0, len(lines) - 1))
        line = lines[here]
        match draw(st.sampled_from(["lose", "double", "swap", "value", "letter", "cut", "quantity"])):
            case "lose":
                lines[here] = ""
            case "double":
                lines[here] += "\n" + line
            case "swap":
                lines[here], lines[there] = lines[there], line
            case "value":
                lines[here] = line.partition("=")[0] + "= " + draw(SCRAPS)
            case "quantity":
                unit = draw(st.sampled_from(["hour", "mg", "ug", "ug/day", "mL", "kg", "parsec", "", "hour/kg", "µg"]))
                number = draw(st.sampled_from(["-1", "0", "7", "1e9", ".", "1..2", "٣"]))
                lines[here] = f'{line.partition("=")[0]}= "{number} {unit}"'
            case "letter":
                at = draw(st.integers(0, len(line)))
                lines[here] = line[:at] + draw(SCRAPS) + line[at + draw(st.integers(0, 3)) :]
            case "cut":
                lines = lines[: here + 1]
    return "\n".join(lines)


@settings(max_examples=150, deadline=None)
@given(slips())
def test_a_slip_is_a_study_or_a_study_error(text: str) -> None:
    try:
        assert parse_study(text, "slip.toml").digest
        return
    except StudyError as error:
        caught = error
    assert len(str(caught).splitlines()) <= SCREEN_LINES
    assert all(fault.do and fault.why for fault in caught.faults)  # type: ignore[attr-defined]


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=300))
def test_any_text_is_a_study_error(text: str) -> None:
    with pytest.raises(StudyError):
        parse_study(text, "text.toml")


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["study", "population", "assessment", "phase", "published", "patient", "case", "event", "x"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["name", "kind", "arm", "treatment", "at", "gate"]), inner, max_size=3
                )
            ),
            max_leaves=12,
        ),
    ),
    st.sampled_from(["trial", "case"]),
)
def test_any_tables_are_a_study_error(tables: dict[str, object], kind: str) -> None:
    from eutonia.study import studyfile
    from eutonia.study.design import CaseStudy, TrialStudy, _validated

    tables["study"] = {"kind": kind}
    with pytest.raises(StudyError):
        _validated({"trial": TrialStudy, "case": CaseStudy}[kind], tables, {}, "tables")
    assert studyfile.show(tables)
