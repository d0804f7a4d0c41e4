"""Clinical scales: from findings to the scores that a rater charts."""
