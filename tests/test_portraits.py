"""Portraits against their photos: faces, measures by pixels, and the recipe."""

import sys
from importlib import metadata

import numpy as np
import pytest
from helpers import shared
from skimage import data

from animegan_tf.errors import InputError
from animegan_tf.evaluation import pixels
from animegan_tf.evaluation.extractors import FaceIdentity, InceptionNetwork, Lpips
from animegan_tf.evaluation.face_measures import face_cuts, identities
from animegan_tf.evaluation.features import (
    TOP_SQUARE,
    FeatureCache,
    View,
    cut_out,
    extract,
)
from animegan_tf.evaluation.pixels import Comparison, Statistics
from animegan_tf.files import list_images
from animegan_tf.imaging.codec import read_image, write_image
from animegan_tf.imaging.transform import resize

# Where mtcnn 1.0.0 finds the face of `skimage.data.astronaut()`.
BOX = (182, 64, 83, 107)


@pytest.fixture
def files(tmp_path):
    """A portrait, a picture without a face, and a brighter, smaller portrait."""
    astronaut = data.astronaut()
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), np.uint8)
    bright = np.minimum(resize(astronaut, 300, 300), 215) + 40
    pictures = {"portrait": astronaut, "noise": noise, "bright": bright}
    for name, image in pictures.items():
        write_image(tmp_path / f"{name}.png", image.astype(np.uint8))
    return {name: tmp_path / f"{name}.png" for name in pictures}


def test_a_face_is_cut_where_it_is_and_fits_smaller_pictures(files, tmp_path):
    cache = FeatureCache(tmp_path / "cache")
    portrait, none = face_cuts([files["portrait"], files["noise"]], cache)
    assert none is None
    x, y, width, height = BOX
    middle, side = np.array([x + width / 2, y + height / 2]), 1.35 * height
    left, top, right, bottom = np.array(portrait) * 512
    assert (left + right) / 2 == pytest.approx(middle[0], abs=1)
    assert (top + bottom) / 2 == pytest.approx(middle[1], abs=1)
    assert right - left == pytest.approx(side, abs=1.5)
    assert bottom - top == pytest.approx(right - left)
    large = cut_out(read_image(files["portrait"]), portrait)
    small = cut_out(read_image(files["bright"]), portrait)
    likeness = np.corrcoef(*(resize(x, 50, 50).ravel() for x in (large, small)))
    assert likeness[0, 1] > 0.95
    # From the cache, without looking for faces.
    assert face_cuts([files["portrait"], files["noise"]], cache) == [portrait, None]


def test_identities_need_two_faces(files):
    with pytest.raises(InputError, match="received 1 among 2 photos"):
        identities(None, [files["portrait"], files["noise"]], [])


def test_without_mtcnn_one_sentence_names_the_extra(files, tmp_path, monkeypatch):
    def absent(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", absent)
    monkeypatch.setitem(sys.modules, "mtcnn", None)
    with pytest.raises(InputError, match=r"mtcnn must be installed.*\[prepare\]"):
        face_cuts([files["portrait"]], FeatureCache(tmp_path / "cache"))


def test_measures_by_pixels_are_those_of_the_metrics_at_one_size(files):
    photo, picture = (View(files[name]) for name in ("portrait", "bright"))
    found = extract(Comparison(), [photo, photo], [picture, photo])
    a, b = (resize(read_image(x.path), 256, 256) for x in (photo, picture))
    color = pixels.color_distance(a, b)
    expected = {
        "psnr": pixels.psnr(a, b),
        "ssim": pixels.ssim(a, b),
        "ms_ssim": pixels.ms_ssim(a, b),
        "color": color.whole,
        "chroma": color.chroma,
    }
    assert {name: values[0] for name, values in found.items()} == expected
    same = {name: values[1] for name, values in found.items()}
    assert same == pytest.approx(
        {"psnr": np.inf, "ssim": 1, "ms_ssim": 1, "color": 0, "chroma": 0}
    )
    described = extract(Statistics(), [photo, picture])
    assert described["total_variation"][0] == pixels.total_variation(a)
    assert described["edge_density"][1] == pixels.edge_density(b)


def test_sizes_have_caches_of_their_own():
    assert Comparison(256).identifier != Comparison(192).identifier
    assert Comparison().identifier != Statistics().identifier


@pytest.mark.slow
def test_the_published_figures_of_a_peer_come_out(tmp_path):
    """The row of the AnimeGANv3 authors' Kpop model in shared/data/README.md."""
    weights, peers = shared("weights"), shared("data/peers")
    drawing = InceptionNetwork(
        "drawing-inception", weights / "inception_v3_drawing_float16.npz"
    )
    identity = FaceIdentity(weights / "face_identity_float16.tflite")
    files = [list_images(peers / name) for name in ("photo", "animeganv3_kpop")]
    squares = [[View(path, TOP_SQUARE) for path in x] for x in files]
    drawn = extract(drawing, squares[1])["probabilities"][:, 0]
    assert drawn.mean() == pytest.approx(0.21, abs=0.02)
    assert (drawn > 0.5).sum() == 2
    found, faces = identities(identity, *files)
    assert len(faces) == len(files[0]) == 8
    assert found.own.mean() == pytest.approx(0.68, abs=0.02)
    assert found.others.mean() == pytest.approx(0.48, abs=0.02)
    lpips = Lpips(weights / "vgg16_imagenet_lpips_float16.npz")
    distance = extract(lpips, *squares)["distance"]
    assert distance.mean() == pytest.approx(0.15, abs=0.01)
    colors = extract(Comparison(), *([View(path) for path in x] for x in files))
    assert colors["color"].mean() == pytest.approx(6.0, abs=0.5)
    assert colors["chroma"].mean() == pytest.approx(4.4, abs=0.5)
