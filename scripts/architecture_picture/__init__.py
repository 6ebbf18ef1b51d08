"""Draws the folders of `converter` and the imports between them."""
