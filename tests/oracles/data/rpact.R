# Group-sequential trials by rpact, as CSV: what tests/oracles/test_rpact.py holds ours against. `nox -s rpact` runs it.
# Two groups of a normal endpoint, difference half a standard deviation, 120 people at most; 0.025 on one side.
suppressMessages(library(rpact))
cat("spending,information,look,boundary,level,stops,expected_people,inflation\n")
for (spending in c("asOF", "asP")) {
  for (information in list(c(0.5, 0.75, 1), c(0.33, 0.67, 1), c(0.5, 1), c(0.2, 0.4, 0.6, 0.8, 1))) {
    rule <- getDesignGroupSequential(kMax = length(information), alpha = 0.025, beta = 0.1, sided = 1,
      informationRates = information, typeOfDesign = spending)
    power <- getPowerMeans(rule, groups = 2, alternative = 0.5, stDev = 1, maxNumberOfSubjects = 120,
      normalApproximation = TRUE)
    for (look in seq_along(information)) {
      cat(spending, paste(information, collapse = " "), look,
        format(rule$criticalValues[look], digits = 12), format(rule$stageLevels[look], digits = 12),
        format(as.vector(power$rejectPerStage)[look], digits = 12),
        format(power$expectedNumberOfSubjects, digits = 12),
        format(getDesignCharacteristics(rule)$inflationFactor, digits = 12), sep = ",")
      cat("\n")
    }
  }
}
