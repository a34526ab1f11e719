"""Floor 0 and a half: numerical kernels, arrays in and frozen records out."""
