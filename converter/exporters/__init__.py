"""Further formats: a signature of a converted module is exported, and then compared."""
