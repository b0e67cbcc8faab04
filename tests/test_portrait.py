"""Portraits: faces cut out, painted and laid back, wherever and however they lie."""

import cv2
import numpy as np
import pytest
from runtime_standin import StandIn, negative
from skimage import data
from skimage.registration import phase_cross_correlation

from animegan_tf.errors import InputError
from animegan_tf.imaging.alignment import canonical_landmarks
from animegan_tf.imaging.codec import read_image, write_image
from animegan_tf.imaging.faces import Face
from animegan_tf.imaging.transform import shrink
from animegan_tf.inference import Stylizer, stylize_files
from animegan_tf.inference.runtimes import KerasRuntime
from animegan_tf.models import build_generator

FACE_HEIGHT = 2 / 3  # of the frame


def face_at(x, y, height, degrees=0):
    """The `Face` whose frame has its centre at a point of the photo."""
    turn = np.exp(1j * np.radians(degrees)) * height / FACE_HEIGHT
    points = (canonical_landmarks(1) @ [1, 1j]) * turn + (x + 1j * y)
    landmarks = np.stack([points.real, points.imag], 1)
    corner, far = landmarks.min(0), landmarks.max(0)
    return Face((*corner, *(far - corner)), tuple(map(tuple, landmarks)), 0.99)


def portrait(painter, *faces, rest="keep", **options):
    detector = options.pop("detector", lambda photo: list(faces))
    return Stylizer(painter, faces=rest, detector=detector, **options)


@pytest.fixture(scope="module")
def photo():
    """480 x 512, without detail finer than interpolations keep."""
    return cv2.GaussianBlur(data.astronaut(), (0, 0), 6)[:480]


def difference(a, b):
    return np.abs(a.astype(int) - b)


# Geometry


def check_place(photo, face, x, y, height):
    """A face lies where it was, before and after it is painted."""
    assert difference(portrait(StandIn(), face)(photo), photo).max() <= 2
    picture = portrait(StandIn(negative), face)(photo)
    reach = max(1, round(0.2 * height))
    rows, columns = (slice(max(0, c - reach), c + reach + 1) for c in (y, x))
    middle = difference(picture, 255 - photo)[rows, columns]
    assert middle.size and middle.max() <= 2


@pytest.mark.parametrize("degrees", range(0, 360, 30))
@pytest.mark.parametrize("height", [20, 140])
def test_face_comes_back_where_it_was_at_any_rotation(photo, height, degrees):
    check_place(photo, face_at(250.3, 200.8, height, degrees), 250, 201, height)


@pytest.mark.parametrize("height", [20, 33, 80, 171, 400, 800])
def test_face_comes_back_where_it_was_at_any_size(photo, height):
    large = cv2.resize(photo, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    check_place(large, face_at(500, 460, height, -12), 500, 460, height)


@pytest.mark.parametrize("x, y", [(0, 0), (511, 240), (250, 479), (260, -20)])
def test_face_cut_by_the_border_is_painted_up_to_it(photo, x, y):
    face = face_at(x, y, 120, 25)
    check_place(photo, face, x, y, 120)
    # Not as far as the opposite corner.
    picture = portrait(StandIn(negative), face)(photo)
    far = 479 - np.clip(y, 0, 479), 511 - np.clip(x, 0, 511)
    np.testing.assert_array_equal(picture[far], photo[far])


@pytest.mark.parametrize("degrees", [0, 17, 90, 200])
@pytest.mark.parametrize("height", [60, 150, 300])
def test_fine_detail_is_not_shifted(height, degrees):
    rng = np.random.default_rng(0)
    texture = cv2.GaussianBlur(rng.normal(128, 255, (500, 500, 3)), (0, 0), 1.5)
    texture = np.clip(texture, 0, 255).astype(np.uint8)
    # Only what is painted is bright: nothing of the photo counts.
    dark = texture // 2
    painter = StandIn(lambda image: cv2.add(image, image))
    picture = portrait(painter, face_at(250.4, 240.7, height, degrees))(dark)
    half = height // 4
    here = np.s_[240 - half : 241 + half, 250 - half : 251 + half]
    assert difference(picture, texture)[here].mean() < 6
    shift = phase_cross_correlation(
        *(image[here].mean(2) for image in (texture, picture)),
        upsample_factor=100,
        normalization=None,
    )[0]
    assert np.abs(shift).max() < 0.1


@pytest.mark.parametrize("degrees", [0, 90, 180, 300])
def test_painter_sees_the_face_upright_as_in_training(degrees):
    astronaut = data.astronaut()
    face = face_at(225, 110, 100)
    matrix = cv2.getRotationMatrix2D((225, 110), -degrees, 1)
    turned = cv2.warpAffine(astronaut, matrix, (512, 512), flags=cv2.INTER_CUBIC)
    painters = StandIn(), StandIn()
    portrait(painters[0], face)(astronaut)
    portrait(painters[1], face_at(225, 110, 100, degrees))(turned)
    upright, seen = painters[0].given[0], painters[1].given[0]
    assert upright.shape == (256, 256, 3)
    centre = np.s_[60:200, 60:200]
    assert difference(upright, seen)[centre].mean() < 3


# Size of the frame


@pytest.mark.parametrize(
    "height, side", [(20, 256), (170, 256), (200, 304), (266.6, 400), (900, 1024)]
)
def test_frame_has_the_pixels_of_the_photo_within_bounds(photo, height, side):
    painter = StandIn()
    portrait(painter, face_at(250, 200, height))(photo)
    assert painter.given[0].shape == (side, side, 3)


@pytest.mark.parametrize(
    "options, largest, smallest",
    [
        ({"max_side": 500}, 496, 256),
        ({"max_side": 100}, 96, 96),
        ({"sides": (320, 320)}, 320, 320),
    ],
)
def test_frame_fits_what_the_stylizer_paints_at_once(options, largest, smallest):
    ramp = np.add.outer(np.arange(480), np.arange(512)) // 4
    ramp = np.dstack([ramp, 255 - ramp, ramp // 2]).astype(np.uint8)
    painter = StandIn(sides=options.pop("sides", None))
    faces = face_at(250, 200, 700), face_at(99, 99, 30)
    picture = portrait(painter, *faces, **options)(ramp)
    assert [len(frame) for frame in painter.given] == [largest, smallest]
    assert difference(picture, ramp).max() <= 2


def test_sides_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="squares.*320 x 256"):
        portrait(StandIn(sides=(256, 320)))
    with pytest.raises(ValueError, match="'blur'"):
        portrait(StandIn(), rest="blur")


# Several faces


def test_twenty_faces_of_all_positions_are_painted():
    photo = np.full((400, 500, 3), 20, np.uint8)
    places = [(50 + 100 * i, 50 + 100 * j) for i in range(5) for j in range(4)]
    faces = [face_at(x, y, 30 + x % 30, 37 * y) for x, y in places]
    painter = StandIn(negative)
    picture = portrait(painter, *faces)(photo)
    assert len(painter.given) == 20
    for x, y in places:
        assert picture[y, x].min() >= 230
        np.testing.assert_array_equal(picture[y - 50, x - 50], 20)


def test_faces_cheek_to_cheek_each_keep_their_painting():
    photo = np.full((200, 300, 3), 100, np.uint8)
    photo[:, :145] = 60
    # Of one colour each, by what is in the middle of the frame.
    painter = StandIn(lambda frame: np.full_like(frame, 2 * frame[128, 128]))
    faces = face_at(110, 100, 80, 5), face_at(175, 100, 90, -10)
    picture = portrait(painter, *faces)(photo)
    assert abs(int(picture[100, 110, 0]) - 120) <= 2
    assert abs(int(picture[100, 175, 0]) - 200) <= 2


# The rest of the photo


def test_kept_rest_is_untouched(photo):
    before = photo.copy()
    picture = portrait(StandIn(negative), face_at(250, 200, 100))(photo)
    np.testing.assert_array_equal(photo, before)
    assert picture.shape == photo.shape and picture.dtype == np.uint8
    rows, columns = np.nonzero(difference(picture, photo).any(2))
    assert 125 <= rows.min() < 145 and 255 < rows.max() <= 275
    assert 175 <= columns.min() < 195 and 305 < columns.max() <= 325


def test_painted_rest_is_what_the_stylizer_paints(photo):
    painter = StandIn(negative)
    picture = portrait(painter, face_at(250, 200, 100), rest="paint")(photo)
    np.testing.assert_array_equal(picture[:120], 255 - photo[:120])
    assert difference(picture, 255 - photo).max() <= 2
    assert len(painter.given) == 2
    np.testing.assert_array_equal(painter.given[0], photo)


@pytest.mark.parametrize("rest", ["keep", "paint"])
def test_alpha_is_kept(photo, rest):
    face = face_at(250, 200, 100)
    alpha = np.tile(1 + np.arange(512) // 3, (480, 1)).astype(np.uint8)
    image = np.dstack([photo, alpha])
    picture = portrait(StandIn(negative), face, rest=rest)(image)
    np.testing.assert_array_equal(picture[..., 3], alpha)
    opaque = portrait(StandIn(negative), face, rest=rest)(photo)
    np.testing.assert_array_equal(picture[..., :3], opaque)


def test_faces_of_a_reduced_photo_are_cut_out_of_the_whole_one(photo):
    painter = StandIn(negative)
    face = face_at(225, 110, 160, 5)
    # Half of the photo's size, where the face has 80 pixels and its frame 120.
    picture = portrait(painter, face, rest="paint", max_side=256)(photo)
    assert picture.shape == (240, 256, 3)
    assert difference(picture, 255 - shrink(photo, 256)).max() <= 4
    whole = StandIn()
    portrait(whole, face, max_side=256)(photo)
    np.testing.assert_array_equal(painter.given[1], whole.given[0])


def test_rest_decides_about_the_size(photo):
    paint, keep = (
        portrait(StandIn(), face_at(250, 200, 100), rest=rest, max_side=256)
        for rest in ("paint", "keep")
    )
    assert paint.sized(photo).shape == (240, 256, 3)
    assert keep.sized(photo) is photo
    picture = keep(photo)
    assert picture.shape == photo.shape


def test_without_a_face_the_photo_or_the_plain_picture_is_given(photo):
    keep, paint = (portrait(StandIn(negative), rest=rest) for rest in ("keep", "paint"))
    picture = keep(photo)
    np.testing.assert_array_equal(picture, photo)
    assert picture is not photo
    np.testing.assert_array_equal(paint(photo), 255 - photo)
    assert keep.faces == paint.faces == []


def test_faces_are_those_of_the_last_call(photo):
    found = [[face_at(250, 200, 100)], []]
    stylizer = portrait(StandIn(), detector=lambda image: found.pop(0))
    stylizer(photo)
    assert len(stylizer.faces) == 1
    stylizer(photo)
    assert stylizer.faces == []


def test_hidden_colours_do_not_show(photo):
    alpha = np.full(photo.shape[:2], 255, np.uint8)
    alpha[:, 250:] = 0
    seen = []

    def detector(image):
        seen.append(image)
        return [face_at(250, 200, 100)]

    painter = StandIn()
    image = np.dstack([photo, alpha])
    picture = portrait(painter, detector=detector)(image)
    np.testing.assert_array_equal(picture[..., 3], alpha)
    assert difference(picture[..., :3], photo)[:, :245].max() <= 1
    assert seen[0][:, 250:].min() == 255
    assert painter.given[0][:, 140:].min() == 255


# With what it is made for


def test_astronaut_is_found_and_painted():
    photo = data.astronaut()
    both = np.hstack([photo[:300, 100:400], photo[300::-1, 400:100:-1][:300]])
    stylizer = Stylizer(StandIn(negative), faces="keep")
    picture = stylizer(np.ascontiguousarray(both))
    assert len(stylizer.faces) == 2
    centres = np.array([np.mean(face.landmarks, 0) for face in stylizer.faces])
    order = centres[:, 0].argsort()
    # (224, 121) of the photo, and of its copy that is upside down.
    np.testing.assert_allclose(centres[order], [(124, 121), (476, 179)], atol=4)
    for face in stylizer.faces:
        (left_eye, right_eye), upright = face.landmarks[:2], face.box[0] < 300
        assert (left_eye[0] < right_eye[0]) == upright
    for x, y in centres.astype(int):
        assert difference(picture[y, x], 255 - both[y, x]).max() <= 8
    np.testing.assert_array_equal(picture[290:], both[290:])


def test_network_paints_files_of_portraits(tmp_path, photo):
    write_image(tmp_path / "in.png", photo)
    generator = KerasRuntime(build_generator(width=4, memory=8))
    plain = Stylizer(generator)
    face = face_at(250, 200, 100)
    stylizer = Stylizer(generator, faces="paint", detector=lambda photo: [face])
    job = tmp_path / "in.png", tmp_path / "out.png"
    assert list(stylize_files(stylizer, [job])) == [(job[0], None)]
    picture = read_image(job[1])
    np.testing.assert_array_equal(picture[:120], plain(photo)[:120])
    assert difference(picture, plain(photo))[180:220, 230:270].max() > 2
