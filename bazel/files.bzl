"""All files of a package, for the tests that read the tree."""

def package_files(include = ["**"]):
    """Declares `:files`, the files of the package, which `//tests:tree` lists.

    Args:
      include: Globs, where the folder holds what is no part of the project.
    """
    native.filegroup(
        name = "files",
        srcs = native.glob(include, exclude = ["**/*.pyc"]),
        visibility = ["//tests:__pkg__"],
    )
