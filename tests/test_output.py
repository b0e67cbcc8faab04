"""What tools print, where not every name can be shown."""

import io
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from animegan_tf.cli import prepare, run_tool
from animegan_tf.errors import InputError
from animegan_tf.imaging.codec import write_image

TOOLS = Path(__file__).parents[1] / "tools"


@pytest.fixture
def printed(monkeypatch):
    """Function that runs a tool's `main` on a console of some encoding.

    It returns the exit status and the bytes of stdout and stderr.
    """

    def printed(main, encoding):
        streams = [io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2)]
        monkeypatch.setattr(sys, "stdout", streams[0])
        monkeypatch.setattr(sys, "stderr", streams[1])
        with pytest.raises(SystemExit) as end:
            run_tool(main)
        for stream in streams:
            stream.flush()
        return end.value.code, *(stream.buffer.getvalue() for stream in streams)

    return printed


@pytest.mark.parametrize(
    "encoding, shown",
    [("cp1252", r"caf\udce9 \u732b \U0001f600"), ("utf-8", "caf\\udce9 猫 😀")],
)
def test_what_an_output_cannot_show_becomes_an_escape(printed, encoding, shown):
    def main():
        print("caf\udce9", "\u732b", "\U0001f600")
        raise InputError("caf\udce9 \u732b")

    status, out, err = printed(main, encoding)
    assert status == 2
    assert out.decode(encoding).rstrip() == shown
    assert err.startswith(b"error: caf")


@pytest.mark.skipif(sys.platform != "linux", reason="file names are text there")
def test_a_data_set_of_such_names_is_checked_to_the_end(printed, tmp_path, monkeypatch):
    for folder in ("train_photo", "S/style"):
        (tmp_path / folder).mkdir(parents=True)
        for name in (b"caf\xe9", "猫".encode()):
            path = tmp_path / folder / os.fsdecode(name + b".png")
            write_image(path, np.zeros((8, 8, 3), np.uint8))
            path.with_suffix(".jpg").write_text("no picture")
    monkeypatch.setattr(sys, "argv", ["prepare.py", "check", str(tmp_path)])
    _, out, _ = printed(prepare.main, "cp1252")
    assert b"caf\\udce9.jpg" in out and b"\\u732b.jpg" in out


@pytest.mark.parametrize("tool", sorted(p.name for p in TOOLS.glob("*.py")))
def test_every_tool_prints_so(tool):
    assert "    run_tool(main)" in (TOOLS / tool).read_text()
