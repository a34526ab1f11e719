"""Who answered and who is compared: survey designs, calibration, propensity, balance, bounds."""
