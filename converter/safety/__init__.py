"""What the ops of a module can do to the machine that runs them, and which may reach TensorFlow."""
