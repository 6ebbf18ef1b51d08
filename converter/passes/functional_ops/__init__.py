"""Ops that take functions: their bodies as nodes, and V1 control flow around them."""
