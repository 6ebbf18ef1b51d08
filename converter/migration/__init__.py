"""Many modules: a tree of TF1 modules becomes a tree of SavedModels, unattended."""
