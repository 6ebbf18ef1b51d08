"""TF1 Hub modules built by real TensorFlow 1.15, with the values they compute there."""
