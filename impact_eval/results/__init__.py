"""Floor 4: the typed record of a study, strict to the leaf, and the gate that it passes."""
