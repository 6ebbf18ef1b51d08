"""Is it the same model? Runs the TF1 graph and the converted model, and compares all they do."""
