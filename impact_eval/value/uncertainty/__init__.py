"""What is not known: draws of the totals, sensitivity, shares of variance, worth of information."""
