"""The files of the project, for the tests, which read all of it."""

# buildifier: disable=unnamed-macro
def project_files(include = ["**"]):
    """Declares `:files`, the files of the package that match the globs `include`."""
    native.filegroup(
        name = "files",
        srcs = native.glob(include, exclude = ["**/*.pyc"]),
        visibility = ["//tests:__pkg__"],
    )
