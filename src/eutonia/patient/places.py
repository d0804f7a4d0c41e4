"""The places of a stroke: arterial territories and sites of bleeding, and what a clinic calls them.

Ours stand here, with their numbers in the set `lesion`. Other packages bring more in sets `lesion_NAME`: vectors of the
same names, `site_lateral` and so on, whose axes name the places.
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Mapping

from eutonia import parameters
from eutonia.errors import ParameterError

TERRITORIES = (
    "M1 trunk",
    "M2 superior",
    "M2 inferior",
    "lenticulostriate",
    "anterior choroidal",
    "ACA",
    "PCA/thalamic",
    "basilar/pontine",
    "medullary",
)
SITES = ("putaminal", "thalamic", "internal capsule", "lobar", "pontine", "cerebellar")

# Names that mean one territory, in small letters. The whole of the middle cerebral artery is what its trunk feeds.
_TERRITORY: Mapping[str, tuple[str, ...]] = {
    "M1 trunk": (
        "mca",
        "m1",
        "middle cerebral artery",
        "middle cerebral",
        "mca trunk",
        "mca m1",
        "whole mca",
        "m1 mca",
    ),
    "M2 superior": ("mca superior", "superior mca", "superior division", "m2 upper", "superior division of mca"),
    "M2 inferior": ("mca inferior", "inferior mca", "inferior division", "m2 lower", "inferior division of mca"),
    "lenticulostriate": ("lenticulostriate arteries", "lsa", "striatocapsular", "lenticulo-striate"),
    "anterior choroidal": ("anterior choroidal artery", "acha", "acho"),
    "ACA": ("anterior cerebral artery", "anterior cerebral", "a1", "a2"),
    "PCA/thalamic": ("pca", "posterior cerebral artery", "posterior cerebral", "thalamic", "thalamus"),
    "basilar/pontine": ("basilar", "basilar artery", "pontine", "pons"),
    "medullary": ("medulla", "medulla oblongata"),
}
_SITE: Mapping[str, tuple[str, ...]] = {
    "putaminal": ("putamen",),
    "thalamic": ("thalamus",),
    "internal capsule": ("capsule", "capsular", "internal capsular"),
    "lobar": ("lobe", "cortical", "subcortical"),
    "pontine": ("pons",),
    "cerebellar": ("cerebellum",),
}
# Names that may mean more than one: they are answered, never guessed.
SEVERAL: Mapping[str, tuple[str, ...]] = {
    "m2": ("M2 superior", "M2 inferior"),
    **dict.fromkeys(("ica", "internal carotid artery", "internal carotid", "carotid", "taci"), ("M1 trunk", "ACA")),
    "poci": ("PCA/thalamic", "basilar/pontine"),
    "paci": ("M2 superior", "M2 inferior", "ACA"),
    **dict.fromkeys(("laci", "lacunar", "lacune"), ("lenticulostriate", "anterior choroidal", "basilar/pontine")),
    **dict.fromkeys(("vertebral", "vertebral artery"), ("medullary", "basilar/pontine")),
    "vertebrobasilar": ("basilar/pontine", "medullary"),
    "pica": ("medullary",),
    **dict.fromkeys(("brainstem", "brain stem"), ("basilar/pontine", "medullary", "pontine")),
    **dict.fromkeys(("basal ganglia", "bg", "striatum", "lentiform"), ("putaminal", "lenticulostriate")),
    "deep": ("putaminal", "thalamic", "internal capsule"),
}


# What the records say of a place of each sort.
_TOLD: Mapping[str, tuple[str, ...]] = {
    "territory": ("lateral", "anterior", "height", "volume"),
    "site": ("lateral", "anterior", "height", "reach"),
}


def territories() -> tuple[str, ...]:
    """Return every arterial territory, ours first."""
    return (*TERRITORIES, *(place for place, (sort, _) in others().items() if sort == "territory"))


def sites() -> tuple[str, ...]:
    """Return every site of bleeding, ours first."""
    return (*SITES, *(place for place, (sort, _) in others().items() if sort == "site"))


def places() -> tuple[str, ...]:
    """Return every place: our territories and sites, then those that others bring."""
    return (*TERRITORIES, *SITES, *others())


@parameters.remembered
def others() -> Mapping[str, tuple[str, str]]:
    """Return the places that others bring: of which sort each is, and in which set its numbers stand.

    Raises
    ------
    ParameterError
        A name that is taken, or a place of which a number is missing.
    """
    found: dict[str, tuple[str, str]] = {}
    for home in parameters.sets("lesion"):
        axes = {record.name: record.axis for record in parameters.load(home).records()}
        for sort, told in _TOLD.items():
            for place in dict.fromkeys(label for what in told for label in axes.get(f"{sort}_{what}", ())):
                if missing := [f"{sort}_{what}" for what in told if place not in axes.get(f"{sort}_{what}", ())]:
                    raise ParameterError(
                        f'{home}.toml says too little of "{place}". Allowed: its name on the axis of '
                        f"{', '.join(f'{sort}_{what}' for what in told)}. Add it to {', '.join(missing)}."
                    )
                if place in found or place in (*TERRITORIES, *SITES):
                    raise ParameterError(
                        f'{home}.toml: there is a place "{place}" already. Allowed: each name once. Give it another.'
                    )
                found[place] = (sort, home)
    return found


def numbers(quantity: str, unit: str, used: Container[str]) -> list[float]:
    """Return a number of every place, in the order of `places`; of those that others bring, only where it is used."""
    ours = parameters.load("lesion")
    found: list[float] = []
    for sort, names in (("territory", TERRITORIES), ("site", SITES)):
        is_told = quantity in (("volume",) if sort == "territory" else _TOLD[sort])  # our territories are an atlas's
        found += ours.along(f"{sort}_{quantity}", unit, names) if is_told else [0.0] * len(names)
    for place, (sort, home) in others().items():
        is_told = quantity in _TOLD[sort] and place in used
        found += parameters.load(home).along(f"{sort}_{quantity}", unit, [place]) if is_told else [math.nan]
    return found


def everyday() -> Mapping[str, str]:
    """Return the place of a lesion that each everyday name of a territory means, in small letters."""
    return {name: place for place in territories() for name in (place.casefold(), *_TERRITORY.get(place, ()))}


def everyday_sites() -> Mapping[str, str]:
    """Return the site of bleeding that each everyday name means, in small letters."""
    return {name: place for place in sites() for name in (place.casefold(), *_SITE.get(place, ()))}


def everyday_of(allowed: Iterable[str]) -> Mapping[str, str]:
    """Return the everyday names of territories or of sites; of other names their own, in small letters."""
    names = tuple(allowed)
    own = everyday() if names == territories() else everyday_sites() if names == sites() else {}
    return {**{name.casefold(): name for name in names}, **own}
