"""The rules of the house: which row may import which, how long things may be."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "somite"
ROWS = (
    *("core", "components", "theory", "models", "data", "training", "curvature", "sampling"),
    *("estimators", "calibration", "verify", "behavior", "response", "baselines", "modularity"),
    *("consequences", "development", "truths", "study", "sweeps", "integrations", "report", "cli"),
)
FILES = sorted(SOURCE.rglob("*.py"))
LONGEST_FILE, LONGEST_FUNCTION, MOST_PARAMETERS = 400, 50, 8
# Its settings are keywords with defaults, and it is the one call that people write by hand.
MANY_PARAMETERS = {
    "study/track.py: track",
    "sampling/sample.py: sample",
    "models/readout.py: forward",
}  # as autograd asks


def name_of(path: Path) -> str:
    """Module name of a file."""
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in FILES}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in MODULES.items()}


def row_of(module: str) -> str | None:
    """Row of a module; None for the package itself."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else None


def targets(node: ast.AST) -> list[str]:
    """Modules of somite that a statement imports."""
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom) and node.module:
        inner = [f"{node.module}.{alias.name}" for alias in node.names]
        names = [name if name in MODULES else node.module for name in inner]
    else:
        names = []
    return [name for name in names if name.split(".")[0] == "somite"]


def only_for_types(tree: ast.Module) -> set[ast.AST]:
    """Statements under `if TYPE_CHECKING`, which never run."""
    guards = (
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
    )
    return {inner for guard in guards for inner in ast.walk(guard)}


def wrong_arrows(module: str, tree: ast.Module) -> list[str]:
    """Imports of a row further down, and of the package itself from inside it."""
    here = row_of(module)
    if here is None:
        return []
    wrong = []
    for node in ast.walk(tree):
        for target in targets(node):
            there = row_of(target)
            if there is None or ROWS.index(there) > ROWS.index(here):
                wrong.append(f"{module} imports {target}")
    return wrong


def relative_imports(tree: ast.Module) -> list[str]:
    """Imports that begin with a dot, and wildcards."""
    froms = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return [ast.unparse(f) for f in froms if f.level or any(a.name == "*" for a in f.names)]


def code_lines(function: ast.FunctionDef) -> int:
    """Lines of a function without its docstring, comments and blank lines."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return sum(len(ast.unparse(statement).splitlines()) for statement in body)


def functions(tree: ast.AST) -> list[ast.FunctionDef]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]


def parameters(function: ast.FunctionDef) -> int:
    given = function.args
    names = [a.arg for a in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    extra = sum(argument is not None for argument in (given.vararg, given.kwarg))
    return len([name for name in names if name not in ("self", "cls")]) + extra


def seeds_of_global_generator(tree: ast.AST, inside: bool = False) -> list[int]:
    """Lines with `torch.manual_seed` or the like that are outside a `fork_rng` block."""
    found = []
    for node in ast.iter_child_nodes(tree):
        shielded = inside or (isinstance(node, ast.With) and "fork_rng" in ast.unparse(node.items))
        call = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
        seeds = r"(torch|torch\.random|torch\.cuda|np\.random|numpy\.random|random)\.\w*seed\w*"
        if re.fullmatch(seeds, call) and not inside:
            found.append(node.lineno)
        found += seeds_of_global_generator(node, shielded)
    return found


def test_there_is_a_house():
    assert len(FILES) > 50
    assert {row_of(module) for module in MODULES} - {None} <= set(ROWS)


def test_imports_point_upwards_only():
    assert [arrow for module, tree in TREES.items() for arrow in wrong_arrows(module, tree)] == []


def test_imports_are_absolute_and_named():
    assert {m: found for m, tree in TREES.items() if (found := relative_imports(tree))} == {}


def test_the_test_of_arrows_sees_wrong_ones():
    wrong = "from somite.study import run\nimport somite.cli.main\nfrom somite import sample\n"
    assert len(wrong_arrows("somite.core.checks", ast.parse(wrong))) == 3
    lazy = "def f():\n    from somite.report import build_report\n"
    assert wrong_arrows("somite.data.corpus", ast.parse(lazy))
    assert relative_imports(ast.parse("from . import a\nfrom torch import *\n"))
    assert not wrong_arrows("somite.study.run", ast.parse("from somite.core import checks"))


def test_no_import_cycles():
    edges = {}
    for module, tree in TREES.items():
        skipped = only_for_types(tree)
        nodes = [node for node in ast.walk(tree) if node not in skipped]
        edges[module] = {t for node in nodes for t in targets(node)} - {module}
    assert cycle(edges) == []


def cycle(edges: dict[str, set[str]]) -> list[str]:
    """A cycle of a directed graph; empty if there is none."""
    done: set[str] = set()

    def visit(node: str, path: list[str]) -> list[str]:
        if node in path:
            return path[path.index(node) :]
        if node in done:
            return []
        found = next((c for n in sorted(edges[node]) if (c := visit(n, [*path, node]))), [])
        done.add(node)
        return found

    return next((c for node in edges if (c := visit(node, []))), [])


def test_the_test_of_cycles_sees_one():
    assert cycle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c"]
    assert cycle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def test_files_are_short():
    lengths = {m: len(p.read_text(encoding="utf-8").splitlines()) for m, p in MODULES.items()}
    assert {m: length for m, length in lengths.items() if length > LONGEST_FILE} == {}
    assert sum(length <= 250 for length in lengths.values()) >= 0.95 * len(lengths)


def test_functions_are_short():
    long = [
        f"{module}.{function.name}"
        for module, tree in TREES.items()
        for function in functions(tree)
        if code_lines(function) > LONGEST_FUNCTION
    ]
    assert long == []
    sizes = sorted(code_lines(f) for tree in TREES.values() for f in functions(tree))
    assert sizes[len(sizes) // 2] <= 10


def test_functions_take_few_parameters():
    found = {
        f"{MODULES[module].relative_to(SOURCE).as_posix()}: {function.name}"
        for module, tree in TREES.items()
        for function in functions(tree)
        if parameters(function) > MOST_PARAMETERS
    }
    assert found <= MANY_PARAMETERS


def test_nobody_seeds_the_global_generator():
    found = {m: lines for m, t in TREES.items() if (lines := seeds_of_global_generator(t))}
    assert found == {}


def test_the_test_of_seeds_sees_them():
    shielded = "with torch.random.fork_rng():\n    torch.manual_seed(0)\n"
    assert seeds_of_global_generator(ast.parse(shielded)) == []
    assert seeds_of_global_generator(ast.parse("def f():\n    torch.manual_seed(0)\n")) == [2]
    assert seeds_of_global_generator(ast.parse("np.random.seed(1)")) == [1]
    assert seeds_of_global_generator(ast.parse("torch.Generator().manual_seed(1)")) == []


def test_no_drawer_for_everything():
    drawers = {"utils", "util", "helpers", "misc", "common"}
    assert [path for path in FILES if path.stem in drawers] == []
