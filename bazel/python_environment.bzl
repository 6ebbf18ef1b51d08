"""The Python that has TensorFlow, as a repository.

TensorFlow comes from a Python environment, not from Bazel. That environment is, in this order,
the interpreter that the variable PYTHON_BIN_PATH names, the folder `.venv` of the workspace,
and `python3` of the PATH. The repository has

- `//toolchain`, a Python toolchain of that interpreter;
- `//:expect_tensorflow_installed`, a library for whatever imports TensorFlow. The versions of
  what the converter needs are among its files: another TensorFlow makes other results, so it has
  to make other cache keys.
- `//:expect_test_packages_installed`, the same for tests.
"""

_PACKAGES = ["absl-py", "cramjam", "crc32c", "jinja2", "msgspec", "numpy", "protobuf", "psutil", "rich", "tensorflow"]
_TEST_PACKAGES = ["distributed", "hypothesis", "keras", "ml-dtypes", "pytest", "setuptools", "tensorflow-hub", "tf-keras"]

_TOOLCHAIN_BUILD = """\
load("@rules_python//python:py_runtime.bzl", "py_runtime")
load("@rules_python//python:py_runtime_pair.bzl", "py_runtime_pair")

py_runtime(
    name = "runtime",
    interpreter_path = {interpreter},
    python_version = "PY3",
    stub_shebang = {shebang},
)

py_runtime_pair(
    name = "runtime_pair",
    py3_runtime = ":runtime",
)

toolchain(
    name = "toolchain",
    toolchain = ":runtime_pair",
    toolchain_type = "@bazel_tools//tools/python:toolchain_type",
)
"""

_BUILD = """\
load("@rules_python//python:py_library.bzl", "py_library")

package(default_visibility = ["//visibility:public"])

py_library(
    name = "expect_tensorflow_installed",
    data = ["versions.txt"],
)

py_library(
    name = "expect_test_packages_installed",
    data = ["test_versions.txt"],
    deps = [":expect_tensorflow_installed"],
)
"""

def _workspace_root(repository_ctx):
    if hasattr(repository_ctx, "workspace_root"):
        return str(repository_ctx.workspace_root)

    # Before Bazel 6.
    return str(repository_ctx.path(Label("@//:WORKSPACE")).dirname)

def _find_python(repository_ctx):
    local = repository_ctx.path(_workspace_root(repository_ctx) + "/.venv/bin/python")
    default = local if local.exists else repository_ctx.which("python3")
    python = repository_ctx.os.environ.get("PYTHON_BIN_PATH") or default
    if not python:
        fail("there is no Python: set PYTHON_BIN_PATH to an interpreter that has TensorFlow")
    return str(python)

def _describe(repository_ctx, python, packages):
    script = repository_ctx.path(Label("//bazel:describe_environment.py"))
    result = repository_ctx.execute([python, script] + packages)
    if result.return_code:
        fail("{} cannot be run as a Python (PYTHON_BIN_PATH chooses another): {}".format(
            python,
            result.stderr or result.stdout,
        ))
    return json.decode(result.stdout)

def _python_environment_impl(repository_ctx):
    python = _find_python(repository_ctx)
    packages = _PACKAGES + repository_ctx.attr.packages
    environment = _describe(repository_ctx, python, packages)
    test_environment = _describe(repository_ctx, python, _TEST_PACKAGES)
    repository_ctx.file("toolchain/BUILD", _TOOLCHAIN_BUILD.format(
        interpreter = repr(environment["interpreter"]),
        # Bazel 4 looks for `python`, which Debian does not have.
        shebang = repr("#!" + environment["interpreter"]),
    ))
    missing = "{} lacks {}: install them there, or set PYTHON_BIN_PATH, then run `bazel shutdown`".format(
        environment["interpreter"],
        ", ".join(environment["missing"]),
    )

    # Only what needs TensorFlow fails: others may use the toolchain, too.
    build = "fail({})\n".format(repr(missing)) if environment["missing"] else _BUILD
    repository_ctx.file("BUILD", build)
    repository_ctx.file("versions.txt", "\n".join(environment["versions"]) + "\n")
    repository_ctx.file("test_versions.txt", "\n".join(test_environment["versions"]) + "\n")

python_environment = repository_rule(
    implementation = _python_environment_impl,
    doc = "The Python that has TensorFlow.",
    attrs = {
        "packages": attr.string_list(
            doc = "More packages whose versions count, such as those of `import_ops`.",
        ),
    },
    configure = True,
    environ = ["PYTHON_BIN_PATH"],
    local = True,
)
