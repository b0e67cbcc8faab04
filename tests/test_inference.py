import keras
import numpy as np
import pytest

from animegan_tf.errors import InputError
from animegan_tf.inference import Stylizer, load_generator
from animegan_tf.models import build_generator
from animegan_tf.ops import to_float, to_uint8


@pytest.fixture(scope="module")
def generator():
    return build_generator(width=4, memory=8)


def noise(height, width):
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (height, width, 3), dtype="uint8")


def test_a_multiple_of_eight_is_painted_as_the_main_tail_does(generator):
    photo = noise(32, 40)
    expected = to_uint8(generator(to_float(photo[None]))["main"])[0]
    difference = Stylizer(generator)(photo).astype(int) - np.asarray(expected)
    assert np.abs(difference).max() <= 1


@pytest.mark.parametrize("size", [(16, 16), (17, 31), (40, 23)])
def test_any_size_comes_back_as_it_was(generator, size):
    assert Stylizer(generator)(noise(*size)).shape == (*size, 3)


def test_padding_mirrors_the_photo(generator):
    photo = noise(20, 24)
    whole = np.pad(photo, [(0, 4), (0, 0), (0, 0)], mode="reflect")
    stylizer = Stylizer(generator)
    np.testing.assert_array_equal(stylizer(photo), stylizer(whole)[:20])


def test_larger_photos_are_reduced_to_max_side(generator):
    assert Stylizer(generator, max_side=64)(noise(40, 128)).shape == (20, 64, 3)


def test_photos_that_are_too_small_or_too_narrow_are_named(generator):
    with pytest.raises(InputError, match="15 x 40"):
        Stylizer(generator)(noise(40, 15))
    with pytest.raises(InputError, match="64 x 10"):
        Stylizer(generator, max_side=64)(noise(20, 128))


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
