"""Lowers ops that take functions to the nodes of their bodies and V1 control flow."""
