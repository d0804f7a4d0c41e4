"""Public names and their types; `__init__.py` imports each when it is first used."""

from eutonia.api.course import simulate as simulate
from eutonia.api.credibility import credibility as credibility
from eutonia.api.decision import decision as decision
from eutonia.api.examination import examine as examine
from eutonia.api.examination import score as score
from eutonia.api.exposure import expose as expose
from eutonia.api.fit import fit as fit
from eutonia.api.options import compare_options as compare_options
from eutonia.api.papers import papers as papers
from eutonia.api.power import power as power
from eutonia.api.pump import program as program
from eutonia.api.segment import examine_segment as examine_segment
from eutonia.api.sensitivity import sensitivity as sensitivity
from eutonia.api.study import compare as compare
from eutonia.api.study import run as run
from eutonia.api.sweep import sweep as sweep
from eutonia.drug.kinetics import Kinetics as Kinetics
from eutonia.drug.regimen import Infusion as Infusion
from eutonia.drug.regimen import IntrathecalDose as IntrathecalDose
from eutonia.drug.regimen import OralDose as OralDose
from eutonia.drug.regimen import Regimen as Regimen
from eutonia.errors import EutoniaError as EutoniaError
from eutonia.limb.joint import joint as joint
from eutonia.limb.joint import limb_with as limb_with
from eutonia.parameters import using as using
from eutonia.patient import Cohort as Cohort
from eutonia.patient import Lesion as Lesion
from eutonia.patient import Patient as Patient
from eutonia.patient import Population as Population
from eutonia.patient import cockcroft_gault as cockcroft_gault
from eutonia.patient import from_egfr as from_egfr
from eutonia.report.files import write as write
from eutonia.simulation.course import Snapshot as Snapshot
from eutonia.simulation.make_people import make_people as make_people
from eutonia.simulation.maneuver import PassiveStretch as PassiveStretch
from eutonia.simulation.maneuver import TendonTap as TendonTap
from eutonia.study.design import CaseStudy as CaseStudy
from eutonia.study.design import TrialStudy as TrialStudy
from eutonia.study.design import load_study as load_study
from eutonia.study.design import parse_study as parse_study
from eutonia.study.design import shipped as shipped
from eutonia.trial.examine_case import examine_case as examine_case

__version__: str
