"""How far a run may be believed: risk, evidence, domain of validity and gaps, made from records, tests and papers."""
