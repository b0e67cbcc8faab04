"""Options of the tests, and how they run tools."""

import runpy
import sys
from pathlib import Path

import keras
import pytest
import tensorflow as tf
from pages import CHART

from animegan_tf.layers import cpu
from animegan_tf.page import charts

DRAW = charts.chart
TOOLS = Path(__file__).parents[1] / "tools"

# Graphs of these tests are run a few times only, which takes less than optimising them.
# Tools that a test starts as a program of its own do optimise.
tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})


def pytest_addoption(parser):
    group = parser.getgroup("animegan_tf")
    group.addoption(
        "--seed",
        type=int,
        default=0,
        metavar="SEED",
        help="of all that a test draws without a seed of its own, as the weights of "
        "a network (0)",
    )
    group.addoption(
        "--fuzz-mutants",
        type=int,
        default=2000,
        metavar="N",
        help="damaged files to decode in test_decoder_fuzz.py (2000)",
    )
    group.addoption(
        "--fuzz-seed",
        type=int,
        default=0,
        metavar="SEED",
        help="choice of the damage; a failure names the one it had (0)",
    )


@pytest.fixture(autouse=True, scope="session")
def plain_layers():
    """Compiling the kernels for CPUs takes longer than these steps.

    Tools that a test starts as a program of its own do compile them.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cpu, "computes_on_cpu", lambda: False)
        yield


@pytest.fixture(autouse=True, scope="module")
def module_seed(request):
    """What the fixtures of a module draw is the same in every run."""
    keras.utils.set_random_seed(request.config.getoption("--seed"))


@pytest.fixture(autouse=True)
def seed(request):
    """What a test draws does not hang on the tests before it."""
    keras.utils.set_random_seed(request.config.getoption("--seed"))


@pytest.fixture(autouse=True, scope="session")
def no_charts():
    """A chart takes half a second: only tests with the mark `charts` draw any."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(charts, "chart", lambda *_, **__: CHART)
        yield


@pytest.fixture(autouse=True)
def drawn_if_marked(request, monkeypatch):
    if request.node.get_closest_marker("charts"):
        monkeypatch.setattr(charts, "chart", DRAW)


@pytest.fixture
def eager():
    """Tracing a step takes longer than a few steps operation by operation."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture
def run_here(monkeypatch, capsys):
    """Function that runs a tool in this process, where patches hold.

    It takes the tool's name and its arguments, and returns (exit status, stdout,
    stderr).
    """

    def run_here(tool, *arguments):
        monkeypatch.setattr(sys, "argv", [tool, *map(str, arguments)])
        monkeypatch.syspath_prepend(str(TOOLS))  # as Python does for a script
        capsys.readouterr()
        status = 0
        try:
            runpy.run_path(str(TOOLS / tool), run_name="__main__")
        except SystemExit as end:
            status = end.code
        return status, *capsys.readouterr()

    return run_here
