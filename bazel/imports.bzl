"""An aspect that holds Python targets to their `deps`.

Python itself looks at imports when it runs them, if at all. With this aspect (`.bazelrc` has it)
a build fails where a file imports what its target does not depend on. As visibility allows
dependencies in one direction only, that is the rule of the layers.
"""

# Tag of a target whose functions import what their callers depend on.
IMPORTS_WHEN_CALLED = "imports_when_called"

_KINDS = ["py_binary", "py_library", "py_test"]

_ImportableInfo = provider(
    doc = "What the dependents of a target may import.",
    fields = {"sources": "depset of Python files"},
)

def _check(ctx, sources, importable):
    stamp = ctx.actions.declare_file(ctx.label.name + ".imports_checked")
    arguments = ctx.actions.args()
    arguments.use_param_file("@%s", use_always = True)
    arguments.set_param_file_format("multiline")
    arguments.add(str(ctx.label), format = "--target=%s")
    arguments.add(stamp, format = "--stamp=%s")
    arguments.add_all(sources, format_each = "--source=%s")
    arguments.add_all(importable, format_each = "--importable=%s")

    # What a package's own file defines can be imported from it; of others, the name is enough.
    packages = [file for file in importable.to_list() if file.basename == "__init__.py"]
    ctx.actions.run(
        executable = ctx.executable._checker,
        arguments = [arguments],
        inputs = sources + packages,
        outputs = [stamp],
        mnemonic = "CheckImports",
        progress_message = "Checking the imports of %s" % ctx.label,
    )
    return stamp

def _python_files(ctx):
    return [file for file in getattr(ctx.rule.files, "srcs", []) if file.extension == "py"]

def _imports_check_impl(_target, ctx):
    if ctx.rule.kind not in _KINDS:
        return []
    deps = ctx.rule.attr.deps
    given = depset(transitive = [
        dep[_ImportableInfo].sources
        for dep in deps
        if _ImportableInfo in dep
    ])
    own = _python_files(ctx)
    stamps = []
    if own and IMPORTS_WHEN_CALLED not in ctx.rule.attr.tags:
        # What is in a library, too, is held to that library's dependencies.
        known = {file: None for file in given.to_list()}
        stamps = [_check(ctx, [file for file in own if file not in known], depset(own, transitive = [given]))]
    return [
        # A target without files of its own stands for its dependencies.
        _ImportableInfo(sources = depset(own) if own else given),
        OutputGroupInfo(imports_check = depset(stamps, transitive = [
            dep[OutputGroupInfo].imports_check
            for dep in deps
            if OutputGroupInfo in dep and hasattr(dep[OutputGroupInfo], "imports_check")
        ])),
    ]

imports_check = aspect(
    implementation = _imports_check_impl,
    doc = "Fails the build where a file imports what its target does not depend on.",
    attr_aspects = ["deps"],
    attrs = {
        "_checker": attr.label(
            default = Label("//bazel:check_imports"),
            cfg = "exec",
            executable = True,
        ),
    },
)
