"""TF1 Hub modules as build targets: converted in the sandbox, cached, and tested for parity.

    load("@tf1hub//converter:defs.bzl", "tf2_converted_module")

    tf2_converted_module(
        name = "text",
        module = glob(["text_module/**"]),
    )

makes `:text`, the directory of the SavedModel, and the test `:text_parity_test`. docs/bazel.md
says how to set up `@tf1hub`.
"""

SavedModelInfo = provider(
    doc = "A converted module.",
    fields = {
        "directory": "The SavedModel, one directory artifact.",
        "record": "The record of the conversion, the directory's `assets.extra/conversion.json`.",
    },
)

# Independent of the user's environment, and without a GPU, which other processes may be using.
_ENVIRONMENT = {
    "CUDA_VISIBLE_DEVICES": "-1",
    "PATH": "/usr/local/bin:/usr/bin:/bin",
}

# Converting needs no network, and has none where the sandbox can block it.
_REQUIREMENTS = {"block-network": "1"}

_MODULE_ATTRIBUTES = {
    "import_ops": attr.string_list(
        doc = "Python packages that register custom ops, such as `tensorflow_text`.",
    ),
    "module": attr.label_list(
        doc = "The TF1 module: its files, or one directory artifact, or one archive (`.tar.gz`, `.tar`, `.zip`).",
        allow_files = True,
        mandatory = True,
    ),
}

def _program(name, cfg):
    return attr.label(default = Label("//converter:" + name), cfg = cfg, executable = True)

def _module_arguments(ctx, runfiles = False):
    """The arguments of every program that reads a module, in a file, one per line."""
    arguments = ctx.actions.args()
    arguments.set_param_file_format("multiline")
    arguments.add_all(
        ctx.files.module,
        expand_directories = False,
        format_each = "--module=%s",
        map_each = _runfiles_path if runfiles else None,
    )
    arguments.add_all(ctx.attr.import_ops, format_each = "--import-ops=%s")
    return arguments

def _runfiles_path(file):
    return file.short_path

def _pack(ctx, directory):
    arguments = ctx.actions.args()
    arguments.add_all([directory], expand_directories = False)
    arguments.add(ctx.outputs.archive)
    ctx.actions.run(
        executable = ctx.executable._pack,
        arguments = [arguments],
        inputs = [directory],
        outputs = [ctx.outputs.archive],
        mnemonic = "Tf2SavedModelArchive",
        progress_message = "Packing the SavedModel %s" % ctx.label,
        env = _ENVIRONMENT,
        execution_requirements = _REQUIREMENTS,
    )

def _tf2_reusable_saved_model_impl(ctx):
    directory = ctx.actions.declare_directory(ctx.label.name)
    record = ctx.actions.declare_file(ctx.label.name + ".conversion.json")
    arguments = _module_arguments(ctx)
    arguments.use_param_file("@%s", use_always = True)
    arguments.add_all([directory], expand_directories = False, format_each = "--output=%s")
    arguments.add(record, format = "--record=%s")
    arguments.add_all(ctx.attr.allow_ops, format_each = "--allow-op=%s")
    arguments.add_all(ctx.attr.graph_tags, format_each = "--graph-tag=%s")
    arguments.add_all(ctx.attr.training_graph_tags, format_each = "--training-tag=%s")
    arguments.add_all([ctx.attr.call_signature] if ctx.attr.call_signature else [], format_each = "--call-signature=%s")
    arguments.add_all([ctx.attr.trainable] if ctx.attr.trainable else [], format_each = "--trainable=%s")
    if not ctx.attr.conventions:
        arguments.add("--no-conventions")
    ctx.actions.run(
        executable = ctx.executable._convert,
        arguments = [arguments],
        inputs = ctx.files.module,
        outputs = [directory, record],
        mnemonic = "Tf2SavedModel",
        progress_message = "Converting the TF1 module of %s" % ctx.label,
        env = _ENVIRONMENT,
        execution_requirements = _REQUIREMENTS,
    )
    if ctx.outputs.archive:
        _pack(ctx, directory)
    return [
        DefaultInfo(
            files = depset([directory]),
            runfiles = ctx.runfiles(files = [directory]),
        ),
        SavedModelInfo(directory = directory, record = record),
        OutputGroupInfo(record = depset([record])),
    ]

tf2_reusable_saved_model = rule(
    implementation = _tf2_reusable_saved_model_impl,
    doc = """Converts a TF1 Hub module into a reusable TF2 SavedModel, one directory artifact.

The same module, converter and TensorFlow give the same bytes, on every machine. Nothing of the
module runs. The build fails, and says why, if anything cannot be converted exactly.
""",
    attrs = dict(
        _MODULE_ATTRIBUTES,
        allow_ops = attr.string_list(
            doc = "Ops to let through that are refused because they could do harm.",
        ),
        archive = attr.output(
            doc = "Name of a `.tar.gz` of the SavedModel to make as well.",
        ),
        call_signature = attr.string(
            doc = "The signature that the module itself runs when called.",
        ),
        conventions = attr.bool(
            default = True,
            doc = "Whether to offer the names that TF2 models have for the same beside TF1's.",
        ),
        graph_tags = attr.string_list(
            doc = "The graph variant for inference, instead of the one found by rule; `[\"\"]` is the" +
                  " empty tag set.",
        ),
        trainable = attr.string(
            doc = "A regular expression, found in the names of the variables to train, where the" +
                  " file lists none.",
        ),
        training_graph_tags = attr.string_list(
            doc = "The graph variant for training, instead of the one found by rule; `[\"\"]` is the" +
                  " empty tag set.",
        ),
        _convert = _program("convert", cfg = "exec"),
        _pack = _program("pack", cfg = "exec"),
    ),
)

_LAUNCHER = """\
#!/bin/sh
# Bazel runs tests in the directory that these paths are relative to.
exec './{verify}' '@{arguments}' "$@"
"""

def _tf2_parity_test_impl(ctx):
    saved_model = ctx.attr.saved_model[SavedModelInfo].directory
    arguments = _module_arguments(ctx, runfiles = True)
    arguments.add_all(
        [saved_model],
        expand_directories = False,
        format_each = "--saved-model=%s",
        map_each = _runfiles_path,
    )
    arguments.add_all(ctx.files.inputs, format_each = "--inputs=%s", map_each = _runfiles_path)
    arguments.add_all([ctx.attr.rtol] if ctx.attr.rtol else [], format_each = "--rtol=%s")
    arguments.add_all([ctx.attr.atol] if ctx.attr.atol else [], format_each = "--atol=%s")
    argument_file = ctx.actions.declare_file(ctx.label.name + ".arguments")
    ctx.actions.write(argument_file, arguments)
    launcher = ctx.actions.declare_file(ctx.label.name + ".sh")
    ctx.actions.write(launcher, is_executable = True, content = _LAUNCHER.format(
        verify = ctx.executable._verify.short_path,
        arguments = argument_file.short_path,
    ))
    runfiles = ctx.runfiles(ctx.files.module + ctx.files.inputs + [saved_model, argument_file])
    return [DefaultInfo(
        executable = launcher,
        runfiles = runfiles.merge(ctx.attr._verify[DefaultInfo].default_runfiles),
    )]

tf2_parity_test = rule(
    implementation = _tf2_parity_test_impl,
    doc = """Tests that a converted module behaves as its original does, by running both.

Compares outputs, gradients, regularization losses, the effects of calls and of training steps,
and the list of variables.
""",
    attrs = dict(
        _MODULE_ATTRIBUTES,
        atol = attr.string(
            doc = "Absolute tolerance, such as `1e-6`, instead of the default of each dtype.",
        ),
        inputs = attr.label(
            doc = "Arrays to use in place of generated ones, named `input` or `signature/input`.",
            allow_single_file = [".npz"],
        ),
        rtol = attr.string(
            doc = "Relative tolerance, such as `1e-5`, instead of the default of each dtype.",
        ),
        saved_model = attr.label(
            doc = "The `tf2_reusable_saved_model` of the same module.",
            mandatory = True,
            providers = [SavedModelInfo],
        ),
        _verify = _program("verify", cfg = "target"),
    ),
    test = True,
)

def tf2_converted_module(name, module, inputs = None, rtol = "", atol = "", **kwargs):
    """Declares `name`, a `tf2_reusable_saved_model`, and its test `name_parity_test`.

    Args:
      name: Of the converted module.
      module: As in both rules.
      inputs: As in `tf2_parity_test`.
      rtol: As in `tf2_parity_test`.
      atol: As in `tf2_parity_test`.
      **kwargs: As in `tf2_reusable_saved_model`; `import_ops`, `tags` and `visibility` are also
        those of the test.
    """
    shared = {key: kwargs[key] for key in ["import_ops", "tags", "visibility"] if key in kwargs}
    tf2_reusable_saved_model(name = name, module = module, **kwargs)
    tf2_parity_test(
        name = name + "_parity_test",
        size = "medium",
        atol = atol,
        inputs = inputs,
        module = module,
        rtol = rtol,
        saved_model = ":" + name,
        **shared
    )
