"""BUILD files read without Bazel: Starlark is Python enough to run, with rules that take notes."""

import dataclasses
import functools
import pathlib
import re
import types
from typing import Any

_NAME = "BUILD"
_RULES = ("exports_files", "filegroup", "genrule", "package", "test_suite")
_IGNORED = re.compile(r"(bazel-|\.|build$|dist$|converted$)")  # top-level folders


@dataclasses.dataclass(frozen=True)
class Target:
    """One target, with its attributes as the rule got them."""

    package: str
    kind: str
    name: str
    attributes: dict[str, Any]

    @property
    def label(self) -> str:
        return f"//{self.package}:{self.name}"

    @functools.cached_property
    def deps(self) -> list[str]:
        """The labels of its dependencies, in full."""
        return [absolute_label(dep, self.package) for dep in self.attributes.get("deps", [])]

    @functools.cached_property
    def sources(self) -> list[str]:
        """The files of its package that it names, as paths from the root."""
        files = [name for name in self.attributes.get("srcs", []) if name[:1] not in "/:@"]
        return [f"{self.package}/{name}".removeprefix("/") for name in files]


def absolute_label(label: str, package: str) -> str:
    """`:x`, `x` and `//a/x` as `//package:name`."""
    if label.startswith("@"):
        return label
    if not label.startswith("//"):
        return f"//{package}:{label.removeprefix(':')}"
    return label if ":" in label else f"{label}:{label.rpartition('/')[2]}"


class _Anything:
    """What stands for the parts of Starlark that say nothing about targets."""

    def __call__(self, *_, **__):
        return self

    def __getattr__(self, name):
        return self


class _Package:
    """Runs one BUILD file, and the `.bzl` files that it loads."""

    def __init__(self, root: pathlib.Path, build_file: pathlib.Path) -> None:
        self._root = root
        self._folder = build_file.parent
        self._name = self._folder.relative_to(root).as_posix().removeprefix(".")
        self.targets: list[Target] = []
        rules = {kind: self._rule(kind) for kind in _RULES}
        native = types.SimpleNamespace(glob=self._glob, package_name=lambda: self._name, **rules)
        self._builtins = {"glob": self._glob, "native": native, "fail": _fail, **rules}
        for name in ("Label", "aspect", "attr", "depset", "provider"):
            self._builtins[name] = _Anything()
        self._builtins["rule"] = lambda **_: self._rule("rule")
        self.run(build_file)

    def run(self, path: pathlib.Path) -> dict[str, Any]:
        """Runs a file, and returns what it defines."""
        names = dict(self._builtins)
        names["load"] = functools.partial(self._load, names)
        exec(compile(path.read_text(), str(path), "exec"), names)
        return names

    def _load(self, names, label, *symbols):
        if label.startswith("@"):
            names.update({symbol: self._rule(symbol) for symbol in symbols})
            return
        package, _, file = absolute_label(label, self._name).removeprefix("//").partition(":")
        defined = self.run(self._root / package / file)
        names.update({symbol: defined[symbol] for symbol in symbols})

    def _rule(self, kind):
        def note(*_, name="", **attributes):
            self.targets.append(Target(self._name, kind, name, attributes))

        return note

    def _glob(self, include, exclude=()):
        files = [path.relative_to(self._folder).as_posix() for path in _files(self._folder)]
        return sorted(
            file for file in files if _matches(file, include) and not _matches(file, exclude)
        )


def _files(folder):
    """The files below a folder, but for those of packages within it."""
    for path in folder.iterdir():
        if path.is_file():
            yield path
        elif not (path / _NAME).is_file():
            yield from _files(path)


def _matches(file, patterns):
    return any(re.fullmatch(_as_regex(pattern), file) for pattern in patterns)


def _as_regex(pattern):
    wildcards = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*"}
    parts = re.split(r"(\*\*/|\*\*|\*)", pattern)
    return "".join(wildcards.get(part, re.escape(part)) for part in parts)


def _fail(message):
    raise ValueError(message)


def find_build_files(root: pathlib.Path) -> list[pathlib.Path]:
    """All BUILD files of the project, but for those of other workspaces."""
    found = [path for path in root.rglob(_NAME) if path.is_file()]
    return sorted(path for path in found if _is_ours(path.relative_to(root)))


def _is_ours(path):
    return not _IGNORED.match(path.parts[0]) and path.parts[:2] != ("bazel", "offline")


def read_targets(root: pathlib.Path) -> list[Target]:
    """The targets of all packages below the root of the project."""
    return [target for path in find_build_files(root) for target in _Package(root, path).targets]


def read_bzl(root: pathlib.Path, path: str) -> dict[str, Any]:
    """What a `.bzl` file defines."""
    return _Package(root, root / _NAME).run(root / path)
