"""The places of a stroke: arterial territories and sites of bleeding, and what a clinic calls them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

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
    "ica": ("M1 trunk", "ACA"),
    "internal carotid artery": ("M1 trunk", "ACA"),
    "carotid": ("M1 trunk", "ACA"),
    "lacunar": ("lenticulostriate", "anterior choroidal", "basilar/pontine"),
    "lacune": ("lenticulostriate", "anterior choroidal", "basilar/pontine"),
    "vertebral": ("medullary", "basilar/pontine"),
    "vertebral artery": ("medullary", "basilar/pontine"),
    "vertebrobasilar": ("basilar/pontine", "medullary"),
    "pica": ("medullary",),
    "brainstem": ("basilar/pontine", "medullary"),
    "basal ganglia": ("putaminal", "lenticulostriate"),
    "deep": ("putaminal", "thalamic", "internal capsule"),
}


def everyday() -> Mapping[str, str]:
    """Return the place of a lesion that each everyday name of a territory means, in small letters."""
    return {name: place for place, names in _TERRITORY.items() for name in (place.casefold(), *names)}


def everyday_sites() -> Mapping[str, str]:
    """Return the site of bleeding that each everyday name means, in small letters."""
    return {name: place for place, names in _SITE.items() for name in (place.casefold(), *names)}


def everyday_of(allowed: Iterable[str]) -> Mapping[str, str]:
    """Return the everyday names of territories or of sites; of other names their own, in small letters."""
    names = tuple(allowed)
    own = everyday() if names == TERRITORIES else everyday_sites() if names == SITES else {}
    return {**{name.casefold(): name for name in names}, **own}
