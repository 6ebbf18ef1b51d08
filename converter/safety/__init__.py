"""What may be in a graph that TensorFlow is given, and how much it may take."""
