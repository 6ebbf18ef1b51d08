"""Many modules: a tree of TF1 modules becomes a tree of SavedModels, unattended.

The folder is not called `migrate`: importing a submodule of that name would put it in the place
of the function `converter.migrate`.
"""
