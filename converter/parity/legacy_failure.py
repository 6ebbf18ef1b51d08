"""The failures of runs of the TF1 graph."""


class LegacyFailure(Exception):  # noqa: N818 - an answer to the caller, not an error of the module
    """The TF1 graph does not run with the inputs given."""


class UnrepeatableError(LegacyFailure):
    """The TF1 graph draws numbers that no other graph can draw, whatever the inputs."""
