"""The networks of the evaluation: their layers, their weights, what they refuse."""

import hashlib
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import assert_close, shared
from PIL import Image, ImageFilter
from skimage import data

from animegan_tf.errors import InputError
from animegan_tf.evaluation.extractors import (
    FaceIdentity,
    InceptionNetwork,
    Lpips,
    open_inception,
)
from animegan_tf.evaluation.features import TOP_SQUARE, View, extract
from animegan_tf.evaluation.weights import KERAS_INCEPTION
from animegan_tf.files import list_images
from animegan_tf.imaging.codec import read_image
from animegan_tf.imaging.transform import resize, square

# Convolutions and channels of VGG16's blocks.
VGG16 = (2, 64), (2, 128), (3, 256), (3, 512), (3, 512)


@pytest.fixture
def weights_file(tmp_path):
    path = tmp_path / "weights.npz"
    np.savez(path, unrelated=np.ones(3))
    return path


def vgg_weights(seed=0):
    """Seeded VGG16 with heads, as the files hold them."""
    rng, arrays, channels = np.random.default_rng(seed), {}, 3
    for block, (depth, width) in enumerate(VGG16, 1):
        for position in range(1, depth + 1):
            name = f"block{block}_conv{position}"
            kernel = rng.normal(size=(3, 3, channels, width), scale=1)
            arrays[f"{name}__kernel"] = kernel * np.sqrt(2 / (9 * channels))
            arrays[f"{name}__bias"] = rng.normal(size=width, scale=0.1)
            channels = width
        head = rng.uniform(0, 1, (1, 1, width, 1))
        arrays[f"lpips_lin{block - 1}"] = head
    return {name: value.astype(np.float32) for name, value in arrays.items()}


def lpips_by_hand(arrays, photo, picture):
    """As the paper says it, with TensorFlow's plainest operations."""
    levels = []
    for image in (photo, picture):
        x = image[None] / 127.5 - 1
        x = (x - [-0.030, -0.088, -0.188]) / [0.458, 0.448, 0.450]
        x, found = tf.constant(x, tf.float32), []
        for block, (depth, _) in enumerate(VGG16, 1):
            for position in range(1, depth + 1):
                name = f"block{block}_conv{position}"
                x = tf.nn.conv2d(x, arrays[f"{name}__kernel"], 1, "SAME")
                x = tf.nn.relu(x + arrays[f"{name}__bias"])
            found.append(x.numpy()[0].astype(np.float64))
            x = tf.nn.max_pool2d(x, 2, 2, "VALID")
        levels.append(found)
    distance = 0
    for i, (a, b) in enumerate(zip(*levels)):
        a, b = (x / np.linalg.norm(x, axis=-1, keepdims=True) for x in (a, b))
        distance += ((a - b) ** 2 @ arrays[f"lpips_lin{i}"].ravel()).mean()
    return distance


def test_lpips_is_the_papers_formula(tmp_path):
    path, arrays = tmp_path / "vgg16.npz", vgg_weights()
    np.savez(path, **arrays)
    lpips = Lpips(path, batch_size=3)
    photo = resize(data.astronaut(), 48, 40)
    noise = np.random.default_rng(1).normal(0, 20, photo.shape)
    picture = np.clip(photo + noise, 0, 255).astype(np.uint8)
    expected = lpips_by_hand(arrays, photo, picture)
    assert lpips(photo, picture) == pytest.approx(expected, rel=1e-4)
    assert lpips(photo, photo) == 0
    pairs = [photo] * 4, [picture, photo, picture, photo]
    batched = lpips.run(*([x.astype(np.float32) for x in y] for y in pairs))
    assert_close(batched["distance"], [expected, 0, expected, 0], 1e-4)
    for other in (photo[1:], photo[:10, :10]):
        with pytest.raises(InputError, match="two pictures of one size, 16 pixels"):
            lpips(photo if other.shape[0] > 15 else other, other)


# What is refused


@pytest.mark.parametrize(
    "make, said",
    [
        (
            lambda p: InceptionNetwork("drawing-inception", p),
            "drawing InceptionV3 must",
        ),
        (lambda p: Lpips(p), "VGG16 with LPIPS heads must have block1_conv1__kernel"),
        (lambda p: FaceIdentity(p), "must be a LiteRT file"),
    ],
)
def test_weights_of_another_network_end_in_one_sentence(weights_file, make, said):
    with pytest.raises(InputError, match=said) as caught:
        make(weights_file).check()
    assert str(caught.value).startswith(f"{weights_file}: ")
    assert "\n" not in str(caught.value)


def test_layers_that_keras_would_leave_untouched_are_refused(tmp_path):
    other = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3)])
    path = tmp_path / "other.weights.h5"
    other.save_weights(path)
    with pytest.raises(InputError, match="must hold the weights of keras"):
        InceptionNetwork("inception", path).check()


def test_a_litert_file_that_embeds_no_face_is_refused(tmp_path):
    model = keras.Sequential([keras.Input((16, 16, 3)), keras.layers.Conv2D(2, 1)])
    path = tmp_path / "other.tflite"
    path.write_bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())
    with pytest.raises(InputError, match=r"one embedding, received.*\(1, 16, 16, 2\)"):
        FaceIdentity(path)


def test_networks_that_do_not_exist_are_refused(weights_file, tmp_path):
    with pytest.raises(InputError, match="one of inception, drawing-.*received 'vgg'"):
        InceptionNetwork("vgg", weights_file)
    with pytest.raises(InputError, match="drawing-inception cannot be fetched"):
        InceptionNetwork("drawing-inception")
    with pytest.raises(InputError, match="must exist there, received none"):
        Lpips(tmp_path / "absent.npz")
    with pytest.raises(InputError, match="1 or more, received 0"):
        InceptionNetwork("inception", weights_file, batch_size=0)


def test_an_inception_is_told_by_its_file(weights_file, tmp_path, monkeypatch):
    (tmp_path / "a.h5").write_bytes(b"weights")
    for path, name in (
        (weights_file, "drawing-inception"),
        (tmp_path / "a.h5", "inception"),
    ):
        assert open_inception(path).name == name
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / KERAS_INCEPTION).write_bytes(b"weights")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    network = open_inception(Path("imagenet"))
    assert (network.name, network.weights.name) == ("inception", KERAS_INCEPTION)
    for name in ("a.txt", "a.pth", "b.npz", "imagenet.h5"):
        with pytest.raises(InputError, match=name):
            open_inception(tmp_path / name)


def test_weights_that_keras_has_fetched_before_are_found_again(tmp_path, monkeypatch):
    name = "inception_v3_weights_tf_dim_ordering_tf_kernels.h5"
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / name).write_bytes(b"weights")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    network = InceptionNetwork("inception")
    assert network.weights == tmp_path / "models" / name
    assert network.weights_hash == hashlib.sha256(b"weights").hexdigest()
    assert network.identifier == f"inception-{network.weights_hash[:32]}-299-bicubic"


def test_weights_out_of_reach_end_in_one_sentence(tmp_path, monkeypatch):
    def fail(weights):
        raise OSError("no such host")

    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(keras.applications, "InceptionV3", fail)
    with pytest.raises(InputError, match="name its path, received: no such host"):
        InceptionNetwork("inception")


# With the developers' networks and pictures


@pytest.mark.slow
def test_lpips_of_blurred_photos():
    lpips = Lpips(shared("weights/vgg16_imagenet_lpips_float16.npz"))
    for path in list_images(shared("data/photo/test"))[:2]:
        photo = square(read_image(path), 256)
        image = Image.fromarray(photo)
        for radius, expected in ((1, 0.09), (4, 0.35)):
            blurred = np.asarray(image.filter(ImageFilter.GaussianBlur(radius)))
            assert lpips(photo, blurred) == pytest.approx(expected, abs=0.03)


@pytest.mark.slow
def test_the_drawing_classifier_tells_anime_from_photos():
    path = shared("weights/inception_v3_drawing_float16.npz")
    photos = list_images(shared("data/photo/test"))[:4]
    anime = list_images(shared("data/anime/ba/test"))[:4]
    views = [View(x, TOP_SQUARE) for x in photos + anime]
    network = InceptionNetwork("drawing-inception", path, batch_size=4)
    found = extract(network, views)
    classes = found["probabilities"].argmax(axis=1)
    assert (classes[:4] > 1).all() and (classes[4:] <= 1).all()  # two are drawn ones
    # Neither the order nor the batches change a figure.
    network.batch_size = 5
    again = extract(network, views[2::-1])
    for name, values in found.items():
        assert_close(again[name], values[2::-1], 1e-6)
