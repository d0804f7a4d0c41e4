"""Statistics of trials as pure functions on arrays: no people, no drug, no files."""
