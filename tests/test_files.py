"""Files and folders: what is listed, and what is left on disk."""

import os

import pytest

from animegan_tf.errors import InputError
from animegan_tf.files import (
    find_images,
    list_images,
    make_folder,
    remove_temporaries,
    replacing_folder,
    write_atomic,
)


def test_bytes_are_on_the_disk_before_the_name_is(tmp_path, monkeypatch):
    path, order = tmp_path / "notes.txt", []
    path.write_bytes(b"old")
    fsync, replace = os.fsync, os.replace

    def note_fsync(number):
        (temporary,) = tmp_path.glob(".*")
        order.append(("fsync", temporary.read_bytes(), path.read_bytes()))
        fsync(number)

    def note_replace(source, target):
        order.append(("replace", source.parent, target))
        replace(source, target)

    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(os, "replace", note_replace)
    write_atomic(str(path), b"new")
    assert order == [("fsync", b"new", b"old"), ("replace", tmp_path, path)]
    assert path.read_bytes() == b"new" and list(tmp_path.iterdir()) == [path]


def test_leftovers_of_killed_writers_are_removed(tmp_path, monkeypatch):
    kept = [tmp_path / name for name in (".other.tmp", "a.tmp", ".hidden.png")]
    for path in kept:
        path.touch()

    def killed(*_):
        raise SystemExit

    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(os, "fsync", killed)
        patch.setattr(type(tmp_path), "unlink", killed)
        write_atomic(tmp_path / "a.png", b"new")
    assert len(list(tmp_path.iterdir())) == 4
    remove_temporaries(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted(kept)


def test_list_images_sorts_and_skips(tmp_path):
    names = ["b.png", "a.JPEG", "c.webp", ".hidden.png", "x.tmp.png", "n.txt", "d.tmp"]
    for name in names:
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "folder.png" / "deep.png").touch()
    found = [path.name for path in list_images(tmp_path)]
    assert found == ["a.JPEG", "b.png", "c.webp"]
    assert list_images(str(tmp_path)) == list_images(tmp_path)


def test_list_images_says_what_is_wrong(tmp_path):
    with pytest.raises(InputError, match="missing.*must exist"):
        list_images(tmp_path / "missing")
    (tmp_path / "a.txt").touch()
    (tmp_path / "b.gif").touch()
    with pytest.raises(InputError, match="a.txt.*a file"):
        list_images(tmp_path / "a.txt")
    with pytest.raises(InputError, match=r"\.webp.* 2 other files"):
        list_images(tmp_path)


def test_list_images_finds_pictures_in_sub_folders(tmp_path):
    names = ["b.png", "a/b.png", "a/c/d.jpg", "a-1/b.png", ".git/x.png", "a/.y.png"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = list_images(tmp_path, recursive=True)
    found = [path.relative_to(tmp_path).as_posix() for path in found]
    assert found == ["a-1/b.png", "a/b.png", "a/c/d.jpg", "b.png"]
    assert list_images(tmp_path) == [tmp_path / "b.png"]


def test_links_are_followed_but_not_in_circles(tmp_path):
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "out").mkdir()
    (tmp_path / "in" / "a.png").touch()
    (tmp_path / "out" / "b.png").touch()
    (tmp_path / "in" / "deep" / "up").symlink_to(tmp_path / "in")
    (tmp_path / "in" / "deep" / "out").symlink_to(tmp_path / "out")
    (tmp_path / "out" / "back").symlink_to(tmp_path / "in" / "deep")
    (tmp_path / "in" / "self").symlink_to(tmp_path / "in" / "self")
    found = list_images(tmp_path / "in", recursive=True)
    found = [path.relative_to(tmp_path / "in").as_posix() for path in found]
    assert found == ["a.png", "deep/out/b.png"]


def test_find_images_loses_no_file(tmp_path):
    names = ["a.png", "b.gif", "sub/c.JPG", "sub/notes.txt", "x.tmp.png", "README"]
    (tmp_path / "sub").mkdir()
    for name in names:
        (tmp_path / name).touch()
    (tmp_path / "broken.jpg").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe.png")
    images, others = find_images(tmp_path, recursive=True)
    images, others = (
        [path.relative_to(tmp_path).as_posix() for path in paths]
        for paths in (images, others)
    )
    assert images == ["a.png", "sub/c.JPG"]
    assert others == [
        *("README", "b.gif", "broken.jpg", "pipe.png", "sub/notes.txt", "x.tmp.png")
    ]
    (tmp_path / "empty").mkdir()
    assert find_images(tmp_path / "empty") == ([], [])


def test_unreadable_sub_folder_is_named(tmp_path, monkeypatch):
    locked = tmp_path / "locked"
    locked.mkdir()
    iterdir = type(tmp_path).iterdir

    def guarded(path):
        if path == locked:
            raise PermissionError(13, "Permission denied", str(path))
        return iterdir(path)

    monkeypatch.setattr(type(tmp_path), "iterdir", guarded)
    assert find_images(tmp_path) == ([], [])
    with pytest.raises(InputError, match="locked: .*Permission denied"):
        find_images(tmp_path, recursive=True)


def test_folders_are_made_with_those_above_or_named(tmp_path):
    assert make_folder(tmp_path / "a" / "b").is_dir()
    assert make_folder(tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").write_text("x")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(InputError, match=f"{folder}: must be a folder"):
            make_folder(folder)


def test_a_folder_has_its_name_when_it_is_whole_and_the_old_one_comes_back(
    tmp_path, monkeypatch
):
    target = tmp_path / "deep" / "model"
    for content in ("old", "new"):
        with replacing_folder(target) as folder:
            (folder / "a").write_text(content)
            assert target.exists() == (content == "new")
        assert (target / "a").read_text() == content
    with pytest.raises(KeyboardInterrupt), replacing_folder(target) as folder:
        (folder / "a").write_text("half")
        raise KeyboardInterrupt
    rename = os.rename

    def fails(source, to):
        if to == target and (source / "a").read_text() == "newer":
            raise OSError(5, "Input/output error")
        rename(source, to)

    monkeypatch.setattr(os, "rename", fails)
    with pytest.raises(InputError, match="model: the folder .*Input/output error"):
        with replacing_folder(target) as folder:
            (folder / "a").write_text("newer")
    assert (target / "a").read_text() == "new"
    assert list(target.parent.iterdir()) == [target]
