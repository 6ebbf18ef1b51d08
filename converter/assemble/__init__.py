"""Graphs and variables to a live `tf.Module` with the interface of a reusable SavedModel."""
