"""Figures: `data_for_x` makes a block that holds its data, `draw_x` draws that block."""
