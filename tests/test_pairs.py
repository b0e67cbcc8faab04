"""Pairs of photo and drawing, and the crops that training sees of them."""

import shutil

import numpy as np
import pytest
from illustrations import SIDE, eye_centres, face_points, picture, write_pairs

from animegan_tf.data.crops import CropBatches, PairCrops
from animegan_tf.data.degrade import degrade
from animegan_tf.data.importance import importance_map
from animegan_tf.data.pairs import Pair, find_pairs, load_pairs, split_pairs
from animegan_tf.errors import InputError
from animegan_tf.imaging.codec import write_image


def pair(seed, scale=1):
    """A pair whose drawing is the photo, at `scale` times its size."""
    points = face_points((30 + seed, 32), 36)
    photo = picture(seed, points)
    drawing = np.repeat(np.repeat(photo, scale, 0), scale, 1)
    importance = importance_map(points[None] * scale, SIDE * scale, SIDE * scale)
    return Pair(photo, np.dstack([drawing, importance]), points[None])


@pytest.fixture
def crops():
    return PairCrops([pair(seed) for seed in range(4)], 7, (20, 60), degraded=0.0)


@pytest.mark.parametrize("size", [32, 48, 64])
def test_photo_and_drawing_get_the_same_geometry(crops, size):
    for number in range(20):
        photo, drawing = crops.draw(number, size)
        np.testing.assert_array_equal(photo, drawing[..., :3])


def test_a_drawing_of_twice_the_size_lies_on_its_photo():
    larger = PairCrops([pair(0, scale=2)], 7, (30, 60), degraded=0.0)
    for number in range(10):
        photo, drawing = larger.draw(number, 48)
        difference = photo.astype(float) - drawing[..., :3]
        assert np.abs(difference).mean() < 3


def test_the_importance_lies_on_the_eyes(crops):
    seen = 0
    for number in range(20):
        photo, drawing = crops.draw(number, 64)
        red = (photo[..., 0] > 200) & (photo[..., 1] < 60)
        seen += red.sum()
        assert drawing[..., 3][red].min(initial=255) > 200
    assert seen > 100
    points = face_points()
    importance = importance_map(points[None], SIDE, SIDE)
    for x, y in eye_centres(points):
        assert importance[round(float(y)), round(float(x))] > 250
    assert 80 < importance[42, 32] < 120  # the mouth
    assert importance[5, 5] == importance[60, 60] == 0


def test_a_crop_depends_on_seed_and_number_alone(crops):
    again = PairCrops([pair(seed) for seed in range(4)], 7, (20, 60), degraded=0.0)
    other = PairCrops([pair(seed) for seed in range(4)], 8, (20, 60), degraded=0.0)
    first = crops.draw(5, 32)
    np.testing.assert_array_equal(again.draw(5, 32)[1], first[1])
    assert np.any(other.draw(5, 32)[1] != first[1])
    assert np.any(crops.draw(6, 32)[1] != first[1])
    photos, drawings = CropBatches(crops, 32, 2, first=4, batches=3)[0]
    np.testing.assert_array_equal(photos[1], first[0])
    np.testing.assert_array_equal(drawings[1], first[1])


def test_the_photo_alone_is_degraded(crops):
    worse = PairCrops([pair(seed) for seed in range(4)], 7, (20, 60), degraded=1.0)
    changed = 0
    for number in range(8):
        photo, drawing = worse.draw(number, 32)
        np.testing.assert_array_equal(drawing, crops.draw(number, 32)[1])
        changed += np.any(photo != crops.draw(number, 32)[0])
    assert changed > 4


def test_degraded_photos_keep_their_places():
    points = face_points()
    photo = picture(0, points)
    for seed in range(30):
        worse = degrade(photo, 40, np.random.default_rng(seed)).astype(float)
        redness = worse[..., 0] - worse[..., 1]
        place = np.unravel_index(redness.argmax(), redness.shape)[::-1]
        assert min(np.hypot(*(place - eye)) for eye in eye_centres(points)) < 4


def test_small_faces_come_in_groups():
    crops = PairCrops([pair(seed) for seed in range(4)], 7, (20, 20.1), degraded=0.0)
    counts = []
    for number in range(10):
        photo, _ = crops.draw(number, 128)
        red = (photo[..., 0] > 160) & (photo[..., 1] < 90)
        parts = red.reshape(4, 32, 4, 32).any(axis=(1, 3))
        counts.append(parts.sum())
    assert np.mean(counts) > 8


def test_held_out_stems_are_not_among_those_learned(tmp_path):
    photos, illustrated = write_pairs(tmp_path)
    listed = tmp_path / "stems.txt"
    listed.write_text("face_1\nface_4\nno_such_face\n")
    training, held = split_pairs(photos, illustrated, listed)
    assert [files.stem for files in held] == ["face_1", "face_4"]
    assert [files.stem for files in training] == [
        "face_0",
        "face_2",
        "face_3",
        "face_5",
    ]
    listed.write_text("no_such_face\n")
    with pytest.raises(InputError, match="received 0 to hold out"):
        split_pairs(photos, illustrated, listed)


def test_what_the_illustrator_left_out_is_passed_over(tmp_path):
    photos, illustrated = write_pairs(tmp_path)
    write_image(photos / "cat.png", picture(9, face_points()))
    write_image(illustrated / "sheet.png", picture(9, face_points()))
    assert len(find_pairs(photos, illustrated)) == 6


def test_several_faces_of_a_picture(tmp_path):
    photos, illustrated = write_pairs(tmp_path, 1)
    two = np.stack([face_points((20, 32), 20), face_points((44, 32), 20)])
    np.savez(illustrated / "landmarks.npz", face_0=two)
    (loaded,) = load_pairs(find_pairs(photos, illustrated))
    assert loaded.faces.shape == (2, 478, 2)
    for points in two:
        for x, y in eye_centres(points):
            assert loaded.drawing[round(float(y)), round(float(x)), 3] > 200


def damage(photos, illustrated, how):
    """Makes one thing wrong with pairs."""
    path = illustrated / "landmarks.npz"
    with np.load(path) as file:
        landmarks = dict(file)
    if how == "no landmarks":
        path.unlink()
        return
    if how == "no npz":
        path.write_text("text")
        return
    if how == "no photo":
        (photos / "face_2.png").unlink()
    elif how == "no drawing":
        (illustrated / "face_2.png").unlink()
    elif how == "other names":
        for file in photos.iterdir():
            file.rename(file.with_name(f"other_{file.name}"))
        landmarks = {}
    elif how == "two of a stem":
        shutil.copy(photos / "face_2.png", photos / "face_2.webp")
    elif how == "no points":
        del landmarks["face_2"]
    elif how == "468 points":
        landmarks["face_2"] = landmarks["face_2"][:468]
    elif how == "nan":
        landmarks["face_2"][0] = np.nan
    elif how == "outside":
        landmarks["face_2"] += 100
    elif how == "proportions":
        write_image(illustrated / "face_2.png", np.zeros((64, 70, 3), np.uint8))
    np.savez(path, **landmarks)


@pytest.mark.parametrize(
    "how, named",
    [
        ("no landmarks", "landmarks.npz: .*no such file"),
        ("no npz", "landmarks.npz: .*readable .npz"),
        ("no photo", "photos: .*none for face_2"),
        ("no drawing", "illustrated: .*none for face_2"),
        ("other names", "no match"),
        ("two of a stem", "face_2.png and face_2.webp"),
        ("no points", "landmarks.npz: .*none for face_2"),
        ("468 points", r"face_2 .*received \(468, 2\)"),
        ("nan", "face_2 must hold finite"),
        ("outside", "face of face_2 must lie in its photo, 64 x 64"),
        ("proportions", "face_2.png: .*received 70 x 64"),
    ],
)
def test_pairs_that_do_not_fit_are_refused(tmp_path, how, named):
    photos, illustrated = write_pairs(tmp_path)
    damage(photos, illustrated, how)
    with pytest.raises(InputError, match=named):
        load_pairs(find_pairs(photos, illustrated))
