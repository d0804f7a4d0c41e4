"""What the drug does in the body: products and regimens, kinetics, and the effect on the reflex."""
