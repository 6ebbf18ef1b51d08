"""TensorFlow's checkpoint format, read and written; nothing of hub."""
