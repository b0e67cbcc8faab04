"""Faces are seen where MediaPipe's finer model sees them, at any size and tilt."""

import cv2
import numpy as np
import pytest
from helpers import shared

from animegan_tf.errors import InputError
from animegan_tf.imaging import landmarks
from animegan_tf.imaging.codec import read_image
from animegan_tf.imaging.landmarks import FaceMesh, LandmarkDetector
from animegan_tf.imaging.networks import DETECTION, HAIR, MESH, Network
from animegan_tf.imaging.squares import Square

LIDS = landmarks.LEFT_EYE + landmarks.RIGHT_EYE
IRISES = landmarks.LEFT_IRIS + landmarks.RIGHT_IRIS


@pytest.fixture(scope="module")
def detector():
    return LandmarkDetector(shared("weights"))


def reference():
    """Photos and MediaPipe's points of them; to it, pixel centres lie at halves."""
    points = np.load(shared("data/landmarks_478.npz"))
    names = sorted(name for name in points if name.startswith("test/"))[::9]
    for name in names:
        yield read_image(shared(f"data/photo/{name}.jpg")), points[name] - 0.5


@pytest.fixture(scope="module")
def photo():
    return next(reference())


def distances(mesh, points):
    """Of each point, as a share of the face's height."""
    height = np.linalg.norm(points[landmarks.CHIN] - points[landmarks.FOREHEAD])
    return np.linalg.norm(mesh.points - points, axis=1) / height


def test_points_lie_where_the_finer_model_has_them(detector):
    apart = np.array([distances(detector(photo)[0], at) for photo, at in reference()])
    assert np.median(apart) < 0.01
    assert np.median(apart[:, list(LIDS)]) < 0.008
    assert np.median(apart[:, list(IRISES)]) < 0.008


def test_eyes_are_readable_and_named_as_seen(detector, photo):
    mesh = detector(photo[0])[0]
    left, right = mesh.points[list(LIDS)].reshape(2, 16, 2).mean(1)
    assert left[0] < right[0]
    assert mesh.readable_eyes == (True, True)
    centre, *ring = mesh.points[list(landmarks.RIGHT_IRIS)]
    for point, way in zip(ring, ((1, 0), (0, -1), (-1, 0), (0, 1))):
        assert np.dot(point - centre, way) > 0.9 * np.linalg.norm(point - centre)


def test_a_small_face_in_a_large_picture_is_found(detector, photo):
    image, points = photo
    height = np.linalg.norm(points[landmarks.CHIN] - points[landmarks.FOREHEAD])
    factor = 48 / height
    small = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    scene = np.full((1100, 1500, 3), 120, np.uint8)
    scene[700 : 700 + len(small), 900 : 900 + small.shape[1]] = small
    (mesh,) = detector(scene)
    assert np.median(distances(mesh, points * factor + [900, 700])) < 0.03


def test_a_face_that_fills_the_picture_is_found(detector, photo):
    image, points = photo
    left, top = np.maximum(points[: landmarks.MESH_POINTS].min(0).astype(int), 0)
    right, bottom = points[: landmarks.MESH_POINTS].max(0).astype(int)
    (mesh,) = detector(np.ascontiguousarray(image[top:bottom, left:right]))
    assert np.median(distances(mesh, points - [left, top])) < 0.03


@pytest.mark.parametrize("degrees", (-30, 30))
def test_a_tilted_face_is_found(detector, photo, degrees):
    image, points = photo
    centre = points.mean(0)
    turn = cv2.getRotationMatrix2D(centre.tolist(), degrees, 1)
    tilted = cv2.warpAffine(image, turn, image.shape[1::-1])
    mesh = detector(tilted)[0]
    assert np.median(distances(mesh, points @ turn[:, :2].T + turn[:, 2])) < 0.02


def test_several_faces_come_the_largest_first(detector, photo):
    image = photo[0]
    small = cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    scene = np.zeros((len(image), image.shape[1] + small.shape[1], 3), np.uint8)
    scene[: len(small), : small.shape[1]] = small
    scene[:, small.shape[1] :] = image
    large, little = detector(scene)
    assert little.height == pytest.approx(large.height / 2, rel=0.05)


def test_no_face_is_an_empty_list(detector):
    noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)
    assert detector(noise) == []
    assert detector(np.zeros((1, 1, 3), np.uint8)) == []


def test_unrefined_points_are_the_mesh_alone(detector, photo):
    refined, plain = detector(photo[0])[0], LandmarkDetector(shared("weights"), False)
    moved = np.linalg.norm(plain(photo[0])[0].points - refined.points, axis=1) > 1e-3
    assert moved[list(LIDS)].all()
    assert not moved[list(landmarks.FACE_OVAL + landmarks.LIPS + IRISES)].any()


def test_height_runs_from_forehead_to_chin():
    points = np.zeros((478, 2), np.float32)
    points[landmarks.CHIN] = 30, 40
    assert FaceMesh(points, points[:468, 0], 1.0).height == 50


def test_a_square_and_its_way_back_agree():
    y, x = np.mgrid[:300, :200].astype(np.float32)
    image = np.stack([x, y / 2, 0 * x], -1).astype(np.uint8)
    crop, way_back = Square(np.array([90.0, 140.0]), 120, 0.4).cut(image, 60)
    place = way_back @ [20, 30, 1]
    np.testing.assert_allclose(crop[30, 20, :2], place * [1, 0.5], atol=1)


def test_a_missing_network_is_told_with_the_command(tmp_path):
    with pytest.raises(InputError, match=r"received none; `python tools/prepare.py"):
        LandmarkDetector(tmp_path)


def test_a_damaged_network_is_told(tmp_path):
    (tmp_path / MESH.name).write_bytes(b"no network")
    with pytest.raises(InputError, match="must be a LiteRT file"):
        Network(tmp_path, MESH)


def test_another_network_is_told_by_its_shapes(tmp_path):
    content = (shared("weights") / DETECTION.name).read_bytes()
    (tmp_path / HAIR.name).write_bytes(content)
    with pytest.raises(InputError, match=r"shapes \(1, 512, 512, 4\), .* received"):
        Network(tmp_path, HAIR)
