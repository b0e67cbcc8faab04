"""Drawings keep the photo's frame and people, and make their eyes larger."""

import dataclasses
import json

import cv2
import numpy as np
import pytest
import skimage.data
from helpers import shared
from illustrations import face_points

from animegan_tf.errors import InputError
from animegan_tf.illustration import ANIME, STYLES, Illustrator, Style, load_style
from animegan_tf.illustration.beard import certainty
from animegan_tf.illustration.drawing import Canvas, brush, step
from animegan_tf.illustration.eyes import drawn_iris
from animegan_tf.illustration.flow import along, tangents
from animegan_tf.illustration.head import Head
from animegan_tf.illustration.skin import base_tone
from animegan_tf.imaging.balance import skin_color
from animegan_tf.imaging.color import to_lab
from animegan_tf.imaging.landmarks import LandmarkDetector


@pytest.fixture(scope="module")
def photo():
    """A woman in an orange suit, 300 x 330, her face 110 pixels high."""
    return np.ascontiguousarray(skimage.data.astronaut()[:330, 90:390])


@pytest.fixture(scope="module")
def illustrator():
    return Illustrator(shared("weights"))


@pytest.fixture(scope="module")
def seen(illustrator, photo):
    return illustrator.see(photo)


@pytest.fixture(scope="module")
def drawing(illustrator, photo, seen):
    return illustrator(photo, seen)


def eye_height(mesh):
    """Height of both eyes over their distance."""
    points = mesh.points
    high = sum(np.linalg.norm(points[a] - points[b]) for a, b in LIDS)
    return high / np.linalg.norm(points[33] - points[263])


LIDS = ((159, 145), (386, 374))


def test_a_drawing_has_the_photos_shape_and_no_chance_in_it(
    illustrator, photo, seen, drawing
):
    assert drawing.shape == photo.shape and drawing.dtype == np.uint8
    np.testing.assert_array_equal(illustrator(photo, seen), drawing)


@pytest.mark.parametrize("style, least", [("anime", 1.15), ("webtoon", 1.05)])
def test_eyes_are_drawn_higher(photo, seen, style, least):
    drawn = Illustrator(shared("weights"), STYLES[style])(photo, seen)
    mesh = LandmarkDetector(shared("weights"), refined=False)
    before, after = (eye_height(mesh(image)[0]) for image in (photo, drawn))
    assert after / before > least


def test_anime_draws_larger_eyes_than_webtoon():
    anime, webtoon = STYLES["anime"], STYLES["webtoon"]
    assert anime.eye_height > webtoon.eye_height
    assert anime.eye_width > webtoon.eye_width


def test_skin_is_flat_and_keeps_its_hue(photo, seen, drawing):
    mesh = seen.meshes[0]
    before, after = (skin_color(to_lab(image), mesh) for image in (photo, drawing))
    assert after[0] > before[0]
    hues = [np.rad2deg(np.arctan2(b, a)) for _, a, b in (before, after)]
    assert abs(hues[0] - hues[1]) < 25
    x, y = mesh.points[[50, 280]].astype(int).T
    rough = [
        np.mean([image[b - 4 : b + 5, a - 4 : a + 5].std() for a, b in zip(x, y)])
        for image in (photo, drawing)
    ]
    assert rough[1] < 0.6 * rough[0]


def test_a_larger_photo_is_drawn_alike(illustrator, photo, drawing):
    size = photo.shape[1] * 3 // 2, photo.shape[0] * 3 // 2
    larger = illustrator(cv2.resize(photo, size, interpolation=cv2.INTER_CUBIC))
    reduced = cv2.resize(larger, photo.shape[1::-1], interpolation=cv2.INTER_AREA)
    difference = np.abs(reduced.astype(float) - drawing)
    assert np.mean(difference) < 5


def test_every_face_of_a_group_is_drawn(illustrator, photo):
    small = cv2.resize(photo, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
    group = np.full((330, 300 + small.shape[1], 3), 120, np.uint8)
    group[:, :300] = photo
    group[40 : 40 + small.shape[0], 300:] = small
    seen = illustrator.see(group)
    assert len(seen.meshes) == 2
    drawn = illustrator(group, seen)
    for mesh in seen.meshes:
        x, y = mesh.points[[50, 280]].mean(0).astype(int)
        window = np.s_[y - 5 : y + 6, x - 5 : x + 6]
        assert np.abs(drawn[window].astype(float) - group[window]).mean() > 10


def test_what_shows_no_face_is_painted_flat(illustrator, photo):
    ground = photo[-60:].repeat(2, axis=0)
    drawn = illustrator(ground)
    assert drawn.shape == ground.shape
    assert len(np.unique(drawn.reshape(-1, 3), axis=0)) < len(
        np.unique(ground.reshape(-1, 3), axis=0)
    )


def test_skin_stays_in_order_and_dark_stays_dark():
    skins = np.array([[light, 14, 18] for light in range(25, 96, 5)], float)
    drawn = np.array([base_tone(skin, ANIME)[0] for skin in skins])
    assert np.all(np.diff(drawn) > 0)
    assert np.all(drawn - skins[:, 0] <= 15)
    assert drawn[0] < 40


@pytest.mark.parametrize(
    "iris, white, hue",
    [
        ((26, 3, -1.5), (59, 5, 4), (-140, -90)),  # grey-blue in a dim room
        ((39, 0, -2), (67, 5, 4), (-140, -90)),
        ((14, 3, 1), (50, 4, 3), (50, 65)),  # nearly black: brown
        ((15, 2, 3), (31, 6, 7), (50, 65)),  # in the dark
        ((42, 4, 12), (64, 7, 10), (65, 80)),  # hazel keeps its own
        ((40, 1, -18), (80, 5, -5), (-95, -80)),  # blue keeps its own
    ],
)
def test_the_white_of_an_eye_tells_the_colour_of_a_gray_iris(iris, white, hue):
    light, a, b = drawn_iris(iris, white)
    assert hue[0] <= np.rad2deg(np.arctan2(b, a)) <= hue[1]
    assert iris[0] < light < iris[0] + 9 and np.hypot(a, b) > 6.9


@pytest.mark.parametrize(
    "covered, stronger, least, largest",
    [
        (1.0, 0.9, 1, 1),  # a beard
        (0.5, 1.0, 1, 1),  # a short one
        (0.5, 1.5, 0, 0.5),  # as dark, but redder than skin: shade
        (0.0, 1.0, 0, 0),  # on the cheeks only
    ],
)
def test_a_beard_covers_chin_and_upper_lip(covered, stronger, least, largest):
    points = face_points((100, 100), 120)
    points[2], points[17] = (100, 110), (100, 135)  # below the nose and the mouth
    head = Head(points, drawn=points)
    canvas = Canvas(np.zeros((200, 200, 3), np.float32))
    region = np.zeros((200, 200), np.float32)
    region[108:, 60:140] = 1
    beard = region.copy()
    beard[:, 84:116] *= covered
    got = certainty(canvas, head, beard, region, stronger)
    assert least <= got <= largest


def test_a_stroke_is_as_wide_as_it_is_told():
    outline = brush([(10, 20), (30, 20), (50, 20)], (2, 6, 2))
    middle = outline[np.abs(outline[:, 0] - 30) < 0.5]
    assert np.ptp(middle[:, 1]) == pytest.approx(6, abs=0.1)


def test_a_fill_covers_its_area_and_nothing_outside():
    canvas = Canvas(np.zeros((20, 30, 3), np.float32))
    canvas.fill([(5, 5), (14, 5), (14, 14), (5, 14)], (1, 0.5, 0))
    assert canvas.picture[10, 10] == pytest.approx([1, 0.5, 0])
    assert canvas.picture[:, 17:].max() == 0
    canvas.fill([(100, 100), (110, 100), (105, 110)], (1, 1, 1))  # beside it
    assert canvas.picture[:, 17:].max() == 0


def test_a_step_rises_and_falls():
    x = np.array([-1, 0, 0.5, 1, 2])
    np.testing.assert_allclose(step(x, 0, 1), [0, 0, 0.5, 1, 1])
    np.testing.assert_allclose(step(x, 1, 0), [1, 1, 0.5, 0, 0])


def test_smoothing_along_edges_takes_noise_and_leaves_stripes():
    rng = np.random.default_rng(0)
    stripes = np.tile((np.arange(64) // 8 % 2).astype(np.float32), (64, 1))
    noisy = stripes + rng.normal(0, 0.2, stripes.shape).astype(np.float32)
    smooth = along(noisy, tangents(noisy, 1.0, 6.0), 6)
    inner = np.s_[8:-8, 8:-8]
    assert np.abs(smooth - stripes)[inner].mean() < 0.5 * 0.2
    assert np.ptp(smooth[32, 8:-8]) > 0.8


def test_a_style_survives_json(tmp_path):
    style = dataclasses.replace(ANIME, eye_width=1.1, blush=0.0)
    path = tmp_path / "mine.json"
    path.write_text(style.to_json())
    assert load_style(str(path)) == style
    path.write_text(json.dumps({"blush": 0}))
    assert load_style(str(path)) == dataclasses.replace(ANIME, blush=0)


@pytest.mark.parametrize(
    "text, told",
    [
        ('{"eye_size": 2}', "eye_size"),
        ('{"eye_width": 9}', "eye_width must be a number from 1 to 2, received 9"),
        ('{"eye_width": "wide"}', "received 'wide'"),
        ('{"eye_width": NaN}', "received nan"),
        ("[1]", "must be an object"),
        ("{", "must be a JSON file"),
    ],
)
def test_a_wrong_style_file_is_told_in_a_sentence(tmp_path, text, told):
    path = tmp_path / "mine.json"
    path.write_text(text)
    with pytest.raises(InputError, match="mine.json") as error:
        load_style(str(path))
    assert told in str(error.value)


def test_an_unknown_style_lists_the_known_ones():
    with pytest.raises(InputError, match="anime, webtoon"):
        load_style("manga")


def test_every_setting_has_bounds_that_hold_its_default():
    for field in dataclasses.fields(Style):
        assert field.metadata["low"] <= field.default <= field.metadata["high"]
        assert field.metadata["help"]


def test_networks_that_are_missing_are_told_before_a_photo_is_read(tmp_path):
    with pytest.raises(InputError, match=str(tmp_path)):
        Illustrator(tmp_path)
