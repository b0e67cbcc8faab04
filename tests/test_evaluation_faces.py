"""Painted faces are measured as `shared/weights/README.md` has measured others."""

import shutil

import cv2
import numpy as np
import pytest
from helpers import shared

from animegan_tf.errors import InputError
from animegan_tf.evaluation.evaluate import Settings, evaluate_folders
from animegan_tf.evaluation.faces import (
    NONE,
    FaceColors,
    FaceShapes,
    eye_height,
    open_faces,
)
from animegan_tf.evaluation.features import View, extract
from animegan_tf.evaluation.measures import PHOTOS
from animegan_tf.files import list_images
from animegan_tf.imaging.codec import read_image, write_image
from animegan_tf.imaging.color import from_lab, to_lab
from animegan_tf.imaging.landmarks import LandmarkDetector
from animegan_tf.imaging.networks import ANIME_CASCADE, PARTS

STEP = 10  # of the 74 photos


def pairs(method):
    photos = list_images(shared("data/photo/test"))[::STEP]
    folder = shared(f"data/peers/test_animeganv3_{method}")
    pictures = {path.stem: path for path in list_images(folder)}
    return [View(path) for path in photos], [View(pictures[p.stem]) for p in photos]


@pytest.fixture(scope="module")
def jpface():
    """What the Japanese-face model makes of some photos: anime, all skins white."""
    views = pairs("jpface")
    return [
        extract(kind(shared("weights")), *views) for kind in (FaceShapes, FaceColors)
    ]


@pytest.fixture(scope="module")
def hayao():
    """What the Hayao model makes of them: the photos in other strokes."""
    views = pairs("hayao36")
    return [
        extract(kind(shared("weights")), *views) for kind in (FaceShapes, FaceColors)
    ]


@pytest.mark.slow
def test_drawn_eyes_are_higher_and_found_by_the_cascade(jpface, hayao):
    drawn, kept = jpface[0], hayao[0]
    assert np.median(drawn["eyes"]) > 1.1
    assert np.median(kept["eyes"]) == pytest.approx(1, abs=0.05)
    assert drawn["anime"].mean() > 0.7 > 0.4 > kept["anime"].mean()
    assert kept["face"].all()
    assert np.median(kept["apart"]) < 0.01 < np.median(drawn["apart"])


@pytest.mark.slow
def test_white_skin_and_blue_eyes_are_far_from_the_photos(jpface, hayao):
    for part in ("skin", "hair", "iris"):
        assert jpface[1][part].mean() > 2 * hayao[1][part].mean(), part


@pytest.fixture(scope="module")
def photo():
    return read_image(list_images(shared("data/photo/test"))[40])


def test_a_photo_is_at_no_distance_from_itself(photo):
    for kind in (FaceShapes, FaceColors):
        found = kind(shared("weights")).run([photo], [photo])
        for name, zero in (("eyes", 1), ("apart", 0), ("skin", 0), ("iris", 0)):
            assert found.get(name, [zero])[0] == zero


def test_a_cast_alone_moves_no_colour_far(photo):
    lab = to_lab(photo)
    lab[..., 1:] += np.float32([-14, 10]) * np.clip(lab[..., :1] / 60, 0.3, 1)
    cast = from_lab(lab)
    found = FaceColors(shared("weights")).run([photo], [cast])
    assert found["skin"][0] < 0.6 * np.hypot(14, 10)


def test_a_smaller_picture_is_measured_at_the_photos_size(photo):
    small = cv2.resize(photo, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    found = FaceShapes(shared("weights")).run([photo], [small])
    assert found["eyes"][0] == pytest.approx(1, abs=0.1) and found["apart"][0] < 0.02


def test_a_photo_without_a_face_has_no_figures():
    blank = np.full((200, 200, 3), 90, np.uint8)
    found = FaceShapes(shared("weights")).run([blank], [blank])
    assert all(values == [NONE] for values in found.values())


def test_a_picture_without_its_face_counts_as_failed(photo):
    found = FaceShapes(shared("weights")).run([photo], [np.full_like(photo, 90)])
    assert found["face"][0] == 0 and found["anime"][0] == 0


def test_eye_height_is_a_share_of_the_eyes_distance(photo):
    mesh = LandmarkDetector(shared("weights"))(photo)[0]
    assert 0.05 < eye_height(mesh) < 0.25


def test_an_evaluation_tells_faces_and_what_it_left_out(tmp_path, photo):
    networks = tmp_path / "networks"
    shutil.copytree(shared("weights"), networks, copy_function=link)
    (networks / PARTS.name).unlink()
    for name in ("photos", "anime", "same"):
        (tmp_path / name).mkdir()
        write_image(tmp_path / name / "1.png", photo)
        write_image(tmp_path / name / "2.png", np.full((180, 180, 3), 90, np.uint8))
    found = evaluate_folders(
        tmp_path / "photos",
        [tmp_path / "anime"],
        {"same": tmp_path / "same"},
        Settings(networks=networks, size=161, resamples=20),
    )
    assert found.figures["same", "faces/eyes"].value == 1
    assert found.figures[PHOTOS, "faces/face"][:1] == (1.0,)
    assert any("without 1 of 2 pictures" in warning for warning in found.warnings)
    assert PARTS.name in found.left_out["Colours of face parts"]


def link(source, target):
    target = type(shared("weights"))(target)
    target.symlink_to(source)


def test_a_folder_without_the_networks_is_told(tmp_path):
    with pytest.raises(
        InputError, match="face_detection_short_range.tflite: a network"
    ):
        open_faces(tmp_path)


def test_a_damaged_cascade_is_told(tmp_path):
    shutil.copytree(shared("weights"), tmp_path / "n", copy_function=link)
    (tmp_path / "n" / ANIME_CASCADE.name).unlink()
    (tmp_path / "n" / ANIME_CASCADE.name).write_text("<no cascade")
    with pytest.raises(InputError, match="must be a cascade of local binary patterns"):
        open_faces(tmp_path / "n")
