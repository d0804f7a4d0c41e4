"""Study files, recruitment, conduct and analysis of virtual trials and cases."""
