"""What the ops of a module can do, which may reach TensorFlow, and how much they may take."""
