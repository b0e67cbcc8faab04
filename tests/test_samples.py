"""Drawn portraits: same person twice, and the folders written from them."""

import dataclasses
import itertools
import json

import cv2
import numpy as np
import pytest

from animegan_tf import samples
from animegan_tf.errors import InputError
from animegan_tf.samples import files
from animegan_tf.samples.portrait import CLOTHES, SKINS, STYLES

SEEDS = range(8)
RED, BLUE = (150, 66, 34), (40, 60, 160)


def plain(seed=3, **changes):
    """A person with long hair, without glasses or beard, changed as asked."""
    looks = {"style": "long", "fringe": "full", "glasses": False, "beard": ""}
    return dataclasses.replace(samples.random_portrait(seed), **{**looks, **changes})


def changed(draw, first, second, size=128):
    """Mask of the pixels in which two people's pictures clearly differ."""
    pictures = [draw(person, size).astype(int) for person in (first, second)]
    return np.abs(pictures[0] - pictures[1]).max(axis=2) > 12


def gradient(picture):
    """Largest step to the right or lower neighbour over the channels, (h, w)."""
    steps = [np.abs(np.diff(picture.astype(int), axis=axis)) for axis in (0, 1)]
    return np.maximum(steps[0][:, :-1], steps[1][:-1]).max(axis=2)


def hue(colour):
    """Hue of an RGB colour in degrees."""
    pixel = np.float32(colour).reshape(1, 1, 3) / 255
    return float(cv2.cvtColor(pixel, cv2.COLOR_RGB2HSV)[0, 0, 0])


def read_all(folder):
    """Bytes of every file below a folder by relative name."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.mark.parametrize("draw", [samples.draw_photo, samples.draw_anime])
def test_same_seed_gives_same_bytes(draw):
    first, second = (samples.random_portrait(5) for _ in range(2))
    assert first == second
    np.testing.assert_array_equal(draw(first, 96), draw(second, 96))


@pytest.mark.parametrize("draw", [samples.draw_photo, samples.draw_anime])
def test_different_seeds_give_different_people(draw):
    pictures = [draw(samples.random_portrait(seed), 64).astype(int) for seed in SEEDS]
    for first, second in itertools.combinations(pictures, 2):
        assert np.abs(first - second).mean() > 5


@pytest.mark.parametrize("draw", [samples.draw_photo, samples.draw_anime])
@pytest.mark.parametrize("size", [32, 97, 256, 700])
def test_picture_is_square_uint8_with_contrast(draw, size):
    picture = draw(samples.random_portrait(1), size)
    assert picture.shape == (size, size, 3)
    assert picture.dtype == np.uint8
    assert picture.std() > 20


@pytest.mark.parametrize("draw", [samples.draw_photo, samples.draw_anime])
def test_every_hair_style_and_garment_looks_different(draw):
    looks = [
        {"style": style, "fringe": fringe}
        for style, shape in STYLES.items()
        for fringe in shape.fringes
    ]
    looks += [{"clothes": clothes} for clothes in CLOTHES]
    looks += [{"beard": "full"}, {"beard": "stubble"}, {"glasses": True}]
    # One of the garments and one of the hair styles are what `plain` wears.
    base = plain(masculine=True, clothes="tee")
    pictures = [draw(dataclasses.replace(base, **look), 64) for look in looks]
    assert len({picture.tobytes() for picture in pictures}) == len(looks) - 1


def test_random_people_cover_styles_and_respect_the_tables():
    people = [samples.random_portrait(seed) for seed in range(300)]
    assert {person.style for person in people} == set(STYLES)
    assert {person.clothes for person in people} == set(CLOTHES)
    assert {person.skin for person in people} == set(SKINS)
    assert all(p.fringe in STYLES[p.style].fringes for p in people)
    assert all(p.masculine for p in people if p.beard)
    assert 20 < sum(person.glasses for person in people) < 120


@pytest.mark.parametrize("seed", SEEDS)
def test_hair_lies_in_the_same_place_with_the_same_hue(seed):
    red, blue = plain(seed, hair=RED), plain(seed, hair=BLUE)
    masks = [changed(d, red, blue) for d in (samples.draw_photo, samples.draw_anime)]
    overlap = (masks[0] & masks[1]).sum() / (masks[0] | masks[1]).sum()
    assert overlap > 0.75
    both = masks[0] & masks[1]
    for person, colour in ((red, RED), (blue, BLUE)):
        photo = samples.draw_photo(person, 128)[both].mean(axis=0)
        anime = samples.draw_anime(person, 128)[both].mean(axis=0)
        assert abs(hue(photo) - hue(colour)) < 15
        assert abs(hue(anime) - hue(colour)) < 15
        assert anime.max() > photo.max()


@pytest.mark.parametrize("seed", SEEDS)
def test_anime_eyes_are_larger_and_in_the_same_place(seed):
    pair = plain(seed, eye=RED), plain(seed, eye=BLUE)
    photo, anime = (
        np.argwhere(changed(draw, *pair, size=256))
        for draw in (samples.draw_photo, samples.draw_anime)
    )
    assert len(photo) > 20
    assert len(anime) > 3 * len(photo)
    assert np.abs(photo.mean(axis=0) - anime.mean(axis=0)).max() < 0.05 * 256


@pytest.mark.parametrize("seed", SEEDS)
def test_anime_is_flat_and_photo_is_noisy(seed):
    person = samples.random_portrait(seed)
    photo, anime = samples.draw_photo(person, 128), samples.draw_anime(person, 128)
    flat = gradient(anime) <= 1
    assert flat.mean() > 0.55
    assert (gradient(photo) <= 1).mean() < 0.1
    # Where the anime has no detail at all, the photo still has sensor noise.
    quiet = cv2.erode(flat.astype(np.uint8), np.ones((5, 5))) > 0
    ripple = cv2.Laplacian(photo.astype(np.float32), cv2.CV_32F)[:-1, :-1][quiet]
    assert ripple.std() > 4


def test_anime_is_brighter_and_more_saturated_on_average():
    means = []
    for draw in (samples.draw_photo, samples.draw_anime):
        pictures = [draw(samples.random_portrait(seed), 64) for seed in SEEDS]
        hsv = [cv2.cvtColor(picture, cv2.COLOR_RGB2HSV) for picture in pictures]
        means.append(np.mean(hsv, axis=(0, 1, 2)))
    assert means[1][1] > means[0][1] + 10
    assert means[1][2] > means[0][2] + 25


def test_folder_layout_and_pairs(tmp_path):
    samples.write_samples(tmp_path, photos=3, anime=2, size=48, seed=4, validation=2)
    names = [f"portrait_{index:05d}.png" for index in range(3)]
    expected = {f"train_photo/{name}" for name in names}
    expected |= {f"Sample/style/{name}" for name in names[:2]}
    expected |= {f"{sub}/{name}" for sub in ("val", "val_anime") for name in names[:2]}
    files = read_all(tmp_path)
    assert set(files) == expected | {"samples.json"}
    record = json.loads(files.pop("samples.json"))
    assert record["photos"] == 3 and record["seed"] == 4
    assert len(set(files.values())) == len(files)
    picture = cv2.imread(str(tmp_path / "train_photo" / names[0]))
    assert picture.shape == (48, 48, 3)


def test_written_pictures_are_the_drawn_ones_in_rgb_order(tmp_path, monkeypatch):
    person = plain(cloth=(186, 52, 56))
    monkeypatch.setattr(samples.files, "random_portrait", lambda seed: person)
    samples.write_samples(tmp_path, photos=1, anime=1, size=64, validation=1)
    draws = {"train_photo": samples.draw_photo, "val": samples.draw_photo}
    draws |= {"Sample/style": samples.draw_anime, "val_anime": samples.draw_anime}
    for name, draw in draws.items():
        written = cv2.imread(str(tmp_path / name / "portrait_00000.png"))
        np.testing.assert_array_equal(written[..., ::-1], draw(person, 64))


def test_training_is_unpaired_and_validation_is_unseen(tmp_path, monkeypatch):
    met, original = [], samples.random_portrait

    def recorded(seed):
        met.append(seed)
        return original(seed)

    monkeypatch.setattr(samples.files, "random_portrait", recorded)
    for seed in (0, 1):
        folder = tmp_path / str(seed)
        samples.write_samples(folder, 4, 3, size=16, seed=seed, validation=2)
    for start in (0, 11):
        photos, anime = met[start : start + 4], met[start + 4 : start + 7]
        val, val_anime = met[start + 7 : start + 9], met[start + 9 : start + 11]
        assert val == val_anime
        assert len({*photos, *anime, *val}) == 9
    assert not set(met[:11]) & set(met[11:])


def test_bytes_depend_on_the_seed_only(tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        samples.write_samples(tmp_path / name, 2, 2, size=32, seed=seed, validation=1)
    first, second, third = (read_all(tmp_path / name) for name in "abc")
    assert first == second
    assert not set(first.values()) & set(third.values())


def test_second_call_leaves_files_alone(tmp_path):
    def stamps():
        files = (path for path in tmp_path.rglob("*") if path.is_file())
        return {path: path.stat().st_mtime_ns for path in files}

    arguments = {"photos": 2, "anime": 2, "size": 32, "validation": 1}
    samples.write_samples(tmp_path, **arguments)
    before = stamps()
    samples.write_samples(tmp_path, **arguments)
    assert stamps() == before
    lost = tmp_path / "val" / "portrait_00000.png"
    lost.unlink()
    samples.write_samples(tmp_path, **arguments)
    assert lost.is_file()


def test_other_arguments_replace_the_pictures(tmp_path):
    samples.write_samples(tmp_path, 3, 1, size=32, validation=1)
    samples.write_samples(tmp_path, 2, 1, size=40, validation=1)
    photos = sorted((tmp_path / "train_photo").iterdir())
    assert len(photos) == 2
    assert cv2.imread(str(photos[0])).shape == (40, 40, 3)


@pytest.mark.parametrize("earlier", [None, 1, 2])
def test_interrupted_run_leaves_no_record(tmp_path, monkeypatch, earlier):
    def fail(portrait, size):
        raise KeyboardInterrupt

    if earlier:
        samples.write_samples(tmp_path, earlier, 2, size=32, seed=1, validation=1)
    with monkeypatch.context() as patch:
        patch.setattr(samples.files, "draw_anime", fail)
        with pytest.raises(KeyboardInterrupt):
            samples.write_samples(tmp_path, 2, 2, size=32, validation=1)
    assert not (tmp_path / "samples.json").exists()
    samples.write_samples(tmp_path, 2, 2, size=32, validation=1)
    result = read_all(tmp_path)
    samples.write_samples(tmp_path / "whole", 2, 2, size=32, validation=1)
    assert result == read_all(tmp_path / "whole")


def test_foreign_pictures_are_never_replaced(tmp_path):
    (tmp_path / "val").mkdir()
    (tmp_path / "val" / "mother.png").write_bytes(b"mine")
    with pytest.raises(InputError, match="mother.png"):
        samples.write_samples(tmp_path, 1, 1, size=32, validation=1)
    assert read_all(tmp_path) == {"val/mother.png": b"mine"}


@pytest.mark.parametrize(
    "wrong", [{"photos": -1}, {"anime": 100_001}, {"size": 8}, {"seed": -1}]
)
def test_numbers_out_of_range_are_refused(tmp_path, wrong):
    arguments = {"photos": 1, "anime": 1, "size": 32, **wrong}
    with pytest.raises(InputError, match=f"{next(iter(wrong))}="):
        samples.write_samples(tmp_path, **arguments)


def test_held_out_people_are_in_no_folder_of_any_seed():
    people = samples.held_out_people(100_000)
    assert samples.held_out_people(3) == people[:3]
    for seed in (0, 1, 999):
        for _, drawn in files._plan(100_000, 100_000, seed, 100_000).values():
            assert len(drawn) == 100_000
            assert drawn[-1] < people[0] or drawn[0] > people[-1]
    for count in (0, 100_001):
        with pytest.raises(InputError, match=f"received {count}"):
            samples.held_out_people(count)


@pytest.mark.parametrize("seed", SEEDS)
def test_regions_have_the_colour_of_their_attribute_alone(seed):
    person = plain(seed)
    regions = samples.attribute_regions(person, 128)
    assert list(regions) == ["hair", "eye", "skin"]
    assert all(
        regions[name].sum() > least for name, least in zip(regions, (500, 3, 500))
    )
    assert not (regions["hair"] & regions["skin"]).any()
    for name, region in regions.items():
        other = dataclasses.replace(person, **{name: RED if name != "skin" else BLUE})
        for draw in (samples.draw_photo, samples.draw_anime):
            before, after = (draw(p, 128).astype(int) for p in (person, other))
            moved = np.abs(before - after).max(axis=2)
            if getattr(person, name) != getattr(other, name):
                assert np.median(moved[region]) > 8, name
            # Its colour does not show in the region of another.
            rest = {"hair": "skin", "skin": "hair", "eye": "skin"}[name]
            assert np.median(moved[regions[rest]]) == 0, name


def test_who_has_no_hair_has_no_region_of_it():
    bald = plain(5, style="bald", fringe="bald", masculine=True)
    regions = samples.attribute_regions(bald, 256)
    assert not regions["hair"].any()
    assert regions["skin"].sum() > 5000 and regions["eye"].any()
