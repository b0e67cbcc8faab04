"""The weighted mean of generators of one lineage, and the tool that writes it."""

import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers import random_generator

from animegan_tf.inference import load_generator
from animegan_tf.models import build_generator

TOOL = Path(__file__).parents[1] / "tools" / "average.py"


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def call(line):
        monkeypatch.setattr(sys, "argv", ["average.py", *line.split()])
        try:
            runpy.run_path(str(TOOL), run_name="__main__")
        except SystemExit as end:
            return end.code, capsys.readouterr().err
        return 0, capsys.readouterr().out

    return call


def test_the_tool_writes_the_weighted_mean(call, tmp_path):
    one, three = random_generator(4), random_generator(4)
    three.set_weights([w + 1 for w in three.get_weights()])
    one.save(tmp_path / "one.keras")
    three.save(tmp_path / "three.keras")
    line = "one.keras three.keras -o mean.keras --shares 1 3"
    assert call(line) == (0, "mean.keras\n")
    mean = load_generator(tmp_path / "mean.keras").get_weights()
    for got, a, b in zip(mean, one.get_weights(), three.get_weights(), strict=True):
        np.testing.assert_allclose(got, (a + 3 * b) / 4, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    "line, named",
    [
        ("one.keras wide.keras -o mean.keras", "one shape"),
        ("one.keras one.keras -o mean.keras --shares 1", "--shares must be 2 numbers"),
        ("one.keras one.keras -o mean.keras --shares 1 -1", "above 0"),
        ("one.keras -o mean.h5", ".keras"),
        ("none.keras -o mean.keras", "none.keras"),
    ],
)
def test_the_tool_refuses(call, tmp_path, line, named):
    random_generator(4).save(tmp_path / "one.keras")
    build_generator(6, memory=8).save(tmp_path / "wide.keras")
    status, err = call(line)
    assert status == 2 and named in err.splitlines()[-1]
    assert not list(tmp_path.glob("mean*"))
