"""Figures: `data_for_x` turns results into a block that holds its data, `draw_x` draws that block."""
