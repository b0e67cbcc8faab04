"""The benchmark measures what it says; its figures themselves are no test."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from animegan_tf.imaging.codec import read_image
from animegan_tf.models import build_generator

TOOL = Path(__file__).parents[1] / "tools" / "benchmark.py"


def benchmark(folder, *arguments):
    """Figures that the tool wrote, and what it printed."""
    arguments = [*map(str, arguments), "--json", "figures.json"]
    done = subprocess.run(
        [sys.executable, str(TOOL), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "figures.json").read_text()), done.stdout


@pytest.fixture
def generator(tmp_path):
    build_generator(4, memory=8).save(tmp_path / "generator.keras")
    return tmp_path / "generator.keras"


def test_every_way_is_timed_at_every_size_and_drawn(tmp_path, generator):
    pytest.importorskip("ai_edge_litert")
    ways = "tf.function", "LiteRT dynamic"
    figures, text = benchmark(
        tmp_path,
        *("runtimes", "--generator", generator, "--sizes", 16, 32),
        *("--ways", *ways, "--repeats", 1, "--plot", "plot.png"),
    )
    rows = [(row["size"], row["way"]) for row in figures["rows"]]
    assert rows == [(size, way) for size in (16, 32) for way in ways]
    assert all(row["ms"] > 0 and row["gib"] > 0 for row in figures["rows"])
    # A runtime without TensorFlow takes less memory than one with it.
    assert figures["rows"][1]["gib"] < figures["rows"][0]["gib"]
    assert set(figures["bytes"]) >= {"generator.keras", "dynamic_16.tflite"}
    assert read_image(tmp_path / "plot.png").std() > 0
    assert "peak GiB" in text


def test_precisions_that_the_processor_emulates_are_known(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(TOOL.parent))
    from benchmarks import timing

    cpus = tmp_path / "cpuinfo"
    monkeypatch.setattr(timing, "_CPUS", cpus)
    for flags, emulated in (("avx512f avx512_vnni", True), ("avx512_bf16", False)):
        cpus.write_text(f"processor: 0\nflags: fpu {flags}\n")
        assert timing.is_emulated("mixed_bfloat16") is emulated
        assert timing.is_emulated("mixed_float16")
        assert not timing.is_emulated("float32")
    cpus.unlink()
    assert not timing.is_emulated("mixed_float16")
