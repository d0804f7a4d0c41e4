"""Analysis data sets as files: Parquet, CSV, Dataset-JSON 1.1, SAS transport, and Define-XML beside them."""

from __future__ import annotations

import datetime
import importlib.util
import json
import os
import xml.etree.ElementTree as Xml
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from eutonia import _writing
from eutonia._arguments import PATH, accepts
from eutonia._delimited import safe_table
from eutonia.errors import DatasetError, unknown
from eutonia.exchange.adam import AnalysisSet, AnalysisSets, Variable, read_result

_DEFINE, _RECORD = "define.xml", "run.json"
_ODM, _DEF, _XLINK = (
    "http://www.cdisc.org/ns/odm/v1.3",
    "http://www.cdisc.org/ns/def/v2.1",
    "http://www.w3.org/1999/xlink",
)
_NAMES = ("ADSL", "ADQS", "ADAE")
_MOST_TEXT = 200  # bytes of a text in SAS transport 5


@accepts(result=PATH, folder=PATH)
def write_adam(
    result: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    *,
    kinds: Sequence[str] = ("parquet",),
) -> Path:
    """Write the analysis data sets of a result folder for other programs, whole or not at all.

    Parameters
    ----------
    result : path
        What `eutonia run` has written of a trial.
    folder : path
        Where the files go: adsl, adqs and adae of each kind, define.xml, and a record.
    kinds : sequence of str
        "parquet", "csv", "json" (Dataset-JSON 1.1) and "xpt" (SAS transport 5, which the extra `cdisc` writes).

    Returns
    -------
    path
        The folder.

    Raises
    ------
    DatasetError
        No result of a trial, an unknown kind, or an extra that is not installed.
    """
    kinds = tuple(dict.fromkeys(str(kind).strip() for kind in ((kinds,) if isinstance(kinds, str) else kinds)))
    if not kinds:
        raise DatasetError(f"Given: no kind of file. Allowed: {', '.join(KINDS)}. Nearest: parquet. Name one of them.")
    for kind in kinds:
        if kind not in KINDS:
            raise DatasetError(unknown("kind of file", kind, KINDS, "Name one of them."))
    if "xpt" in kinds and importlib.util.find_spec("pyreadstat") is None:
        raise DatasetError(
            'SAS transport needs pyreadstat, which is not installed. Allowed: pip install "eutonia[cdisc]". Nearest: '
            "--as json, Dataset-JSON 1.1, which needs nothing. Install it, or take another kind."
        )
    sets = read_result(result)
    created = datetime.datetime.fromtimestamp((Path(result) / "run.json").stat().st_mtime, datetime.UTC)
    names = [f"{name.lower()}.{kind}" for name in _NAMES for kind in KINDS]

    def fill(draft: Path) -> None:
        for one in sets.sets:
            for kind in kinds:
                KINDS[kind](one, sets, created, draft / f"{one.name.lower()}.{kind}")
        (draft / _DEFINE).write_bytes(define_xml(sets, created, kinds[0]))
        made = sorted({*(file.name for file in draft.iterdir()), _RECORD})
        record = {"program": _writing.PROGRAM, "kind": "adam", "study": sets.study, "version": sets.version}
        (draft / _RECORD).write_text(json.dumps({**record, "files": made}, indent=2) + "\n", encoding="utf-8")

    return _writing.write_folder(folder, (*names, _DEFINE, _RECORD), fill)


def _parquet(one: AnalysisSet, _: AnalysisSets, __: datetime.datetime, file: Path) -> None:
    labels = json.dumps({variable.name: variable.label for variable in one.variables})
    one.table.write_parquet(file, compression="zstd", metadata={"label": one.label, "labels": labels})


def _csv(one: AnalysisSet, _: AnalysisSets, __: datetime.datetime, file: Path) -> None:
    safe_table(one.table).write_csv(file)


def _json(one: AnalysisSet, sets: AnalysisSets, created: datetime.datetime, file: Path) -> None:
    """Write Dataset-JSON 1.1: what the columns are, then the rows as lists."""
    about = {
        "datasetJSONCreationDateTime": _stamp(created),
        "datasetJSONVersion": "1.1.0",
        "fileOID": f"eutonia.{sets.study}.{one.name}",
        "originator": "Eutonia",
        "sourceSystem": {"name": "Eutonia", "version": sets.version},
        "studyOID": f"STUDY.{sets.study}",
        "metaDataVersionOID": "MDV.1",
        "metaDataRef": _DEFINE,
        "itemGroupOID": f"IG.{one.name}",
        "records": one.table.height,
        "name": one.name,
        "label": one.label,
        "columns": [_column(one, variable) for variable in one.variables],
    }
    head = json.dumps(about, indent=1, ensure_ascii=False)[:-2]
    with file.open("w", encoding="utf-8") as made:
        made.write(f'{head},\n "rows": [')
        for k, row in enumerate(one.table.iter_rows()):
            made.write(("," if k else "") + "\n  " + json.dumps(row, ensure_ascii=False, allow_nan=False))
        made.write("\n ]\n}\n")


def _column(one: AnalysisSet, variable: Variable) -> dict[str, Any]:
    kinds = {"text": "string", "integer": "integer", "float": "float"}
    found: dict[str, Any] = {
        "itemOID": f"IT.{one.name}.{variable.name}",
        "name": variable.name,
        "label": variable.label,
        "dataType": kinds[variable.kind],
    }
    if variable.kind == "text":
        found["length"] = _length(one.table, variable.name)
    if variable.name in one.keys:
        found["keySequence"] = one.keys.index(variable.name) + 1
    return found


def _xpt(one: AnalysisSet, _: AnalysisSets, __: datetime.datetime, file: Path) -> None:
    """Write SAS transport 5; a text that it cannot hold is refused, never cut."""
    import pyreadstat

    long = [
        variable.name
        for variable in one.variables
        if variable.kind == "text" and _length(one.table, variable.name) > _MOST_TEXT
    ]
    if long:
        raise DatasetError(
            f"{', '.join(long)} of {one.name} holds texts of more than {_MOST_TEXT} bytes, which SAS transport cannot "
            "hold. Allowed: shorter names of arms, phases and visits. Nearest: --as json. Take that, or shorten them."
        )
    pyreadstat.write_xport(
        one.table,
        str(file),
        file_label=one.label,
        column_labels=[variable.label for variable in one.variables],
        table_name=one.name,
        file_format_version=5,
    )


Write = Callable[[AnalysisSet, AnalysisSets, datetime.datetime, Path], None]
#: The kinds of files, by their ending.
KINDS: Mapping[str, Write] = {"parquet": _parquet, "csv": _csv, "json": _json, "xpt": _xpt}


def define_xml(sets: AnalysisSets, created: datetime.datetime, kind: str) -> bytes:
    """Return Define-XML 2.1: what each data set and each of its variables is; `kind` is that of the files it names."""
    for prefix, space in (("", _ODM), ("def", _DEF), ("xlink", _XLINK)):
        Xml.register_namespace(prefix, space)
    root = Xml.Element(
        _odm("ODM"),
        {
            "ODMVersion": "1.3.2",
            "FileType": "Snapshot",
            "FileOID": f"eutonia.{sets.study}.define",
            "CreationDateTime": _stamp(created),
            "SourceSystem": "Eutonia",
            "SourceSystemVersion": sets.version,
            _def("Context"): "Other",
        },
    )
    study = Xml.SubElement(root, _odm("Study"), {"OID": f"STUDY.{sets.study}"})
    told = Xml.SubElement(study, _odm("GlobalVariables"))
    for name, text in (("StudyName", sets.study), ("StudyDescription", sets.title), ("ProtocolName", sets.study)):
        Xml.SubElement(told, _odm(name)).text = text
    version = {"OID": "MDV.1", "Name": f"{sets.study}, simulated", _def("DefineVersion"): "2.1.0"}
    meta = Xml.SubElement(study, _odm("MetaDataVersion"), version)
    standards = Xml.SubElement(meta, _def("Standards"))
    standard = {"OID": "STD.1", "Name": "ADaMIG", "Type": "IG", "Version": "1.3", "Status": "Final"}
    Xml.SubElement(standards, _def("Standard"), standard)
    for one in sets.sets:
        _item_group(meta, one, kind)
    for one in sets.sets:
        for variable in one.variables:
            _item(meta, one, variable)
    Xml.indent(root)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + Xml.tostring(root, encoding="utf-8") + b"\n"


def _item_group(meta: Xml.Element, one: AnalysisSet, kind: str) -> None:
    group = Xml.SubElement(
        meta,
        _odm("ItemGroupDef"),
        {
            "OID": f"IG.{one.name}",
            "Name": one.name,
            "SASDatasetName": one.name,
            "Repeating": "No" if one.name == "ADSL" else "Yes",
            "IsReferenceData": "No",
            "Purpose": "Analysis",
            _def("Structure"): f"One record per {', '.join(one.keys)}",
            _def("StandardOID"): "STD.1",
            _def("ArchiveLocationID"): f"LF.{one.name}",
        },
    )
    _words(group, one.label)
    for place, variable in enumerate(one.variables, 1):
        given = {"ItemOID": f"IT.{one.name}.{variable.name}", "OrderNumber": str(place), "Mandatory": "No"}
        if variable.name in one.keys:
            given |= {"Mandatory": "Yes", "KeySequence": str(one.keys.index(variable.name) + 1)}
        Xml.SubElement(group, _odm("ItemRef"), given)
    Xml.SubElement(group, _def("Class"), {"Name": one.of_class})
    file = f"{one.name.lower()}.{kind}"
    leaf = Xml.SubElement(group, _def("leaf"), {"ID": f"LF.{one.name}", f"{{{_XLINK}}}href": file})
    Xml.SubElement(leaf, _def("title")).text = file


def _item(meta: Xml.Element, one: AnalysisSet, variable: Variable) -> None:
    given = {
        "OID": f"IT.{one.name}.{variable.name}",
        "Name": variable.name,
        "SASFieldName": variable.name,
        "DataType": variable.kind,
    }
    if variable.kind != "float":
        given["Length"] = str(_length(one.table, variable.name))
    item = Xml.SubElement(meta, _odm("ItemDef"), given)
    _words(item, variable.label)
    Xml.SubElement(item, _def("Origin"), {"Type": variable.origin, "Source": "Sponsor"})


def _words(of: Xml.Element, text: str) -> None:
    described = Xml.SubElement(of, _odm("Description"))
    Xml.SubElement(described, _odm("TranslatedText"), {"{http://www.w3.org/XML/1998/namespace}lang": "en"}).text = text


def _odm(name: str) -> str:
    return f"{{{_ODM}}}{name}"


def _def(name: str) -> str:
    return f"{{{_DEF}}}{name}"


def _length(table: pl.DataFrame, name: str) -> int:
    return max(table[name].cast(pl.String).str.len_bytes().drop_nulls().to_list(), default=1) or 1


def _stamp(when: datetime.datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%S+00:00")
