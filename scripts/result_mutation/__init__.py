"""Mutation testing of `tf1hub verify`: it must find every wrong result that a user could notice."""
