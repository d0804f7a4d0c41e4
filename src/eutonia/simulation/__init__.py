"""The only place where limb, tone and drug meet: slow clock, fast clock, people."""
