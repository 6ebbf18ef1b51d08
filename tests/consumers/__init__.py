"""Families of modules in every consumer of SavedModels: the cells of docs/consumers.md."""
