"""What tools print, where not every name can be shown."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from animegan_tf.imaging.codec import write_image

TOOLS = Path(__file__).parents[1] / "tools"
PRINT = """
import sys
from animegan_tf.cli import run_tool
from animegan_tf.errors import InputError
def main():
    print("caf\\udce9", "\\u732b", "\\U0001f600")
    raise InputError("caf\\udce9 \\u732b")
run_tool(main)
"""


@pytest.mark.parametrize(
    "encoding, shown",
    [("cp1252", r"caf\udce9 \u732b \U0001f600"), ("utf-8", "caf\\udce9 猫 😀")],
)
def test_what_an_output_cannot_show_becomes_an_escape(encoding, shown):
    done = subprocess.run(
        [sys.executable, "-c", PRINT],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": encoding},
    )
    assert done.returncode == 2
    assert done.stdout.decode(encoding).rstrip() == shown
    assert b"Traceback" not in done.stderr and done.stderr.startswith(b"error: caf")


@pytest.mark.skipif(sys.platform != "linux", reason="file names are text there")
def test_a_data_set_of_such_names_is_checked_to_the_end(tmp_path):
    for folder in ("train_photo", "S/style"):
        (tmp_path / folder).mkdir(parents=True)
        for name in (b"caf\xe9", "猫".encode()):
            path = tmp_path / folder / os.fsdecode(name + b".png")
            write_image(path, np.zeros((8, 8, 3), np.uint8))
            path.with_suffix(".jpg").write_text("no picture")
    done = subprocess.run(
        [sys.executable, TOOLS / "prepare.py", "check", tmp_path],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "cp1252"},
    )
    assert b"Traceback" not in done.stderr
    assert b"caf\\udce9.jpg" in done.stdout and b"\\u732b.jpg" in done.stdout


@pytest.mark.parametrize("tool", sorted(p.name for p in TOOLS.glob("*.py")))
def test_every_tool_prints_so(tool):
    assert "    run_tool(main)" in (TOOLS / tool).read_text()
