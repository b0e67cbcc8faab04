"""Networks come by name and SHA-256, and never half or as another file."""

import functools
import hashlib
import http.server
import threading
import zipfile

import pytest

from animegan_tf.data.networks import fetch_networks
from animegan_tf.errors import InputError
from animegan_tf.imaging.networks import FILES, NetworkFile

CONTENT = b"weights"
MEMBER = "mediapipe/modules/eye/eye.tflite"


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture
def address(tmp_path):
    """Of a server on this machine; `served` of `tmp_path` is what it has."""
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "hair.tflite").write_bytes(CONTENT)
    handler = functools.partial(QuietHandler, directory=tmp_path / "served")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """A tiny wheel of the right name where pip looks for it."""
    name = "mediapipe-0.10.21"
    folder = tmp_path / "wheels"
    folder.mkdir()
    path = folder / f"{name}-cp311-cp311-manylinux_2_28_x86_64.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(MEMBER, CONTENT)
        info = f"{name}.dist-info"
        metadata = "Metadata-Version: 2.1\nName: mediapipe\nVersion: 0.10.21\n"
        archive.writestr(f"{info}/METADATA", metadata)
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\n")
        archive.writestr(f"{info}/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)


def published(source, content=CONTENT, name="hair.tflite"):
    return NetworkFile(name, hashlib.sha256(content).hexdigest(), "MIT", source)


def fetched(folder, *files):
    return [(file.name, new) for file, new in fetch_networks(folder, files)]


def test_a_file_comes_from_its_address_once(tmp_path, address):
    file = published(f"{address}/hair.tflite")
    assert fetched(tmp_path / "new", file) == [("hair.tflite", True)]
    assert (tmp_path / "new" / "hair.tflite").read_bytes() == CONTENT
    assert fetched(tmp_path / "new", file) == [("hair.tflite", False)]


def test_a_file_comes_out_of_the_wheel(tmp_path, wheel):
    file = published(MEMBER, name="eye.tflite")
    assert fetched(tmp_path, file) == [("eye.tflite", True)]
    assert (tmp_path / "eye.tflite").read_bytes() == CONTENT


def test_a_wheel_without_the_file_is_refused(tmp_path, wheel):
    with pytest.raises(InputError, match="must hold mediapipe/modules/other"):
        fetched(tmp_path, published("mediapipe/modules/other"))


def test_what_is_another_file_gets_no_name(tmp_path, address):
    file = published(f"{address}/hair.tflite", b"others")
    with pytest.raises(InputError, match="must have the SHA-256"):
        fetched(tmp_path / "new", file)
    assert list((tmp_path / "new").iterdir()) == []


def test_another_file_of_that_name_is_kept_and_told(tmp_path):
    (tmp_path / "hair.tflite").write_bytes(b"mine")
    with pytest.raises(InputError, match="delete it to have it fetched anew"):
        fetched(tmp_path, published("http://127.0.0.1:1/hair.tflite"))
    assert (tmp_path / "hair.tflite").read_bytes() == b"mine"


def test_an_address_that_is_gone_leaves_the_others(tmp_path, address):
    gone = published(f"{address}/gone.tflite", name="gone.tflite")
    there = published(f"{address}/hair.tflite")
    folder = tmp_path / "new"
    with pytest.raises(InputError, match="gone.tflite must be reachable"):
        fetched(folder, gone, there)
    assert [path.name for path in folder.iterdir()] == ["hair.tflite"]


def test_more_bytes_than_any_network_has_are_refused(tmp_path, address, monkeypatch):
    monkeypatch.setattr("animegan_tf.data.networks._MOST_BYTES", len(CONTENT) - 1)
    with pytest.raises(InputError, match="must have at most 6 bytes"):
        fetched(tmp_path, published(f"{address}/hair.tflite"))


def test_every_file_says_where_it_is_from_and_what_it_may_be_used_for():
    assert len({file.name for file in FILES}) == len(FILES) == 7
    for file in FILES:
        assert len(bytes.fromhex(file.sha256)) == 32 and file.licence
        assert file.in_wheel or file.source.startswith("https://")
