"""The story for survivors and students: one page that computes what the model computes."""
