"""What the drug does: GABA-B receptors, tolerance, adverse effects."""
