"""Floor 4: words, tables, figures. No statistics are computed here."""
