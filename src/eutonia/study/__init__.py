"""Study files: what a trial or a case may say, checked before anything runs, with errors that teach."""
