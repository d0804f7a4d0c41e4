"""How many hours a day, a week, a month and a year have: the one home of these numbers."""

HOURS_A_DAY = 24.0
HOURS_A_WEEK = 7 * HOURS_A_DAY
HOURS_A_YEAR = 365.25 * HOURS_A_DAY
HOURS_A_MONTH = HOURS_A_YEAR / 12
