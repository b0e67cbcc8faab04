"""Finding the files of a run: checks, pairs, and the cache of derived pictures."""

import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from animegan_tf.config import DataConfig
from animegan_tf.data import cache
from animegan_tf.data.sources import load_sources, loading_size, matched
from animegan_tf.errors import InputError
from animegan_tf.imaging.codec import read_image, write_image
from animegan_tf.imaging.smoothing import edge_smooth
from animegan_tf.imaging.superpixel import superpixels
from animegan_tf.imaging.transform import square


def draw(folder, names, size=(36, 44)):
    """Pictures of random blocks, each its own, as files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        rng = np.random.default_rng(sum(name.encode()))
        blocks = rng.integers(0, 256, (4, 4, 3), np.uint8)
        image = Image.fromarray(blocks).resize(size, Image.Resampling.NEAREST)
        write_image(folder / name, np.array(image))


@pytest.fixture
def data(tmp_path):
    draw(tmp_path / "photos", ["a.jpg", "a.png", "b.jpeg", "c.webp", "d.bmp"])
    draw(tmp_path / "anime", ["x.png", "y.PNG", "z.jpg"])
    return DataConfig(
        photos=tmp_path / "photos",
        anime=tmp_path / "anime",
        cache=tmp_path / "cache",
        image_size=32,
        batch_size=2,
        crop=0.2,
    )


def load(data, min_size=20, method="felzenszwalb", **changes):
    return load_sources(dataclasses.replace(data, **changes), min_size, method)


def test_partners_are_made_at_the_loading_size(data):
    sources = load(data)
    assert loading_size(data) == 40
    assert [p.name for p in sources.photos] == "a.jpg a.png b.jpeg c.webp d.bmp".split()
    assert len(set(sources.photo_superpixels)) == 5
    for photo, partner in zip(sources.photos, sources.photo_superpixels):
        expected = superpixels(square(read_image(photo), 40), min_size=20)
        assert np.array_equal(read_image(partner), expected)
    for anime, partner in zip(sources.anime, sources.anime_smooth):
        expected = edge_smooth(square(read_image(anime), 40))
        assert np.array_equal(read_image(partner), expected)
    assert sources.skipped == ()


def test_slic_and_other_sizes_have_files_of_their_own(data):
    first = load(data).photo_superpixels
    for other in (
        load(data, method="slic"),
        load(data, 30),
        load(data, crop=0.0),
    ):
        assert not set(first) & set(other.photo_superpixels)


def test_the_cache_is_made_once(data, monkeypatch):
    first = load(data)
    files = [*first.photo_superpixels, *first.anime_smooth]
    times = [path.stat().st_mtime_ns for path in files]

    def unexpected(path):
        raise AssertionError(f"{path} was decoded again")

    monkeypatch.setattr(cache, "read_image", unexpected)
    assert load(data) == first
    assert [path.stat().st_mtime_ns for path in files] == times


def test_only_what_changed_is_made_again(data):
    first = load(data)
    for path in first.photo_superpixels:
        os.utime(path, (1, 1))
    draw(data.photos, ["a.png"], size=(50, 44))
    first.photo_superpixels[3].unlink()
    first.photo_superpixels[4].write_bytes(b"cut short")
    again = load(data).photo_superpixels
    assert again == first.photo_superpixels
    made = [path.stat().st_mtime > 1 for path in again]
    assert made == [False, True, False, True, True]
    expected = superpixels(square(read_image(data.photos / "a.png"), 40), min_size=20)
    assert np.array_equal(read_image(again[1]), expected)


def test_a_damaged_record_only_costs_time(data):
    first = load(data)
    for record in data.cache.rglob("*.json"):
        record.write_text("{")
    assert load(data) == first


def test_undecodable_pictures_are_named_counted_and_left_out(data, capsys):
    (data.photos / "b.jpeg").write_bytes(b"no picture")
    for _ in range(2):  # a failure is not forgotten when the rest is remembered
        sources = load(data)
        assert [p.name for p in sources.photos] == "a.jpg a.png c.webp d.bmp".split()
        assert len(sources.photo_superpixels) == 4
        ((path, reason),) = sources.skipped
        assert path == data.photos / "b.jpeg" and "b.jpeg" in reason
        error = capsys.readouterr().err
        assert str(path) in error and "left out 1 of 5" in error
    draw(data.photos, ["b.jpeg"])
    assert len(load(data).photos) == 5


def test_an_undecodable_partner_takes_its_picture_along(data, tmp_path):
    draw(tmp_path / "smooth", ["x.png", "y.PNG", "z.png"])
    (tmp_path / "smooth" / "y.PNG").write_bytes(b"no picture")
    sources = load(data, anime_smooth=tmp_path / "smooth")
    assert [path.name for path in sources.anime] == ["x.png", "z.jpg"]
    assert [path.name for path in sources.anime_smooth] == ["x.png", "z.png"]


def test_too_few_pictures(data):
    (data.anime / "x.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match="anime: .* 3 usable .* received 2 of 3"):
        load(data, batch_size=3)


def test_a_folder_that_is_missing_or_not_given(data):
    for name in ("photos", "anime", "anime_smooth"):
        with pytest.raises(InputError, match="nowhere"):
            load(data, **{name: Path("nowhere")})
    for name in ("photos", "anime"):
        with pytest.raises(InputError, match=f"--{name} must name"):
            load(data, **{name: None})


def test_cache_that_is_a_file(data):
    data.cache.write_text("")
    with pytest.raises(InputError, match="cache: must be a folder"):
        load(data)


def test_given_partners_match_by_name_then_by_stem(data, tmp_path):
    folder = tmp_path / "flat"
    draw(folder, ["a.png", "a.jpg.png", "b.png", "c.webp", "d.jpg", "unused.png"])
    found = load(data, photo_superpixels=folder).photo_superpixels
    assert [p.name for p in found] == "a.jpg.png a.png b.png c.webp d.jpg".split()


def test_missing_partners_are_named_and_counted(data, tmp_path):
    draw(tmp_path / "flat", ["a.png", "b.png"])
    # a.png belongs to the photo of that name, so a.jpg has none.
    with pytest.raises(InputError, match="flat: .* for 3: a.jpg, c.webp, d.bmp"):
        load(data, photo_superpixels=tmp_path / "flat")


def test_painted_photos_are_matched_and_take_their_photos_along(data, tmp_path):
    assert load(data).photo_painted == ()
    folder = tmp_path / "painted"
    names = ["a.jpg.png", "a.png", "b.png", "c.png", "d.png", "unused.png"]
    draw(folder, names)
    given = dataclasses.replace(data, photo_painted=folder)
    sources = load(given)
    assert [path.name for path in sources.photo_painted] == names[:5]
    (folder / "b.png").write_bytes(b"no picture")
    (data.photos / "d.bmp").write_bytes(b"no picture")
    sources = load(given)
    assert [path.name for path in sources.photos] == ["a.jpg", "a.png", "c.webp"]
    assert [path.name for path in sources.photo_painted] == names[:2] + names[3:4]
    assert len(sources.photo_superpixels) == 3
    assert {path.name for path, _ in sources.skipped} == {"b.png", "d.bmp"}
    assert len(sources.skipped) == 2
    (folder / "c.png").unlink()
    with pytest.raises(InputError, match="painted: .* for 1: c.webp"):
        load(given)
    with pytest.raises(InputError, match="nowhere"):
        load(data, photo_painted=Path("nowhere"))


def test_partner_of_other_proportions(data, tmp_path):
    draw(tmp_path / "smooth", ["x.png", "y.PNG"])
    draw(tmp_path / "smooth", ["z.png"], size=(44, 36))
    with pytest.raises(InputError, match="z.png: .* 36 x 44, received 44 x 36"):
        load(data, anime_smooth=tmp_path / "smooth")


def test_upstream_layout_is_found_without_flags(data, tmp_path):
    root = tmp_path / "dataset"
    draw(root / "train_photo", ["1.jpg", "2.jpg"])
    draw(root / "seg_train_5-0.8-50", ["1.png", "2.png"])
    draw(root / "Hayao" / "style", ["1.jpg", "2.jpg"])
    draw(root / "Hayao" / "smooth", ["1.jpg", "2.jpg"])
    given = dataclasses.replace(
        data, photos=root / "train_photo", anime=root / "Hayao" / "style", batch_size=1
    )
    sources = load(given, 50)
    assert {p.parent.name for p in sources.photo_superpixels} == {"seg_train_5-0.8-50"}
    assert {p.parent.name for p in sources.anime_smooth} == {"smooth"}
    # Superpixels of another kind are not what that folder holds.
    for other in (
        load(given, 100),
        load(given, 50, "slic"),
    ):
        assert all(p.is_relative_to(data.cache) for p in other.photo_superpixels)


def test_noise_is_made_where_the_settings_ask_for_it(data):
    rng = np.random.default_rng(0)
    for path in data.anime.iterdir():
        write_image(path, rng.integers(0, 200, (48, 48, 3), dtype="uint8"))
    noisy, plain = (load(data, noise=noise).anime_smooth for noise in (0.1, 0.0))
    for path in noisy:
        white = (read_image(path) == 255).all(-1).mean()
        assert abs(white - 0.1) < 0.01
    assert not set(plain) & set(noisy)
    assert (read_image(plain[0]) == 255).all(-1).mean() < 0.01


@pytest.mark.parametrize("noise, name", [(0.0, "smooth"), (0.1, "smooth_noise")])
def test_folders_beside_the_style_are_found_by_their_noise(data, tmp_path, noise, name):
    for folder in ("style", "smooth", "smooth_noise"):
        draw(tmp_path / "Shinkai" / folder, ["a.png", "b.png"])
    found = load(data, anime=tmp_path / "Shinkai" / "style", noise=noise).anime_smooth
    assert {path.parent.name for path in found} == {name}


@pytest.mark.parametrize(
    "pictures, partners, expected",
    [
        ("a.jpg b.png", "a.png b.png unused.png", "a.png b.png"),
        ("a.jpg a.png", "a.jpg.png a.png.png", "a.jpg.png a.png.png"),
        ("a.jpg a.png c.webp", "a.png a.jpg.png c.bmp", "a.jpg.png a.png c.bmp"),
        ("a.jpg a.png", "a.png", "- a.png"),
        ("a.jpg a.png", "a.webp", "- -"),
        ("a.jpg b.jpg", "a.png a.bmp b.png", "- b.png"),
    ],
)
def test_partners_match_by_name_or_by_a_stem_of_their_own(pictures, partners, expected):
    pictures = [Path("one", name) for name in pictures.split()]
    found = matched(pictures, [Path("two", name) for name in partners.split()])
    names = [found[path].name if path in found else "-" for path in pictures]
    assert " ".join(names) == expected
