"""Any dosing, exactly: linear kinetics in closed form over tables of doses and observations.

Rules of the records are in `timeline`, equations in `system` and (spinal fluid) `line`, models in `models`.
"""

from eutonia.drug.exposure.engine import Simulated as Simulated
from eutonia.drug.exposure.engine import simulate as simulate
from eutonia.drug.exposure.models import DEFAULT as DEFAULT
from eutonia.drug.exposure.models import KineticModel as KineticModel
from eutonia.drug.exposure.models import ModelQuantity as ModelQuantity
from eutonia.drug.exposure.models import model as model
from eutonia.drug.exposure.models import names as names
from eutonia.drug.exposure.profile import Profile as Profile
from eutonia.drug.exposure.records import Records as Records
