"""The repository's own modules, and what each imports, read from their syntax trees."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

PACKAGES = {
    "multitap": "clients/python/multitap",
    "multitap_adapters": "adapters/multitap_adapters",
    "multitap_registry": "registry/multitap_registry",
    "multitap_server": "server/multitap_server",
    "multitap_training": "training/multitap_training",
}


@dataclass(frozen=True)
class Import:
    """One import statement's module, absolute; `lazy` inside a function, `typing` for checkers."""

    module: str
    line: int
    lazy: bool
    typing: bool


@dataclass(frozen=True)
class Module:
    """One source file of ours."""

    path: Path
    name: str

    @property
    def package(self) -> str:
        """The distribution's package that it belongs to."""
        return self.name.partition(".")[0]

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree."""
        return ast.parse(self.path.read_text(encoding="utf-8"), str(self.path))

    @cached_property
    def imports(self) -> tuple[Import, ...]:
        """Everything that it imports, in whatever depth."""
        return tuple(self._imports(self.tree, lazy=False, typing=False))

    def _imports(self, node: ast.AST, *, lazy: bool, typing: bool) -> Iterator[Import]:
        match node:
            case ast.Import():
                for alias in node.names:
                    yield Import(alias.name, node.lineno, lazy, typing)
            case ast.ImportFrom():
                base = self._base(node)
                for alias in node.names:
                    yield Import(f"{base}.{alias.name}", node.lineno, lazy, typing)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                lazy = True
            case ast.If() if ast.unparse(node.test) == "TYPE_CHECKING":
                for inner in node.body:
                    yield from self._imports(inner, lazy=lazy, typing=True)
                for inner in node.orelse:
                    yield from self._imports(inner, lazy=lazy, typing=typing)
                return
            case _:
                pass
        for child in ast.iter_child_nodes(node):
            yield from self._imports(child, lazy=lazy, typing=typing)

    def _base(self, node: ast.ImportFrom) -> str:
        """Return the absolute module of a `from ... import`."""
        if not node.level:
            return node.module or ""
        is_package = self.path.name == "__init__.py"
        parts = self.name.split(".")
        parents = parts[: len(parts) - node.level + is_package]
        return ".".join([*parents, *filter(None, [node.module])])


def modules(root: Path) -> list[Module]:
    """Return every module of every package, sorted by name."""
    found: list[Module] = []
    for package, folder in PACKAGES.items():
        for path in sorted((root / folder).rglob("*.py")):
            parts = path.relative_to(root / folder).with_suffix("").parts
            names = parts[:-1] if parts[-1] == "__init__" else parts
            found.append(Module(path, ".".join((package, *names))))
    return found


def within(module: str, *packages: str) -> bool:
    """Return whether a dotted name is one of these packages or below one."""
    return any(module == package or module.startswith(f"{package}.") for package in packages)
