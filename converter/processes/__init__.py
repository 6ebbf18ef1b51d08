"""Python processes: how they are started, ended and set up."""
