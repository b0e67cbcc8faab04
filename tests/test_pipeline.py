"""Batches: what is in them, how they align, and that each depends on its step only."""

import dataclasses
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from animegan_tf.config import DataConfig
from animegan_tf.data import pipeline
from animegan_tf.data.pipeline import (
    Share,
    build_dataset,
    steps_per_epoch,
    validation_batch,
)
from animegan_tf.data.sources import Sources, load_sources
from animegan_tf.errors import InputError
from animegan_tf.imaging.codec import read_image, write_image
from animegan_tf.imaging.transform import square

SIDE, LOADED = 32, 40
KEYS = ("photo", "photo_superpixels", "anime", "anime_smooth")


def position_picture(number, partner):
    """R and G tell the column and the row, B the picture and which one it is."""
    rows, columns = np.mgrid[0:LOADED, 0:LOADED]
    blue = np.full_like(rows, 20 * number + 10 * partner)
    return np.stack([6 * columns, 6 * rows, blue], -1).astype(np.uint8)


@pytest.fixture
def data(tmp_path):
    return DataConfig(
        cache=tmp_path / "cache", image_size=SIDE, batch_size=3, crop=0.2, seed=5
    )


@pytest.fixture
def sources(tmp_path):
    """Seven photos and four anime pictures at the loading size."""
    paths = {}
    for key, count in zip(KEYS, (7, 7, 4, 4)):
        folder = tmp_path / key
        folder.mkdir()
        paths[key] = tuple(folder / f"{number}.png" for number in range(count))
        for number, path in enumerate(paths[key]):
            write_image(path, position_picture(number, "_" in key))
    return Sources(*paths.values())


@pytest.fixture(params=["memory", "files"])
def storage(request, monkeypatch):
    if request.param == "files":
        monkeypatch.setattr(pipeline, "MEMORY", 0)


def batches(sources, data, steps, start_step=0, **share):
    """Levels 0 to 255, as integers."""
    dataset = build_dataset(sources, data, steps, start_step, **share)
    return [
        {key: np.rint((value + 1) * 127.5).astype(int) for key, value in batch.items()}
        for batch in dataset.as_numpy_iterator()
    ]


def same(first, second):
    return len(first) == len(second) and all(
        np.array_equal(a[key], b[key]) for a, b in zip(first, second) for key in KEYS
    )


def numbers(stream, key):
    return [int(b) // 20 for batch in stream for b in batch[key][:, 0, 0, 2]]


def test_shapes_are_static_and_range_is_that_of_networks(sources, data):
    dataset = build_dataset(sources, data, 1)
    assert set(dataset.element_spec) == set(KEYS)
    (batch,) = dataset.as_numpy_iterator()
    for key in KEYS:
        assert dataset.element_spec[key].shape == (3, SIDE, SIDE, 3)
        assert batch[key].dtype == np.float32
        assert -1 <= batch[key].min() < -0.9 and 0.5 < batch[key].max() <= 1


def test_pairs_have_the_same_crop_and_flip(sources, data, storage):
    stream = batches(sources, data, 12)
    for one, other in (KEYS[:2], KEYS[2:]):
        for batch in stream:
            assert np.array_equal(batch[one][..., :2], batch[other][..., :2])
            assert (batch[other][..., 2] - batch[one][..., 2] == 10).all()


def test_painted_photos_have_their_photos_crop_and_flip(sources, data, storage):
    # The first photo as painted is the last one's file: not by number, but in order.
    painted = dataclasses.replace(sources, photo_painted=sources.photos[::-1])
    stream, without = batches(painted, data, 6), batches(sources, data, 6)
    assert same(stream, without)  # the others stay as they are
    for batch, other in zip(stream, without):
        assert set(batch) == {*KEYS, "photo_painted"} and set(other) == set(KEYS)
        assert np.array_equal(batch["photo_painted"][..., :2], batch["photo"][..., :2])
        number = batch["photo"][..., 2] // 20
        assert np.array_equal(batch["photo_painted"][..., 2] // 20, 6 - number)


def test_crops_and_flips_are_windows_of_the_picture_and_differ(sources, data):
    windows = []
    for batch in batches(sources, data, 30):
        columns, rows = batch["photo"][:, 0, :, 0] / 6, batch["photo"][:, :, 0, 1] / 6
        steps = np.diff(columns)
        assert (np.abs(steps) == 1).all() and (np.diff(rows) == 1).all()
        mirrored = steps[:, 0] == -1
        windows += zip(columns.min(1), rows.min(1), mirrored)
        assert len(set(windows[-3:])) > 1  # one draw each, not one a batch
    lefts, tops, mirrors = zip(*windows)
    assert set(lefts) == set(tops) == set(range(LOADED - SIDE + 1))
    assert 0.3 < np.mean(mirrors) < 0.7


def test_without_flip_and_crop_pictures_stay_whole(sources, data, tmp_path):
    plain = dataclasses.replace(data, flip=False, crop=0.0, image_size=LOADED)
    for batch in batches(sources, plain, 3):
        for key in KEYS:
            for image in batch[key]:
                number = image[0, 0, 2] // 20
                assert np.array_equal(image, position_picture(number, "_" in key))


def test_an_epoch_is_a_permutation_of_each_kind(sources, data):
    stream = batches(sources, data, 28)  # 84 pictures: 12 epochs of 7, 21 of 4
    for key, count in (("photo", 7), ("anime", 4)):
        order = np.reshape(numbers(stream, key), (-1, count))
        assert (np.sort(order) == np.arange(count)).all()
        assert len({tuple(epoch) for epoch in order}) > 3


def test_kinds_are_shuffled_apart(sources, data):
    sources = Sources(
        sources.photos, sources.photo_superpixels, sources.photos, sources.photos
    )
    stream = batches(sources, data, 7)
    assert numbers(stream, "photo") != numbers(stream, "anime")


@pytest.mark.parametrize("augment", [0.0, 1.0])
def test_start_step_gives_the_tail_of_the_stream(sources, data, storage, augment):
    data = dataclasses.replace(data, augment=augment)
    stream = batches(sources, data, 9)
    for start in (1, 4, 8):
        assert same(batches(sources, data, 9 - start, start), stream[start:])


@pytest.mark.parametrize("updates", [1, 2])
def test_shares_make_up_the_batch(sources, data, storage, updates):
    """Of two processes, one with two replicas; the colours are those of the whole.

    Of two updates a step, each has half of the batch and half of every part.
    """
    data = dataclasses.replace(data, batch_size=6, augment=0.8)
    whole = batches(sources, data, 2, 1)
    first, second = (
        batches(sources, data, 2, 1, share=Share(*numbers, 3, updates))
        for numbers in ((0, 2), (2, 1))
    )
    assert (len(first), len(second)) == (4, 2)
    for step, batch in enumerate(whole):
        parts = [*first[2 * step : 2 * step + 2], second[step]]
        for key in KEYS:
            halves = [np.split(part[key], updates) for part in parts]
            joined = np.concatenate([half for half in zip(*halves) for half in half])
            np.testing.assert_array_equal(joined, batch[key])


def test_the_stream_has_no_end_unless_asked(sources, data):
    endless = build_dataset(sources, data)
    assert endless.cardinality() < 0
    assert len(list(endless.take(20))) == 20
    assert len(batches(sources, data, 2)) == 2


def test_seed_decides(sources, data, storage):
    stream = batches(sources, data, 4)
    assert same(stream, batches(sources, data, 4))
    for seed in (6, -1, 2**40):
        assert not same(
            stream, batches(sources, dataclasses.replace(data, seed=seed), 4)
        )


def test_memory_and_files_give_the_same(sources, data, monkeypatch):
    stream = batches(sources, data, 5)
    monkeypatch.setattr(pipeline, "MEMORY", 0)
    assert same(stream, batches(sources, data, 5))


def test_colours_of_anime_change_together_and_photos_do_not(sources, data):
    alike = Sources(
        sources.photos, sources.photo_superpixels, sources.anime, sources.anime
    )
    plain = batches(alike, data, 4)
    for before, after in zip(
        plain, batches(alike, dataclasses.replace(data, augment=1.0), 4)
    ):
        assert np.array_equal(before["photo"], after["photo"])
        assert not np.array_equal(before["anime"], after["anime"])
        assert np.array_equal(after["anime"], after["anime_smooth"])


def test_any_size_mode_and_suffix(tmp_path, data):
    rng = np.random.default_rng(0)
    rgb = Image.fromarray(rng.integers(0, 256, (50, 70, 3), np.uint8))
    photos, anime = tmp_path / "photos", tmp_path / "anime"
    photos.mkdir()
    anime.mkdir()
    rotated = Image.Exif()
    rotated[0x0112] = 6
    rgb.save(photos / "wide.JPG")
    rgb.save(photos / "turned.jpeg", exif=rotated)
    rgb.convert("L").save(photos / "grey.png")
    rgb.convert("RGBA").save(photos / "alpha.webp")
    rgb.convert("P").resize((9, 300)).save(photos / "palette.png")
    rgb.resize((400, 300)).save(photos / "large.bmp")
    rgb.convert("1").save(anime / "bits.png")
    rgb.convert("LA").save(anime / "grey.alpha.png")
    data = dataclasses.replace(data, photos=photos, anime=anime, batch_size=2)
    stream = batches(load_sources(data, 20, "felzenszwalb"), data, 3)
    assert all(
        batch[key].shape == (2, SIDE, SIDE, 3) for batch in stream for key in KEYS
    )


def test_given_superpixels_stay_flat_when_they_are_resized(tmp_path, data):
    blocks = np.kron(np.eye(8)[..., None] * [200, 100, 50], np.ones((9, 9, 1)))
    for name in ("photos", "flat", "anime"):
        (tmp_path / name).mkdir()
        write_image(tmp_path / name / "a.png", blocks.astype(np.uint8))
    data = dataclasses.replace(
        data,
        photos=tmp_path / "photos",
        photo_superpixels=tmp_path / "flat",
        anime=tmp_path / "anime",
        batch_size=1,
    )
    (batch,) = batches(load_sources(data, 20, "felzenszwalb"), data, 1)
    colours = Counter(map(tuple, batch["photo_superpixels"].reshape(-1, 3)))
    assert set(colours) == {(0, 0, 0), (200, 100, 50)}
    assert len(set(map(tuple, batch["photo"].reshape(-1, 3)))) > 2


def test_a_file_lost_since_it_was_found_is_named(sources, data, storage):
    sources.anime_smooth[2].unlink()
    with pytest.raises(InputError, match="anime_smooth/2.png"):
        build_dataset(sources, data)


def test_steps_per_epoch(sources, data):
    assert steps_per_epoch(sources, data) == 2
    assert steps_per_epoch(sources, dataclasses.replace(data, batch_size=8)) == 1


def test_validation_batch(sources, data, tmp_path):
    batch = validation_batch(data, sources, 5)
    assert batch.shape == (5, SIDE, SIDE, 3) and batch.dtype == np.uint8
    for image, path in zip(batch, sources.photos):
        assert np.array_equal(image, square(read_image(path), SIDE))
    folder = tmp_path / "validation"
    folder.mkdir()
    given = dataclasses.replace(data, validation=folder)
    with pytest.raises(InputError, match="validation"):
        validation_batch(given, sources)
    (folder / "a.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match="a.png"):
        validation_batch(given, sources)
    write_image(folder / "b.png", position_picture(9, False))
    assert validation_batch(given, sources).shape == (1, SIDE, SIDE, 3)
