"""Speed, as a ratio to the fastest peer in the same run. `python -m benchmarks` writes the page."""
