"""How much one server gives to whoever asks: guard rails of the machine, not of the science."""

from __future__ import annotations

#: Bytes of one request, and of one study or table in it.
BODY, TEXT = 400_000, 200_000
#: Bytes of a request that brings files, of a lesion mask, and of all recordings of a fit.
UPLOAD, MASK, RECORDINGS = 2_500_000, 1_500_000, 2_000_000
#: Files of others that are kept beside those that a job still names.
OWN_FILES = 60
#: Jobs that wait or run, results that are kept, and bytes of one result.
WAITING, KEPT, RESULT = 20, 200, 64_000_000
#: Bytes of memory with which a process that computes is asked for another job.
WORKER = 2_000_000_000
#: Seconds that one job may take.
JOB_S = 600.0
#: Replicate trials, people of a trial, people of a pool, and days of a case or pump that one job may ask for.
REPLICATES, PEOPLE, POOL, DAYS = 200, 400, 65_536, 3653.0
#: Rows of a dosing table that is answered at once.
ROWS = 5_000
#: Days of a pump program that is answered at once.
PROGRAM_DAYS = 731.0
#: Cells of a spinal segment.
CELLS = 4_000
