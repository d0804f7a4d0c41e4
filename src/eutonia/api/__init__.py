"""The verbs of the command line in Python: each command calls its twin here, and prints or writes what comes back."""
