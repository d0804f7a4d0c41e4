"""The body behind a recording: weight and height or shank length, from options or from the comments of the file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from eutonia import _bounds, _units
from eutonia._bounds import Bounds
from eutonia.errors import RecordingError, UnitError, nearest
from eutonia.inference.forward import Body
from eutonia.inference.recording import Recording, refuse
from eutonia.limb.joint import joint

#: What may be said of a body: kind of quantity, example, and from what to what.
_SAID: Mapping[str, tuple[str, str, Bounds]] = {
    "weight": ("weight", "71 kg", _bounds.BODY_WEIGHT),
    "height": ("stature", "175 cm", _bounds.STATURE),
    "shank_length": ("shank", "42 cm", _bounds.SHANK),
}


def body_of(recordings: Sequence[Recording], joint_name: str, options: Mapping[str, str | None]) -> Body:
    """Return joint and body of recordings of one person, as `options` or the files say them.

    Raises
    ------
    RecordingError
        Weight or length missing, without a unit, impossible, said twice, or different from file to file.
    """
    of = joint(joint_name)
    said = {key: value for key in _SAID if (value := _said(key, recordings, options)) is not None}
    name = recordings[0].name
    if "weight" not in said:
        raise _missing(recordings, "weight", "The torques of a limb go with body weight.")
    if "shank_length" in said and joint_name != "knee":
        why = f"The shank is beyond the knee, and this is the {joint_name}."
        raise refuse(name, "shank_length", "shank_length", why, "Give the height instead.")
    if {"shank_length", "height"} <= said.keys():
        given = f"shank_length {said['shank_length']:g} cm and height {said['height']:g} cm"
        raise refuse(name, "shank_length", given, "Each says how long the shank is.", "Leave one of them out.")
    if "shank_length" in said:
        stature = said["shank_length"] / 100.0 / of.segment_length
    elif "height" in said:
        stature = said["height"] / 100.0
    else:
        raise _missing(recordings, "height", "The inertia of a limb goes with its length.")
    return Body(of, said["weight"], stature)


def _said(key: str, recordings: Sequence[Recording], options: Mapping[str, str | None]) -> float | None:
    option = "--" + key.replace("_", "-")
    found = {r.name: _read(r.header[key], key, r.name) for r in recordings if key in r.header}
    if len(set(found.values())) > 1:
        given = ", ".join(f"{value:g}" for value in found.values())
        why = "The files differ, but a fit is of one person."
        raise refuse(next(iter(found)), key, given, why, "Fit the people one by one, or mend the header.")
    of_files = next(iter(found.values()), None)
    if (text := options.get(key)) is None:
        return of_files
    told = _read(text, key, f"the option {option}")
    if of_files is not None and of_files != told:
        given = f"{of_files:g}, and {told:g} by {option}"
        do = "Leave the option out, or correct the line of the file."
        raise refuse(next(iter(found)), key, given, "A body is said once, or twice alike.", do)
    return told


def size(text: str, key: str) -> float:
    """Return a size of a body: its "weight" in kg, its "height" or "shank_length" in cm.

    Raises
    ------
    UnitError
        No such quantity, or one that nobody has.
    """
    kind, _, within = _SAID[key]
    return _units.parse(text, kind, within=within)


def _read(text: str, key: str, where: str) -> float:
    try:
        return size(text, key)
    except UnitError as error:
        raise refuse(
            where, key, f'"{text}"', str(error), f'Write a number and its unit, such as "{_SAID[key][1]}".'
        ) from None


def _missing(recordings: Sequence[Recording], key: str, why: str) -> RecordingError:
    example = _SAID[key][1]
    near = [hit for r in recordings for hit in nearest(key, r.header)]
    hint = f' (there is "{near[0]}")' if near else ""
    words = "height and no shank_length" if key == "height" else key
    do = f'Add the line "# {key} = {example}" at the top, or the option --{key} "{example}".'
    return refuse(recordings[0].name, key, f"no {words}{hint}", why, do)
