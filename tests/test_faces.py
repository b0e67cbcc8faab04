"""Faces: what the detector finds, and how the frame lies around a face."""

import json
import sys
from dataclasses import asdict

import cv2
import numpy as np
import pytest
from skimage import data

from animegan_tf.errors import InputError
from animegan_tf.imaging import faces
from animegan_tf.imaging.alignment import (
    FILLS,
    align_face,
    alignment,
    canonical_landmarks,
)
from animegan_tf.imaging.faces import FaceDetector
from animegan_tf.imaging.transform import resize

# Where mtcnn 1.0.0 finds the face of `skimage.data.astronaut()`.
BOX = (182, 64, 83, 107)
LANDMARKS = np.array([(204, 100), (245, 102), (224, 126), (202, 139), (244, 140)])


@pytest.fixture(scope="module")
def detector():
    return FaceDetector()


@pytest.fixture(scope="module")
def astronaut():
    return data.astronaut()


def similarity(scale, degrees, x=0.0, y=0.0):
    """A 2 x 3 matrix that turns, scales and shifts."""
    turn = scale * np.exp(1j * np.radians(degrees))
    return np.array([[turn.real, -turn.imag, x], [turn.imag, turn.real, y]])


def moved(points, transform):
    return points @ transform[:, :2].T + transform[:, 2]


def chain(second, first):
    """The transform that does `first`, then `second`."""
    return (np.vstack([second, [0, 0, 1]]) @ np.vstack([first, [0, 0, 1]]))[:2]


def difference(a, b):
    return np.abs(a.astype(int) - b).mean()


# Detection


def test_astronaut_is_found_where_she_is(detector, astronaut):
    (face,) = detector(astronaut)
    np.testing.assert_allclose(face.box, BOX, atol=2)
    np.testing.assert_allclose(face.landmarks, LANDMARKS, atol=2)
    assert 0.99 < face.confidence <= 1


def test_face_is_made_of_plain_floats(detector, astronaut):
    (face,) = detector(astronaut)
    numbers = [*face.box, *sum(face.landmarks, ()), face.confidence]
    assert len(numbers) == 15 and {type(number) for number in numbers} == {float}
    json.dumps(asdict(face))


def test_detection_is_repeatable(detector, astronaut):
    assert FaceDetector()(astronaut) == detector(astronaut)


def test_six_faces_are_found_largest_first(detector, astronaut):
    head = astronaut[20:220, 120:320]
    sides = [200, 120, 160, 100, 180, 140]
    montage = np.full((410, 610, 3), 90, np.uint8)
    for i, side in enumerate(sides):
        top, left = 205 * (i // 3), 205 * (i % 3)
        montage[top : top + side, left : left + side] = resize(head, side, side)
    found = detector(montage)
    assert len(found) == 6
    areas = [face.box[2] * face.box[3] for face in found]
    assert areas == sorted(areas, reverse=True)
    columns = [sides.index(side) % 3 for side in sorted(sides, reverse=True)]
    assert [int(face.box[0] // 205) for face in found] == columns


@pytest.mark.parametrize("size", [(1, 1), (12, 3), (3, 12), (21, 25), (5000, 20)])
@pytest.mark.parametrize("make", [np.zeros, np.ones])
def test_no_face_is_an_empty_list_at_odd_sizes(detector, size, make):
    assert detector(make((*size, 3), np.uint8) * 200) == []


def test_picture_without_a_face_gives_an_empty_list(detector):
    assert detector(data.coffee()) == []


def test_large_picture_is_reduced_and_its_coordinates_scaled_back(detector, astronaut):
    large = cv2.resize(astronaut, (2560, 2048), interpolation=cv2.INTER_CUBIC)
    (face,) = detector(large)
    expected = (LANDMARKS + 0.5) * [5, 4] - 0.5
    np.testing.assert_allclose(face.landmarks, expected, atol=8)
    assert FaceDetector(max_side=32)(large) == []


def test_box_of_a_face_cut_by_the_border_lies_inside_the_picture(detector, astronaut):
    cut = np.ascontiguousarray(astronaut[80:, 195:])
    (face,) = detector(cut)
    x, y, width, height = face.box
    assert x == 0 or y == 0
    assert x + width <= cut.shape[1] and y + height <= cut.shape[0]
    assert width > 0 and height > 0


def test_confidence_decides_what_is_a_face(astronaut):
    assert FaceDetector(min_confidence=1)(astronaut) == []


def test_one_face_is_reported_once():
    whole = faces.Face((10.0, 10.0, 100.0, 120.0), (), 0.99)
    mouth = faces.Face((30.0, 70.0, 60.0, 70.0), (), 0.93)
    other = faces.Face((105.0, 20.0, 90.0, 110.0), (), 0.92)
    empty = faces.Face((0.0, 0.0, 0.0, 9.0), (), 0.95)
    found = [mouth, other, empty, whole]
    assert faces._distinct(found, [f.confidence for f in found]) == [whole, other]
    assert faces._distinct(found, [0.9, 0.9, 0.9, 0]) == [other, mouth]


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_turned_face_is_found_on_request_and_aligned_upright(
    detector, astronaut, quarters
):
    picture = np.ascontiguousarray(np.rot90(astronaut[:260, 90:350], quarters))
    assert detector(picture) == []
    (face,) = FaceDetector(turned=True)(picture)
    (upright,) = detector(np.ascontiguousarray(astronaut[:260, 90:350]))
    np.testing.assert_allclose(sorted(face.box[2:]), sorted(upright.box[2:]))
    aligned, expected = (
        align_face(image, alignment(found.landmarks, 64), 64)
        for image, found in [(picture, face), (astronaut[:260, 90:350], upright)]
    )
    assert difference(aligned, expected) < 1


def test_upright_and_turned_faces_of_one_picture_are_found(astronaut):
    head = astronaut[20:220, 120:320]
    turns = [np.ascontiguousarray(np.rot90(head, quarters)) for quarters in range(4)]
    montage = np.vstack([np.hstack(turns[:2]), np.hstack(turns[2:])])
    found = FaceDetector(turned=True)(montage)
    assert len(found) == 4
    expected = alignment(LANDMARKS - [120, 20], 64)
    for face in found:
        column, row = (int(corner // 200) for corner in face.box[:2])
        linear = alignment(face.landmarks, 64)[:, :2]
        turn = np.degrees(np.arctan2(linear[1, 0], linear[0, 0]))
        wanted = np.degrees(np.arctan2(expected[1, 0], expected[0, 0]))
        wanted += 90 * (2 * row + column)
        assert abs((turn - wanted + 180) % 360 - 180) < 4


class Reading:
    """Stands in for MTCNN: sees one face, unturned, and again in second looks."""

    def __init__(self, second_looks=()):
        self.second_looks = second_looks

    def detect_faces(self, image, **options):
        if image[0, 0, 0] < 255 and len(image) not in self.second_looks:
            return np.zeros((0, 16))
        points = canonical_landmarks(len(image), 0.5)
        corners = [*points.min(0), *points.max(0)]
        return np.array([[0, *corners, 0.95, *points[:, 0], *points[:, 1]]])


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("second_looks", [(), (128,), (192,)])
def test_face_among_turned_ones_must_be_found_again(monkeypatch, turned, second_looks):
    picture = np.zeros((300, 300, 3), np.uint8)
    picture[0, 0] = 255
    monkeypatch.setattr(faces, "_mtcnn", lambda: Reading(second_looks))
    found = FaceDetector(turned=turned)(picture)
    assert len(found) == (1 if second_looks or not turned else 0)


def test_float_picture_is_refused(detector, astronaut):
    with pytest.raises(ValueError, match="uint8 RGB.*received float32"):
        detector(astronaut.astype(np.float32) / 255)


@pytest.mark.parametrize(
    "arguments", [{"min_confidence": 1.5}, {"max_side": 0}, {"min_confidence": -1}]
)
def test_detector_refuses_values_out_of_range(arguments):
    with pytest.raises(InputError, match=f"{next(iter(arguments))} must"):
        FaceDetector(**arguments)


def test_missing_package_is_named_with_the_way_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "mtcnn", None)
    with pytest.raises(InputError, match=r'mtcnn.*pip install -e "\.\[prepare\]"'):
        FaceDetector()


# Alignment


@pytest.mark.parametrize("margin", [0, 0.25, 1])
def test_canonical_face_is_upright_symmetric_and_framed_by_the_margin(margin):
    points = canonical_landmarks(100, margin)
    middle = 49.5  # pixel centres are integers
    np.testing.assert_allclose(points[:2].mean(0)[0], middle)
    np.testing.assert_allclose(points[[0, 3]] + points[[1, 4]] * [1, -1], [[99, 0]] * 2)
    eyes = points[1, 0] - points[0, 0]
    np.testing.assert_allclose(eyes * 2.91 * (1 + 2 * margin), 100)
    assert points.min() > 0 and points.max() < 99


def test_default_frame_has_the_documented_geometry():
    points = canonical_landmarks(256)
    assert (points[1, 0] - points[0, 0]) / 256 == pytest.approx(0.23, abs=0.005)
    assert (points[0, 1] + 0.5) / 256 == pytest.approx(0.48, abs=0.005)


def test_canonical_landmarks_scale_with_the_frame():
    small, large = canonical_landmarks(64), canonical_landmarks(256)
    np.testing.assert_allclose((small + 0.5) * 4, large + 0.5)


@pytest.mark.parametrize("scale, degrees", [(0.3, 10), (1, 0), (7, -170), (2, 90)])
def test_alignment_recovers_a_similarity(scale, degrees):
    known = similarity(scale, degrees, 31.0, -12.5)
    source = moved(canonical_landmarks(128), cv2.invertAffineTransform(known))
    transform = alignment(source.tolist(), 128)
    np.testing.assert_allclose(transform, known, atol=1e-6)
    assert transform.dtype == np.float64 and transform.shape == (2, 3)
    np.testing.assert_allclose(moved(source, transform), canonical_landmarks(128))


def test_alignment_is_the_best_similarity():
    rng = np.random.default_rng(0)
    target = canonical_landmarks(128)
    source = target + rng.normal(0, 6, (5, 2))
    best = alignment(source, 128)

    def loss(transform):
        return ((moved(source, transform) - target) ** 2).sum()

    for scale, degrees, x, y in rng.normal(0, [0.01, 0.5, 0.3, 0.3], (50, 4)):
        other = chain(similarity(1 + scale, degrees, x, y), best)
        assert loss(best) < loss(other)


def test_alignment_never_mirrors():
    rng = np.random.default_rng(0)
    mirrored = canonical_landmarks(64) * [-1, 1]
    for source in [mirrored, *rng.normal(0, 20, (20, 5, 2))]:
        linear = alignment(source, 64)[:, :2]
        assert np.linalg.det(linear) > 0
        np.testing.assert_allclose(linear[0], linear[1, ::-1] * [1, -1], atol=1e-12)


def test_landmarks_in_one_point_are_refused():
    with pytest.raises(ValueError, match="landmarks must span a face"):
        alignment([(3.0, 4.0)] * 5, 64)


@pytest.mark.parametrize("size, margin", [(0, 0.2), (64, -0.1), (64, float("nan"))])
def test_frame_out_of_range_is_refused(size, margin):
    with pytest.raises(InputError, match="must be at least"):
        canonical_landmarks(size, margin)


# Resampling


def test_copy_turned_scaled_and_moved_aligns_to_the_same_picture(astronaut):
    move = similarity(1.3, 35, 60, -90)
    copy = cv2.warpAffine(astronaut, move, (700, 700), flags=cv2.INTER_CUBIC)
    expected = align_face(astronaut, alignment(LANDMARKS, 96, 0), 96)
    aligned = align_face(copy, alignment(moved(LANDMARKS, move), 96, 0), 96)
    assert difference(aligned, expected) < 2


@pytest.mark.parametrize("fill", FILLS)
def test_identity_returns_the_picture(astronaut, fill):
    picture = astronaut[:96, 150:246]
    aligned = align_face(picture, similarity(1, 0), 96, fill)
    np.testing.assert_array_equal(aligned, picture)


@pytest.mark.parametrize("size", [300, 128, 51, 20])
def test_pure_scaling_equals_antialiased_resizing(astronaut, size):
    scale = size / 512
    transform = similarity(scale, 0, scale / 2 - 0.5, scale / 2 - 0.5)
    aligned = align_face(astronaut, transform, size)
    # Sampling between pixels before reducing softens a little, aliasing would not.
    assert difference(aligned, resize(astronaut, size, size)) < 2


@pytest.mark.parametrize("side", [200, 500, 1501])
def test_fine_checkerboard_shrinks_to_grey(side):
    line = np.arange(side) % 2
    board = np.where(line ^ line[:, None], 255, 0).astype(np.uint8)
    scale = 32 / side
    transform = chain(
        similarity(1, 0, 16, 16),
        chain(similarity(scale * 1.5, 30), similarity(1, 0, -side / 2, -side / 2)),
    )
    aligned = align_face(np.repeat(board[..., None], 3, 2), transform, 32)
    assert np.abs(aligned.astype(int) - 127.5).max() < 8


OUTSIDE = {
    "corners": similarity(0.5, 45, 20, -10),
    "beside": similarity(1, 10, 500, 0),
    "far": similarity(0.01, 0, -1e6, 1e6),
    "tiny picture": similarity(1e-3, 20, 30, 30),
    "enlarged": similarity(40, 0, 3e4, -100),
}


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("shape", [(60, 60), (1, 1), (5, 90)])
@pytest.mark.parametrize("transform", OUTSIDE.values(), ids=OUTSIDE)
def test_constant_picture_stays_constant_in_and_outside(transform, shape, fill):
    for value in (255, 93):
        picture = np.full((*shape, 3), value, np.uint8)
        aligned = align_face(picture, transform, 64, fill)
        assert aligned.shape == (64, 64, 3) and aligned.dtype == np.uint8
        np.testing.assert_array_equal(aligned, value)


def test_reflected_fill_is_the_mirror_image_again_and_again():
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (8, 8, 3)).astype(np.uint8)
    aligned = align_face(picture, similarity(1, 0, 28, 28), 64, "reflect")
    expected = np.pad(picture, ((28, 28), (28, 28), (0, 0)), "symmetric")
    np.testing.assert_array_equal(aligned, expected)


def test_blurred_fill_leaves_the_picture_untouched_and_loses_detail_outside():
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (60, 100, 3)).astype(np.uint8)
    aligned = align_face(picture, similarity(1, 0, 0, 20), 100, "blur")
    np.testing.assert_array_equal(aligned[20:80], picture)
    detail = np.abs(np.diff(aligned.astype(int), axis=1)).mean((1, 2))
    assert detail[:10].max() < 0.1 * detail[20:80].mean()


def test_picture_wider_than_opencv_can_sample(astronaut):
    wide = np.pad(astronaut[:200, :300], ((0, 0), (40000, 0), (0, 0)))
    transform = similarity(0.5, 0, -20000, 0)
    expected = align_face(astronaut[:200, :300], similarity(0.5, 0), 90)
    assert difference(align_face(wide, transform, 90)[:, 10:], expected[:, 10:]) < 1


def test_align_face_refuses_what_it_cannot_do(astronaut):
    with pytest.raises(InputError, match="fill must be one of reflect, blur"):
        align_face(astronaut, similarity(1, 0), 64, "black")
    with pytest.raises(InputError, match="size must be at least 1"):
        align_face(astronaut, similarity(1, 0), 0)
    with pytest.raises(ValueError, match="transform must be invertible"):
        align_face(astronaut, np.zeros((2, 3)), 64)
    with pytest.raises(ValueError, match="uint8 RGB"):
        align_face(astronaut[..., 0], similarity(1, 0), 64)
