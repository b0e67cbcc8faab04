import errno
import itertools
import threading
from pathlib import Path

import keras
import numpy as np
import pytest
from runtime_standin import StandIn, negative
from skimage.color import rgb2lab

from animegan_tf.errors import InputError, OutputError
from animegan_tf.imaging.codec import encode_image, read_image_alpha, write_image
from animegan_tf.imaging.transform import resize
from animegan_tf.inference import (
    Stylizer,
    compare,
    files,
    load_generator,
    stylize_files,
)
from animegan_tf.inference.runtimes import KerasRuntime
from animegan_tf.models import build_generator, main_tail
from animegan_tf.ops import to_float, to_uint8


@pytest.fixture(scope="module")
def generator():
    return build_generator(width=4, memory=8)


@pytest.fixture(scope="module")
def runtime(generator):
    """Traced once for all tests."""
    return KerasRuntime(generator)


def noise(height, width):
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (height, width, 3), dtype="uint8")


def test_a_multiple_of_eight_is_painted_as_the_main_tail_does(runtime, generator):
    photo = noise(32, 40)
    expected = to_uint8(generator(to_float(photo[None]))["main"])[0]
    difference = Stylizer(runtime)(photo).astype(int) - np.asarray(expected)
    assert np.abs(difference).max() <= 1


@pytest.mark.parametrize("size", [(16, 16), (17, 23), (333, 250)])
def test_any_size_comes_back_as_it_was(runtime, size):
    assert Stylizer(runtime)(noise(*size)).shape == (*size, 3)


@pytest.mark.parametrize("keep_color", [False, True])
@pytest.mark.parametrize("strength, tolerance", [(0, 0), (0.5, 1), (1, 1)])
def test_no_pixel_is_shifted_or_changed(keep_color, strength, tolerance):
    photo = noise(17, 23)
    picture = Stylizer(StandIn(), strength=strength, keep_color=keep_color)(photo)
    difference = np.abs(picture.astype(int) - photo)
    assert difference.max() <= (tolerance if keep_color else 0)


def test_strength_mixes_photo_and_picture(runtime, generator):
    photo = noise(24, 40)
    painted = Stylizer(runtime)(photo).astype(float)
    assert np.abs(painted - photo).mean() > 20
    np.testing.assert_array_equal(Stylizer(runtime, strength=0)(photo), photo)
    network = to_uint8(main_tail(generator)(to_float(photo[None])))[0]
    difference = np.asarray(network) - painted
    assert (difference != 0).mean() < 0.01 and np.abs(difference).max() <= 1
    half = Stylizer(runtime, strength=0.5)(photo)
    assert np.abs(half - (photo + painted) / 2).max() <= 1


def test_keep_color_joins_painted_lightness_and_chroma_of_the_photo():
    keras.utils.set_random_seed(2)  # a generator that paints in colour, not all do
    runtime = KerasRuntime(build_generator(width=4, memory=8))
    # Nearly grey: every lightness has these colours within sRGB.
    photo = (noise(24, 40) // 16 + 120).astype(np.uint8)
    painted = rgb2lab(Stylizer(runtime)(photo))
    kept = rgb2lab(Stylizer(runtime, keep_color=True)(photo))
    assert np.abs(painted - rgb2lab(photo))[..., 1:].max() > 10
    assert np.abs(kept[..., 0] - painted[..., 0]).max() < 1
    assert np.abs(kept - rgb2lab(photo))[..., 1:].max() < 1.5


def test_the_support_tail_paints_on_request(generator):
    photo = noise(24, 32)
    expected = to_uint8(generator(to_float(photo[None]))["support"])[0]
    picture = Stylizer(generator, tail="support")(photo).astype(int)
    assert np.abs(picture - np.asarray(expected)).max() <= 1
    with pytest.raises(InputError, match="support tail"):
        Stylizer(main_tail(generator), tail="support")
    with pytest.raises(ValueError, match="'third'"):
        Stylizer(generator, tail="third")


@pytest.mark.parametrize("strength", [-0.1, 1.1, float("nan")])
def test_strength_out_of_range_is_refused(runtime, strength):
    with pytest.raises(InputError, match="strength"):
        Stylizer(runtime, strength=strength)


def test_alpha_is_kept_and_hidden_colours_do_not_show(runtime):
    photo, alpha = noise(24, 32), np.full((24, 32), 255, np.uint8)
    alpha[:, :9], alpha[:, 9] = 0, 128
    stylizer = Stylizer(runtime)
    picture = stylizer(np.dstack([photo, alpha]))
    np.testing.assert_array_equal(picture[..., 3], alpha)
    photo[:, :9] = 255
    np.testing.assert_array_equal(picture[..., :3], stylizer(photo))


def test_alpha_is_reduced_with_the_photo():
    photo = np.zeros((32, 128, 4), np.uint8)
    photo[:, 64:] = 255
    picture = Stylizer(StandIn(), max_side=64, large="shrink")(photo)
    assert picture.shape == (16, 64, 4)
    assert picture[:, :28, 3].max() == 0 and picture[:, 36:].min() == 255
    # The hidden black leaves no dark rim.
    assert picture[picture[..., 3] > 9].min(axis=0)[:3].min() >= 250


def test_padding_mirrors_the_photo(runtime):
    photo = noise(20, 24)
    whole = np.pad(photo, [(0, 4), (0, 0), (0, 0)], mode="reflect")
    stylizer = Stylizer(runtime)
    np.testing.assert_array_equal(stylizer(photo), stylizer(whole)[:20])


def test_larger_photos_are_reduced_to_max_side(runtime):
    stylizer = Stylizer(runtime, max_side=64, large="shrink")
    assert stylizer(noise(40, 128)).shape == (20, 64, 3)


def test_photos_that_are_too_small_or_too_narrow_are_named(runtime):
    with pytest.raises(InputError, match="15 x 40"):
        Stylizer(runtime)(noise(40, 15))
    with pytest.raises(InputError, match="64 x 10"):
        Stylizer(runtime, max_side=64, large="shrink")(noise(20, 128))


def test_what_is_no_generator_is_refused(tmp_path):
    with pytest.raises(InputError, match="none.keras"):
        load_generator(tmp_path / "none.keras")
    (tmp_path / "text.keras").write_text("no zip")
    with pytest.raises(InputError, match="text.keras"):
        load_generator(tmp_path / "text.keras")
    numbers = keras.Input((4,))
    other = keras.Model(numbers, keras.layers.Dense(2)(numbers))
    other.save(tmp_path / "other.keras")
    with pytest.raises(InputError, match="3 channels"):
        load_generator(tmp_path / "other.keras")


def test_compare_puts_the_photo_at_the_left_at_the_size_of_the_picture():
    photo, picture = noise(40, 60), noise(20, 30)[::-1]
    both = compare(photo, picture)
    np.testing.assert_array_equal(both[:, :30], resize(photo, 30, 20))
    np.testing.assert_array_equal(both[:, 30:], picture)


def painter(paint=negative):
    return Stylizer(StandIn(paint), max_side=9000)


def jobs_in(folder, count):
    for number in range(count):
        write_image(folder / f"{number}.png", noise(16, 20) // (number + 1))
    return [(folder / f"{n}.png", folder / f"out{n}.png") for n in range(count)]


def test_files_are_painted_in_order_and_bad_ones_named(tmp_path):
    jobs = jobs_in(tmp_path, 7)
    jobs[2][0].write_bytes(jobs[2][0].read_bytes()[:90])
    write_image(jobs[4][0], noise(9, 9))
    jobs[5] = jobs[5][0], tmp_path / "wide.webp"
    write_image(jobs[5][0], np.zeros((16, 9000, 3), np.uint8))
    results = list(stylize_files(painter(), jobs, side_by_side=True))
    assert [photo for photo, _ in results] == [photo for photo, _ in jobs]
    errors = [error for _, error in results]
    for number, (photo, picture) in enumerate(jobs):
        if number in (2, 4, 5):
            assert isinstance(errors[number], InputError) and not picture.exists()
            named = picture if number == 5 else photo
            assert str(errors[number]).startswith(f"{named}: ")
        else:
            image, written = read_image_alpha(photo)[0], read_image_alpha(picture)[0]
            assert errors[number] is None
            np.testing.assert_array_equal(written, np.hstack([image, 255 - image]))


def test_a_picture_that_cannot_have_its_name_is_left_out(tmp_path):
    jobs = jobs_in(tmp_path, 5)
    jobs[1][1].mkdir()
    jobs[3] = jobs[3][0], tmp_path / f"{'n' * 255}.png"
    errors = [error for _, error in stylize_files(painter(), jobs)]
    assert [error is None for error in errors] == [True, False, True, False, True]
    assert "out1.png: the file must be writable there" in str(errors[1])
    assert "File name too long" in str(errors[3])
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_disk_that_takes_no_picture_ends_the_painting(tmp_path, monkeypatch, number):
    jobs = jobs_in(tmp_path, 9)

    def full(path, data):
        raise OSError(number, "as it is")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputError, match="out0.png.*as it is"):
        list(stylize_files(painter(), jobs))
    assert not any(target.exists() for _, target in jobs)


def test_photos_are_read_ahead_but_only_a_few(tmp_path, monkeypatch):
    jobs, read, ahead = jobs_in(tmp_path, 9), [], threading.Event()

    def watched(path):
        read.append(path)
        if len(read) > 1:
            ahead.set()
        return read_image_alpha(path)

    def paint(image):
        assert ahead.wait(30)
        return negative(image)

    monkeypatch.setattr(files, "read_image_alpha", watched)
    results = stylize_files(painter(paint), jobs)
    assert next(results) == (jobs[0][0], None)
    assert len(read) < 9
    assert [error for _, error in results] == [None] * 8


def test_pictures_are_written_while_the_next_is_painted(tmp_path, monkeypatch):
    jobs, painting = jobs_in(tmp_path, 3), threading.Semaphore(0)
    numbers = itertools.count(1)

    def waiting(*args):
        assert painting.acquire(timeout=30)
        return encode_image(*args)

    def paint(image):
        number = next(numbers)
        for _ in range((number > 1) + (number == 3)):
            painting.release()
        return negative(image)

    monkeypatch.setattr(files, "encode_image", waiting)
    results = list(stylize_files(painter(paint), jobs))
    assert [error for _, error in results] == [None] * 3


@pytest.mark.parametrize("suffix", [".png", ".webp", ".jpg"])
def test_transparency_is_written_where_the_format_has_it(tmp_path, suffix):
    alpha = np.full((16, 20), 255, np.uint8)
    alpha[:, :10] = 0
    image = np.zeros((16, 20, 3), np.uint8)
    (tmp_path / "in.png").write_bytes(encode_image(image, ".png", alpha))
    job = tmp_path / "in.png", tmp_path / f"out{suffix}"
    assert list(stylize_files(painter(np.zeros_like), [job])) == [(job[0], None)]
    picture, kept = read_image_alpha(job[1])
    if suffix == ".jpg":
        assert kept is None and picture[:, :7].min() > 240
    else:
        np.testing.assert_array_equal(kept, alpha)
    assert picture[:, 13:].max() < 16
