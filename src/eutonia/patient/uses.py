"""What baclofen is taken for besides spasticity: exposure and tolerability only, for no mechanism here leads further.

Who takes it for one of these has no lesion and no tone here. What trials of it found is quoted, and never predicted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Use:
    """A use: why no effect is predicted, as sentences, and which records of the set `other_uses` quote its trials.

    `tried` is the record of that set with the largest dose a day that its trials gave, above the label's;
    `is_child` whether it is of children, who have kinetics of their own and grow.
    """

    why: str
    quoted: tuple[str, ...] = ()
    tried: str = ""
    is_child: bool = False


_ONLY = "Only levels and the risk of drowsiness are shown."
USES: Mapping[str, Use] = MappingProxyType(
    {
        "Parkinson's disease": Use(
            "Rigidity in Parkinson's disease is no stretch reflex that has lost its damping: it does not grow with "
            "the speed of a stretch, and comes by long loops through the brain, which are not modelled. The label of "
            f"the tablets calls their efficacy in it not established. No effect on it is predicted. {_ONLY}"
        ),
        "alcohol use disorder": Use(
            "Nothing here leads from a level of baclofen to craving or drinking. No effect on either is predicted; "
            f"what trials found is quoted. {_ONLY}",
            (
                "alcohol_abstinence",
                "alcohol_abstinence_placebo",
                "alcohol_abstinence_odds_ratio",
                "alcohol_drinks_less_low_dose",
                "alcohol_drinks_less_high_dose",
            ),
            tried="alcohol_target_dose",
        ),
        "autism": Use(
            "Nothing here leads from a level of baclofen to behaviour, and trials were of arbaclofen, the enantiomer "
            "that acts: half of a dose of baclofen. Their primary outcome was not better than on placebo (fragile X "
            "syndrome); an open study of 32 people with autism, with nothing beside it, saw less irritability in eight "
            f"weeks, and agitation as its commonest harm (Arbaclofen_autism). No effect is predicted. {_ONLY}",
            ("autism_sedation", "autism_headache"),
        ),
        "cerebral palsy": Use(
            "The model of tone is of adults: limbs, growth of bone and the first years are not in it, so that no "
            f"tone of a child is predicted. Levels follow the weight. {_ONLY} Shares are those of adults.",
            is_child=True,
        ),
    }
)
