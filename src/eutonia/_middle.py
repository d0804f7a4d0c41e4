"""The middle 95 % that every interval of a page, a table or a file means: the one home of its ends."""

TAIL = 0.025
MIDDLE_95 = (TAIL, 0.5, 1 - TAIL)
#: Standard errors from the middle of a normal distribution to either end: what scipy.stats.norm.ppf(1 - TAIL) gives.
Z_95 = 1.959963984540054
