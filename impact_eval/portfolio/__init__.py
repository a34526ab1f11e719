"""Floor 4: several studies read together, from their `results.json` files alone."""
