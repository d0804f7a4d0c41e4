"""Who is ill, and where: a person, a lesion, the descending pathways that it leaves, and cohorts of them.

`Lesion` is one lesion, `Pathways` what it leaves, `Patient` one person, `Population` whom one may draw, `Cohort` many.
"""

from eutonia.patient.cohort import Cohort as Cohort
from eutonia.patient.conditions import CONDITIONS as CONDITIONS
from eutonia.patient.conditions import is_cord as is_cord
from eutonia.patient.conditions import label_origin as label_origin
from eutonia.patient.lesion import Lesion as Lesion
from eutonia.patient.lesions import Lesions as Lesions
from eutonia.patient.pathways import ARM as ARM
from eutonia.patient.pathways import LEG as LEG
from eutonia.patient.pathways import LIMBS as LIMBS
from eutonia.patient.pathways import PATHWAYS as PATHWAYS
from eutonia.patient.pathways import Pathways as Pathways
from eutonia.patient.patient import Patient as Patient
from eutonia.patient.patient import cockcroft_gault as cockcroft_gault
from eutonia.patient.patient import from_egfr as from_egfr
from eutonia.patient.places import SITES as SITES
from eutonia.patient.places import TERRITORIES as TERRITORIES
from eutonia.patient.population import MIXES as MIXES
from eutonia.patient.population import ORIGINS as ORIGINS
from eutonia.patient.population import LesionShare as LesionShare
from eutonia.patient.population import Population as Population
from eutonia.patient.population import lesion_mix as lesion_mix
from eutonia.patient.spread import LogNormal as LogNormal
from eutonia.patient.spread import TruncatedNormal as TruncatedNormal
