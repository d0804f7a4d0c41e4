"""The drawing board: one look, strip charts, scales of panels."""
