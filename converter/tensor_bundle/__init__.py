"""TensorFlow's checkpoint format, TensorBundle: reads and writes it."""
