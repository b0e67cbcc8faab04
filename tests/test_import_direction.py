"""The arrows between modules: each may import what `ALLOWED` lists, and no more."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "animegan_tf"
FILES = sorted(PACKAGE.rglob("*.py"))

# By module or, for folders, by their name; a folder may import from itself.
ALLOWED = {
    "__init__": (),
    "errors": (),
    "files": ("errors",),
    "sizes": (),
    "untrusted": ("errors",),
    "settings": ("errors", "files"),
    "config": ("settings",),
    "presets": ("config",),
    "ops": (),
    "losses": ("ops",),
    "page": (),
    "imaging": ("errors", "files"),
    "illustration": ("errors", "files", "imaging"),
    "samples": ("errors", "files", "imaging"),
    "layers": (),
    "models": ("errors", "files", "layers", "untrusted"),
    "data": (
        *("config", "errors", "files", "imaging", "ops", "page", "settings"),
        "untrusted",
    ),
    "inference": ("errors", "files", "imaging", "models", "ops", "sizes"),
    "beam": ("errors", "files", "imaging", "inference"),
    "evaluation": (
        *("errors", "files", "imaging", "inference", "page", "samples"),
        "untrusted",
    ),
    "study": ("errors", "evaluation", "files", "imaging", "page", "settings"),
    "training": (
        *("config", "data", "errors", "evaluation", "files", "imaging"),
        *("inference", "layers", "losses", "models", "ops", "page"),
        *("samples", "settings", "untrusted"),
    ),
    "checkpoints": ("errors", "models"),
    "export": ("errors", "files", "imaging", "layers", "models", "ops", "sizes"),
    "serving": ("errors", "files", "imaging"),
    "cli": (
        *("beam", "checkpoints", "config", "data", "errors", "evaluation", "export"),
        *("files", "illustration", "inference", "models", "presets", "serving"),
        *("settings", "sizes", "study", "training"),
    ),
}
# Modules that stay usable with another Keras backend or without any, and ones that
# never load one.
NO_TENSORFLOW = (
    *("ops", "losses", "layers", "models", "serving", "evaluation"),
    "beam",
)
NO_KERAS = (
    *("config", "cli", "errors", "files", "illustration", "imaging", "page"),
    *("presets", "samples", "settings", "untrusted"),
)


def imports(tree):
    """Names of imported modules, as `import a.b` and `from a.b import c` give them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import"
            yield node.module
            if node.module == "animegan_tf":
                yield from (f"animegan_tf.{alias.name}" for alias in node.names)


def without_functions(tree):
    """The code that runs when a module is imported."""

    class Remove(ast.NodeTransformer):
        def visit_FunctionDef(self, node):
            return ast.Pass()

        visit_AsyncFunctionDef = visit_FunctionDef

    return Remove().visit(tree)


def group_of(path):
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_modules_import_only_what_lies_below_them(path):
    text, group = path.read_text(), group_of(path)
    ours = {n.split(".")[1] for n in imports(ast.parse(text)) if "animegan_tf." in n}
    programs = {"cli"} if path.name == "__main__.py" else set()
    assert ours <= {group, *ALLOWED[group]} | programs
    everywhere = {name.split(".")[0] for name in imports(ast.parse(text))}
    assert not everywhere & {"tools", "tests"}
    at_import = without_functions(ast.parse(text))
    at_import = {name.split(".")[0] for name in imports(at_import)}
    if group in NO_TENSORFLOW + NO_KERAS:
        assert "tensorflow" not in at_import
    if group in NO_KERAS:
        assert "keras" not in everywhere and "tensorflow" not in everywhere


def test_the_rules_have_no_cycle_and_name_what_exists():
    assert set(ALLOWED) == {group_of(path) for path in FILES}
    placed = set()
    for group, below in ALLOWED.items():
        assert set(below) <= placed, group
        placed.add(group)


# An import may define names and load libraries: no file of data, no network, no
# weights, no choice of a device.
WATCH = """
import importlib, pkgutil, sys
import keras, tensorflow
import animegan_tf

seen, watching = [], True

def watch(event, arguments):
    if not watching:
        return
    if event == "open":
        path = str(arguments[0])
        ours = path.startswith((sys.prefix, sys.base_prefix)) or path.endswith(".py")
        # Libraries look up which packages are installed, this one by its egg-info.
        if not ours and not path.endswith(".pyc") and ".egg-info" not in path:
            seen.append(f"opened {path}")
    elif event in ("socket.connect", "subprocess.Popen", "os.mkdir", "os.rename"):
        seen.append(f"{event} {arguments}")

def noting(self, *args, **kwargs):
    seen.append(f"built {type(self).__name__}")

keras.layers.Layer.__init__ = keras.Variable.__init__ = noting
tensorflow.Variable.__init__ = noting
sys.addaudithook(watch)
modules = list(pkgutil.walk_packages(animegan_tf.__path__, "animegan_tf."))
for module in modules:
    # Its classes are Beam's, and what Beam does when it is imported is Beam's affair.
    if module.name != "animegan_tf.beam.pipeline":
        importlib.import_module(module.name)
watching = False
try:  # refused once TensorFlow has set up its devices
    tensorflow.config.threading.set_intra_op_parallelism_threads(1)
except RuntimeError as error:
    seen.append(str(error))
print(len(modules), *seen, sep="\\n")
"""


def test_importing_reads_nothing_and_builds_nothing():
    done = subprocess.run(
        [sys.executable, "-c", WATCH], stdout=subprocess.PIPE, text=True, timeout=120
    )
    count, *seen = done.stdout.splitlines()
    assert seen == []
    assert int(count) == len(FILES) - 1  # the package itself is not counted
