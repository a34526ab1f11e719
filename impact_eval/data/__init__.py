"""Floor 1: reading, checking, the sample, disclosure."""
