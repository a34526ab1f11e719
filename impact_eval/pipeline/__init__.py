"""Floor 5: study file, run steps, results, notebooks, exporters, verification."""
