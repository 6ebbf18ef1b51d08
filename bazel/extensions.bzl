"""The module extension of MODULE.bazel."""

load("//bazel:python_environment.bzl", _environment = "python_environment")

def _python_environment_impl(_module_ctx):
    _environment(name = "tf1hub_python")

python_environment = module_extension(
    implementation = _python_environment_impl,
    doc = "Declares `@tf1hub_python`, the Python environment that has TensorFlow.",
)
