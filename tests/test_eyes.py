"""Large eyes: where they are, how large, and what is left alone."""

from types import SimpleNamespace

import numpy as np
import pytest
from runtime_standin import StandIn, negative

from animegan_tf.cli import stylize
from animegan_tf.errors import InputError
from animegan_tf.imaging.codec import read_image, write_image
from animegan_tf.imaging.color import to_lab
from animegan_tf.imaging.eyes import with_large_eyes
from animegan_tf.inference import Stylizer, stylizer

SIDE, DISTANCE = 160, 60
SKIN, WHITE, IRIS = (205, 165, 140), (235, 235, 235), (30, 22, 18)


def face(angle=0.0, centre=(80.0, 80.0)):
    """Landmarks of a face turned by `angle` degrees about the middle of its eyes."""
    turn = np.deg2rad(angle)
    across = DISTANCE / 2 * np.array([np.cos(turn), np.sin(turn)])
    eyes = (np.array(centre) - across, np.array(centre) + across)
    return SimpleNamespace(landmarks=tuple(map(tuple, eyes)) + ((0, 0),) * 3)


def drawn(someone, white=WHITE, skin=SKIN, radius=(8, 5)):
    """A photo with an iris in a white ellipse at each eye, smooth at the borders."""
    y, x = np.mgrid[:SIDE, :SIDE].astype(float)
    left, right = np.array(someone.landmarks[:2])
    across = (right - left) / DISTANCE
    picture = np.full((SIDE, SIDE, 3), skin, float)
    for eye in (left, right):
        a = (x - eye[0]) * across[0] + (y - eye[1]) * across[1]
        b = (y - eye[1]) * across[0] - (x - eye[0]) * across[1]
        for color, (wide, high) in ((white, radius), (IRIS, (radius[1], radius[1]))):
            inside = 1 - np.hypot(a / wide, b / high)
            share = np.clip(inside * high + 0.5, 0, 1)[..., None]
            picture += share * (np.array(color) - picture)
    return np.rint(picture).astype(np.uint8)


def extent(picture, skin, eye, direction):
    """Length over which a line through an eye differs from skin, in pixels."""
    steps = np.arange(-25, 25.01, 0.25)
    points = np.rint(np.array(eye) + steps[:, None] * direction).astype(int)
    line = picture[points[:, 1], points[:, 0]].astype(int)
    return 0.25 * np.count_nonzero(np.abs(line - skin).sum(-1) > 60)


@pytest.mark.parametrize("angle", [0, 30, 90, 180])
@pytest.mark.parametrize("factor", [1.0, 1.3, 1.5])
def test_eyes_become_larger_along_their_line_and_more_so_across(angle, factor):
    someone = face(angle)
    photo = drawn(someone)
    after = with_large_eyes(photo, [someone], factor)
    turn = np.deg2rad(angle)
    along = np.array([np.cos(turn), np.sin(turn)])
    for eye in someone.landmarks[:2]:
        for direction, expected in (
            (along, factor),
            (along[::-1] * [-1, 1], 2 * factor - 1),
        ):
            before = extent(photo, SKIN, eye, direction)
            grown = extent(after, SKIN, eye, direction) / before
            # Less than at the centre, as the field falls off, and never smaller.
            assert 1 + 0.6 * (expected - 1) - 0.1 < grown < expected + 0.2


def test_nothing_changes_beyond_half_the_distance_of_the_eyes():
    rng = np.random.default_rng(0)
    photo = rng.integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    someone = face(20)
    after = with_large_eyes(photo, [someone], 1.6)
    y, x = np.mgrid[:SIDE, :SIDE]
    distances = [np.hypot(x - ex, y - ey) for ex, ey in someone.landmarks[:2]]
    far = np.min(distances, axis=0) > DISTANCE / 2
    assert np.abs(after.astype(int) - photo)[far].max() <= 1
    assert np.abs(after.astype(int) - photo)[~far].mean() > 10
    # The middle between the eyes stays where it is.
    assert np.abs(after.astype(int) - photo)[80, 80].max() <= 1


@pytest.mark.parametrize("skin", [SKIN, (60, 40, 32)])
def test_whites_get_lighter_and_pupils_stay_dark(skin):
    someone = face()
    white = tuple(int(0.9 * x) for x in WHITE) if skin == SKIN else (110, 105, 100)
    photo = drawn(someone, white, skin)
    before, after = to_lab(photo), to_lab(with_large_eyes(photo, [someone], 1))
    x, y = np.rint(someone.landmarks[0]).astype(int)
    spread = [lab[y, x - 6, 0] - lab[y, x, 0] for lab in (before, after)]
    assert spread[1] > 1.15 * spread[0]
    assert after[y, x, 0] < before[y, x, 0] + 1


def test_no_face_and_faces_out_of_sight_leave_the_photo():
    photo = drawn(face())
    for faces in ([], [face(centre=(-300.0, 40.0))], [face(centre=(80.0, 900.0))]):
        after = with_large_eyes(photo, faces, 1.5)
        assert np.array_equal(after, photo) and after is not photo
    profile = SimpleNamespace(landmarks=((80.0, 80.0),) * 5)
    assert np.array_equal(with_large_eyes(photo, [profile], 1.5), photo)


def test_a_face_that_the_border_cuts_is_no_error():
    someone = face(centre=(10.0, 5.0))  # its left eye lies outside
    photo = drawn(someone)
    after = with_large_eyes(photo, [someone], 1.5)
    assert after.shape == photo.shape and not np.array_equal(after, photo)


@pytest.mark.parametrize("factor", [0, 0.9, 2.1, float("nan")])
def test_a_factor_out_of_range_is_refused(factor):
    with pytest.raises(InputError, match="1 to 2 times as large, received"):
        with_large_eyes(drawn(face()), [face()], factor)


def test_a_stylizer_enlarges_the_eyes_of_the_photo_that_it_stylizes():
    seen = []

    def detector(photo):
        seen.append(photo)
        return [face()]

    paint = Stylizer(StandIn(negative), eyes=1.4, detector=detector)
    photo = drawn(face())
    expected = 255 - with_large_eyes(photo, [face()], 1.4)
    assert np.array_equal(paint(photo), expected)
    assert paint.faces == [face()]
    alpha = np.full(photo.shape[:2], 255, np.uint8)
    alpha[:20] = 0
    picture = paint(np.dstack([photo, alpha]))
    assert np.array_equal(picture[..., 3], alpha)
    assert (seen[-1][:20] == 255).all() and np.array_equal(seen[-1][20:], photo[20:])
    with pytest.raises(InputError, match="received 3"):
        Stylizer(StandIn(), eyes=3, detector=detector)


def test_the_tool_finds_the_eyes_of_photos_and_takes_no_videos(
    tmp_path, monkeypatch, run_here
):
    found = [face()]
    monkeypatch.setattr(stylizer, "FaceDetector", lambda: lambda photo: found)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(stylize, "load_runtime", lambda *_, **__: StandIn(negative))
    photo = drawn(face())
    write_image(tmp_path / "photo.png", photo)
    line = ("-o", "out.png", "--eyes")
    status, _, err = run_here("stylize.py", "photo.png", *line, "1.5")
    assert status == 0 and "no face" not in err, err
    expected = 255 - with_large_eyes(photo, found, 1.5)
    assert np.array_equal(read_image("out.png"), expected)
    found.clear()
    status, _, err = run_here("stylize.py", "photo.png", *line, "1.5")
    assert status == 0 and "no face found: photo.png" in err
    (tmp_path / "out.png").unlink()
    status, _, err = run_here("stylize.py", "photo.png", *line, "0")
    assert status == 2 and "1 to 2 times as large, received 0" in err
    (tmp_path / "clip.mp4").write_bytes(b"")
    status, _, err = run_here("stylize.py", "clip.mp4", "-o", "a.mp4", "--eyes", 1)
    assert (
        status == 2
        and "--eyes must have photos only, received the video clip.mp4" in err
    )
    assert not list(tmp_path.glob("*.mp4.*")) and not (tmp_path / "out.png").exists()
