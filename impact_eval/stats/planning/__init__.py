"""Before the study: power, roll-outs, public draws."""
