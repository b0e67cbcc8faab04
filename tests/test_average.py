"""The weighted mean of generators of one lineage, and the tool that writes it."""

import numpy as np
import pytest
from helpers import random_generator

from animegan_tf.inference import load_generator
from animegan_tf.models import build_generator


@pytest.fixture
def call(run_here, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return lambda line: run_here("average.py", *line.split())


def test_the_tool_writes_the_weighted_mean(call, tmp_path):
    one, three = random_generator(4), random_generator(4)
    three.set_weights([w + 1 for w in three.get_weights()])
    one.save(tmp_path / "one.keras")
    three.save(tmp_path / "three.keras")
    line = "one.keras three.keras -o mean.keras --shares 1 3"
    assert call(line)[:2] == (0, "mean.keras\n")
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
    status, _, err = call(line)
    assert status == 2 and named in err.splitlines()[-1]
    assert not list(tmp_path.glob("mean*"))
