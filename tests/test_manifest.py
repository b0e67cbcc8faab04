import json

import pytest

from animegan_tf.data.manifest import Manifest, Record, kept_names
from animegan_tf.errors import InputError

SETTINGS = {"size": 64, "color": [1.0, 2.0, 3.0]}
KEPT = Record(
    "a/b.jpg",
    "0" * 64,
    "kept",
    name="b-00000000.png",
    folder="train_photo",
    hash="f" * 64,
    box=(1.0, 2.0, 3.0, 4.0),
    landmarks=((1.0, 2.0),) * 5,
    transform=((1.0, 0.0, 2.0), (0.0, 1.0, 3.0)),
)
DROPPED = Record("c.jpg", "1" * 64, "dropped", "no face", "none was found")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "manifest.jsonl"


def filled(path):
    manifest = Manifest(path, SETTINGS)
    manifest.add([KEPT, DROPPED])
    manifest.add([DROPPED])
    return path.read_bytes()


def test_records_come_back_as_they_were(path):
    filled(path)
    manifest = Manifest(path, SETTINGS)
    assert manifest.groups == [[KEPT, DROPPED], [DROPPED]]
    assert manifest.records == [KEPT, DROPPED, DROPPED]
    assert kept_names(path) == ["b-00000000.png"]


def test_names_that_are_no_utf8_come_back(path):
    record = DROPPED.replace(source="caf\udce9 \u2028.jpg")
    Manifest(path, SETTINGS).add([record])
    assert Manifest(path, SETTINGS).records == [record]


@pytest.mark.parametrize("lost", [1, 5, 200])
def test_a_line_cut_off_by_a_kill_is_forgotten_and_written_again(path, lost):
    whole = filled(path)
    path.write_bytes(whole[:-lost])
    manifest = Manifest(path, SETTINGS)
    assert manifest.groups == [[KEPT, DROPPED]]
    manifest.add([DROPPED])
    assert path.read_bytes() == whole


def test_a_file_cut_off_in_its_first_line_begins_anew(path):
    whole = filled(path)
    path.write_bytes(whole[:10])
    assert Manifest(path, SETTINGS).groups == []
    assert path.read_bytes() == whole[: whole.index(b"\n") + 1]


def test_read_only_writes_nothing(path):
    manifest = Manifest(path, SETTINGS, read_only=True)
    manifest.add([KEPT])
    assert manifest.records == [KEPT]
    assert not path.exists()


def test_other_settings_are_refused_by_name(path):
    before = filled(path)
    with pytest.raises(InputError, match="size 64, received 128; --redo"):
        Manifest(path, {**SETTINGS, "size": 128})
    with pytest.raises(InputError, match="fill None, received blur"):
        Manifest(path, {**SETTINGS, "fill": "blur"})
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "text, line",
    [
        ("hello\n", 1),
        ("[]\n", 1),
        (json.dumps({"settings": SETTINGS}) + "\n17\n", 2),
        (json.dumps({"settings": SETTINGS}) + '\n[{"source": "a"}]\n', 2),
        (json.dumps({"settings": SETTINGS}) + "\n[]x\n", 2),
    ],
)
def test_another_text_is_refused_with_its_line(path, text, line):
    path.write_text(text)
    with pytest.raises(InputError, match=f"manifest.jsonl: .* in line {line};"):
        Manifest(path, SETTINGS)
    assert path.read_text() == text
    assert kept_names(path) == []
