"""Units followed over time: differences in differences, synthetic controls, honest bounds."""
