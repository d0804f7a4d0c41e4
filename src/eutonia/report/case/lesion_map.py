"""The lesion of a person laid over the tracts, in three planes, with what it takes of each pathway."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from markupsafe import Markup

from eutonia.patient import LIMBS, PATHWAYS, Lesion, anatomy
from eutonia.patient.pathways import MONOAMINERGIC
from eutonia.report.drawing import plot, svg
from eutonia.report.words import Number

#: What is drawn of each pathway: bundle, words, colour.
_DRAWN = (
    ("corticospinal leg", "corticospinal, leg", "leg"),
    ("corticospinal arm", "corticospinal, arm", "limb-arm"),
    ("dorsal leg", "corticoreticular, leg", "brain"),
    ("dorsal arm", "corticoreticular, arm", "active"),
)
#: Ends of the brain, mm: left and right, rear and front, low and high.
_ENDS = ((-74.0, 74.0), (-108.0, 76.0), (-72.0, 82.0))
_PIXEL_MM = 1.0
_THREADS, _STEP = 9, 3  # threads drawn of a bundle, and every how many of their points
_HEAD, _LINE, _GAP = 40.0, 18.0, 18.0
_MM = 1e-9


@dataclass(frozen=True)
class Row:
    """One pathway to one limb: what is silent at onset and what is dead, in words."""

    what: str
    onset: str
    dead: str


@dataclass(frozen=True)
class LesionMap:
    """The section of a case's page about its lesion."""

    words: str
    figure: svg.Drawing
    rows: tuple[Row, ...]
    note: str


@dataclass(frozen=True)
class _Plane:
    """A cut: its name, which axes run across and up, along which it is cut, and what lies at either side."""

    name: str
    across: int
    up: int
    along: int
    sides: tuple[str, str] = ("left", "right")


_PLANES = (
    _Plane("Seen from above", 0, 1, 2),
    _Plane("Seen from behind", 0, 2, 1),
    _Plane("Seen from the side", 1, 2, 0, ("behind", "in front")),
)


def of(lesion: Lesion | None) -> LesionMap | None:
    """Return the section about a lesion of the brain; None for any other, which is no one piece to draw."""
    if lesion is None or not lesion.is_in_brain:
        return None
    left, dead = lesion.pathways.integrity(0.0)[..., 0], lesion.pathways.core_loss[..., 0]
    rows = tuple(
        Row(f"{PATHWAYS[k].capitalize()}, {limb}", f"{1.0 - left[k, i]:.0%}", f"{dead[k, i]:.0%}")
        for k in range(MONOAMINERGIC)
        for i, limb in enumerate(LIMBS)
    )
    title = "The lesion over the tracts, in three planes"
    words = _words(lesion)
    wide, narrow = (_draw(lesion, f"lesion-{end}", title, words, width) for end, width in (("w", 1000), ("n", 350)))
    return LesionMap(words, svg.Drawing(title, words, wide, narrow), rows, _note(lesion))


def _words(lesion: Lesion) -> str:
    kind = "An infarct" if lesion.kind == "ischaemic" else "A bleed"
    where = "the person's own mask" if lesion.mask is not None else lesion.place
    return (
        f"{kind} of {lesion.volume_mL:.3g} mL on the {lesion.side} of the brain ({where}), which moves the "
        f"{lesion.weak_side} side of the body. Full colour: the core. Pale: the rim around it, silent at first, "
        "of which part recovers. Lines: some of the tracts' threads; dashed are those that the lesion cuts."
    )


def _note(lesion: Lesion) -> str:
    note = (
        "The tracts are those of an average brain (tractography of 1,065 people; Yeh 2018), the territories those of "
        "an atlas of 1,298 strokes (Liu 2023). Shares are of the average brain; the possible people of this page "
        "differ by a few mm in where their tracts run. Tractography shows where fibres run, not how many there are."
    )
    if lesion.mask is None:
        return note
    other = "right" if lesion.side == "left" else "left"
    beside = lesion.mask.volume_on(other)
    told = f" Of the mask {beside:.3g} mL lie on the {other} and cut nothing here." if beside > _MM else ""
    return f"{note} Mask: {lesion.mask.name}, {lesion.mask.volume_mL:.3g} mL.{told}"


def _draw(lesion: Lesion, name: str, title: str, words: str, width: int) -> Markup:
    """Draw the three planes side by side, or one below the other where there is little room."""
    is_wide = width > 600
    spans = [(_ENDS[plane.across], _ENDS[plane.up]) for plane in _PLANES]
    across = [end - begin for (begin, end), _ in spans]
    scale = (width - 2 * _GAP) / sum(across) if is_wide else width / max(across)
    legend = _legend(width)
    top = _LINE * len(legend) + 8.0
    heights = [(up[1] - up[0]) * scale + _HEAD for _, up in spans]
    total = top + (max(heights) if is_wide else sum(heights) + 2 * _GAP)
    sheet = plot.Sheet(name, width, total, 12.0)
    for k, row in enumerate(legend):
        for x, word, token, dash in row:
            sheet.stroke(f"M{x:.1f} {10 + _LINE * k:.1f}h18", token, 3, dash)
            sheet.text(x + 24, 10 + _LINE * k, word, "muted", size=11)
    x = 0.0
    for plane, wide, height in zip(_PLANES, across, heights, strict=True):
        _plane(sheet, lesion, plane, x, top, scale)
        x, top = (x + wide * scale + _GAP, top) if is_wide else (x, top + height + _GAP)
    return sheet.finish(title, words)


def _legend(width: int) -> list[list[tuple[float, str, str, str]]]:
    """Return rows of the legend: place, words, colour and dash, as many in a row as there is room for."""
    entries = [(word, token, "solid") for _, word, token in _DRAWN] + [("cut by the lesion", "ink", "dashed")]
    rows: list[list[tuple[float, str, str, str]]] = [[]]
    x = 0.0
    for word, token, dash in entries:
        room = 24 + svg.wide(word, 11) + _GAP
        if rows[-1] and x + room > width:
            rows.append([])
            x = 0.0
        rows[-1].append((x, word, token, dash))
        x += room
    return rows


def _plane(sheet: plot.Sheet, lesion: Lesion, plane: _Plane, left: Number, top: Number, scale: Number) -> None:
    """Draw one plane through the middle of the lesion: brain, lesion with its rim, threads."""
    outward = 1.0 if lesion.side == "right" else -1.0
    turn = np.array([outward, 1.0, 1.0])
    middle = lesion.extent_at(np.zeros((3, 1))).middle * turn
    cut, axis = float(middle[plane.along]), "xyz"[plane.along]
    sheet.text(left, top + 8, plane.name, bold=True)
    sheet.text(left, top + 24, _at(plane, cut, axis), "muted", size=11)
    ends = (_ENDS[plane.across], _ENDS[plane.up])
    pixels = [np.arange(begin + _PIXEL_MM / 2, end, _PIXEL_MM) for begin, end in ends]
    points = np.empty((3, len(pixels[0]) * len(pixels[1])))
    grid = np.meshgrid(*pixels, indexing="ij")
    points[plane.across], points[plane.up], points[plane.along] = grid[0].ravel(), grid[1].ravel(), cut

    def place(x: Float[np.ndarray, " point"], y: Float[np.ndarray, " point"]) -> tuple[np.ndarray, np.ndarray]:
        return left + (x - ends[0][0]) * scale, top + _HEAD + (ends[1][1] - y) * scale

    def area(inside: Bool[np.ndarray, " pixel"], token: str, opacity: float) -> None:
        shape = inside.reshape(len(pixels[0]), len(pixels[1]))
        if path := _boxes(shape, pixels, place, _PIXEL_MM * scale):
            sheet.fill(path, token, opacity=opacity)

    area(_in_brain(points), "line", 0.35)
    extent = lesion.extent_at(points * turn[:, None])
    mine = np.ones(points.shape[1], dtype=bool) if lesion.mask is not None else points[0] * outward > 0.0
    area(mine & (extent.distance <= extent.rim_mm) & (extent.distance > 0.0), "does-not", 0.25)
    area(mine & (extent.distance <= 0.0), "does-not", 0.7)
    for course, token, is_cut in _threads(lesion, turn):
        x, y = place(course[plane.across], course[plane.up])
        path = "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in zip(x.tolist(), y.tolist(), strict=True))
        sheet.stroke(path, token, 1.3, "dashed" if is_cut else "solid", opacity=0.9)
    x, y = place(np.array(ends[0]), np.array([ends[1][0], ends[1][0]]))
    for k, (word, anchor) in enumerate(zip(plane.sides, ("start", "end"), strict=True)):
        sheet.text(float(x[k]), float(y[k]) - 8, word, "muted", size=11, anchor=anchor)


def _at(plane: _Plane, cut: float, axis: str) -> str:
    """Say where a plane cuts the brain."""
    sides = {"x": ("left", "right"), "y": ("behind", "in front"), "z": ("below", "above")}[axis]
    where = sides[int(cut > 0.0)]
    if axis == "x":
        return f"cut {abs(cut):.0f} mm {where} of the midline"
    return f"cut {abs(cut):.0f} mm {where} the anterior commissure".replace("in front the", "in front of the")


def _in_brain(points: Float[np.ndarray, "axis pixel"]) -> Bool[np.ndarray, " pixel"]:
    """Return which points lie in tissue or ventricles of the atlas."""
    volume, affine = anatomy.atlas()
    place = np.rint(np.linalg.inv(affine[:3, :3]) @ (points - affine[:3, 3:])).astype(int)
    inside = np.all((place >= 0) & (place < np.array(volume.shape)[:, None]), axis=0)
    inside[inside] = volume[tuple(place[:, inside])] > 0
    return np.asarray(inside)


def _boxes(
    inside: Bool[np.ndarray, "across up"],
    pixels: list[Float[np.ndarray, " _"]],
    place: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]],
    size: float,
) -> str:
    """Return the path of pixels: every run of a row one box."""
    padded = np.pad(inside, ((1, 1), (0, 0))).astype(np.int8)
    change = np.diff(padded, axis=0)
    row, begin = np.nonzero(change.T == 1)
    _, end = np.nonzero(change.T == -1)
    x, y = place(pixels[0][begin] - _PIXEL_MM / 2, pixels[1][row] + _PIXEL_MM / 2)
    long = (end - begin) * size
    return "".join(
        f"M{a:.1f} {b:.1f}h{w:.1f}v{size:.2f}h-{w:.1f}z" for a, b, w in zip(x.tolist(), y.tolist(), long, strict=True)
    )


def _threads(lesion: Lesion, turn: Float[np.ndarray, " axis"]) -> Iterator[tuple[np.ndarray, str, bool]]:
    """Yield some threads of each bundle, their colour, and whether the lesion cuts them."""
    threads = anatomy.threads()
    near = np.minimum.reduceat(lesion.extent_at(threads.points).distance, threads.starts)
    ends = np.append(threads.starts[1:], threads.points.shape[1])
    for bundle, _, token in _DRAWN:
        mine = np.flatnonzero(threads.bundle == anatomy.BUNDLES.index(bundle))
        for thread in mine[np.linspace(0, len(mine) - 1, _THREADS).astype(int)]:
            course = threads.points[:, threads.starts[thread] : ends[thread] : _STEP] * turn[:, None]
            yield course, token, bool(near[thread] <= 0.0)
