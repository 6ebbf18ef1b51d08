"""A process that ends well, and has answered nothing."""
