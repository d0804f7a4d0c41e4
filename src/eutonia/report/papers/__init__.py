"""Published results beside predictions: criteria, baselines, verdicts, tables, and what moved since the last build."""
