"""Mutation testing: small faults put into the code, one at a time, which some test has to find."""
