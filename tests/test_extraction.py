"""Files through a network: cuts, sizes, batches and the cache, with a tiny network."""

import subprocess
import sys
from multiprocessing.pool import ThreadPool

import numpy as np
import pytest
from PIL import Image
from skimage import data

from animegan_tf.errors import InputError
from animegan_tf.evaluation.features import (
    FILTERS,
    TOP_SQUARE,
    FeatureCache,
    View,
    cut_out,
    extract,
    resample,
)
from animegan_tf.imaging.codec import write_image


class MeanColor:
    """Mean colour of pictures; counts what it is asked."""

    name, identifier, batch_size = "mean-color", "mean-color-1", 3

    def __init__(self, batch_size=3):
        self.batch_size, self.batches = batch_size, []

    def prepare(self, image):
        return image.mean(axis=(0, 1))

    def run(self, images):
        self.batches.append(len(images))
        return {"features": np.stack(images)}


class Difference(MeanColor):
    name = identifier = "difference"

    def run(self, photos, pictures):
        return {"distance": np.abs(np.subtract(photos, pictures)).sum(axis=1)}


@pytest.fixture
def paths(tmp_path):
    draw = np.random.default_rng(0)
    found = [tmp_path / f"{i}.png" for i in range(8)]
    for i, path in enumerate(found):
        write_image(path, draw.integers(0, 256, (20 + i, 30, 3), np.uint8))
    return found


def views(paths, cut=None):
    return [View(path, cut) for path in paths]


def test_features_come_in_the_order_of_the_files_whatever_the_batches(paths):
    whole = MeanColor(batch_size=100)
    expected = extract(whole, views(paths))["features"]
    assert whole.batches == [8]
    in_threes = MeanColor()
    found = extract(in_threes, views(paths[::-1]))["features"]
    assert in_threes.batches == [3, 3, 2]
    np.testing.assert_array_equal(found, expected[::-1])
    single = np.asarray(Image.open(paths[2])).mean(axis=(0, 1))
    np.testing.assert_array_equal(expected[2], single)


def test_a_cache_answers_by_content_and_only_what_is_new_is_computed(paths, tmp_path):
    cache = FeatureCache(tmp_path / "cache")
    expected = extract(MeanColor(), views(paths[:5]), cache=cache)["features"]
    copy = tmp_path / "copy.png"
    copy.write_bytes(paths[0].read_bytes())
    network = MeanColor()
    again = [copy, *paths[1:5], paths[6]]
    found = extract(network, views(again), cache=cache)["features"]
    np.testing.assert_array_equal(found[:5], expected)
    assert network.batches == [1]
    # Another picture under an old name, another part, another network: all new.
    write_image(paths[0], np.zeros((20, 30, 3), np.uint8))
    changed = extract(network, views(paths[:1]), cache=cache)["features"]
    np.testing.assert_array_equal(changed, [[0, 0, 0]])
    extract(network, views(paths[1:2], TOP_SQUARE), cache=cache)
    other = MeanColor()
    other.identifier = "mean-color-2"
    extract(other, views(paths[1:2]), cache=cache)
    assert network.batches == [1, 1, 1] and other.batches == [1]


def test_pairs_are_cached_as_pairs(paths, tmp_path):
    cache = FeatureCache(tmp_path / "cache")
    forth = extract(Difference(), views(paths), views(paths[::-1]), cache=cache)
    same = extract(Difference(), views(paths), views(paths), cache=cache)
    assert (same["distance"] == 0).all()
    back = extract(Difference(), views(paths), views(paths[::-1]), cache=cache)
    np.testing.assert_array_equal(back["distance"], forth["distance"])
    assert back["distance"].min() > 0


def test_damaged_entries_of_a_cache_are_made_anew(paths, tmp_path):
    cache = FeatureCache(tmp_path / "cache")
    expected = extract(MeanColor(), views(paths), cache=cache)["features"]
    entries = sorted((tmp_path / "cache").rglob("*.npz"))
    assert len(entries) == 8
    entries[0].write_bytes(b"")
    entries[1].write_bytes(entries[1].read_bytes()[:-30])
    entries[2].write_text("text")
    network = MeanColor()
    found = extract(network, views(paths), cache=cache)["features"]
    np.testing.assert_array_equal(found, expected)
    assert sum(network.batches) == 3


def test_runs_beside_each_other_share_a_cache(paths, tmp_path):
    cache = FeatureCache(tmp_path / "cache")
    with ThreadPool(8) as pool:
        found = pool.map(
            lambda _: extract(MeanColor(), views(paths), cache=cache)["features"],
            range(24),
        )
    expected = extract(MeanColor(), views(paths))["features"]
    assert all(np.array_equal(one, expected) for one in found)
    files = [path.name for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert len(files) == 8 and all(name.endswith(".npz") for name in files)


def test_a_full_cache_costs_no_tensorflow(paths, tmp_path):
    weights = tmp_path / "weights.npz"
    weights.write_bytes(b"never read as weights")
    code = f"""
import sys
import numpy as np
from animegan_tf.evaluation import intervals, metrics, pixels
from animegan_tf.evaluation.features import FeatureCache, extract
from animegan_tf.evaluation.extractors import InceptionNetwork, Lpips
from animegan_tf.evaluation.features import View

network = InceptionNetwork("drawing-inception", {str(weights)!r})
cache = FeatureCache({str(tmp_path / "cache")!r})
cache.get = lambda identifier, key: {{"features": np.ones(2048)}}
print(extract(network, [View({str(paths[0])!r})], cache=cache)["features"].shape)
Lpips({str(weights)!r})
assert not {{"tensorflow", "keras", "ai_edge_litert", "mtcnn"}} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "(1, 2048)\n"), done.stderr


# Cuts and sizes


def test_cuts_show_the_part_they_name():
    image = np.arange(40 * 20 * 3).reshape(40, 20, 3)
    assert cut_out(image, None) is image
    np.testing.assert_array_equal(cut_out(image, TOP_SQUARE), image[:20])
    wide = image.swapaxes(0, 1)
    np.testing.assert_array_equal(cut_out(wide, TOP_SQUARE), wide[:, 10:30])
    box = (0.1, 0.25, 0.5, 0.5)
    np.testing.assert_array_equal(cut_out(image, box), image[10:20, 2:10])
    outside = (-0.5, 0.9, 0.55, 1.5)
    np.testing.assert_array_equal(cut_out(image, outside), image[36:, :11])


def keys_kernel(x):
    """The cubic with a = -1/2 of Keys 1981."""
    x = np.abs(x)
    near, far = 1.5 * x**3 - 2.5 * x**2 + 1, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def resampling_matrix(source, target):
    """Weights of `source` pixels in each of `target`; wider where it shrinks."""
    scale = source / target
    centres = (np.arange(target) + 0.5) * scale
    offsets = np.arange(source) + 0.5 - centres[:, None]
    weights = keys_kernel(offsets / max(scale, 1))
    return weights / weights.sum(axis=1, keepdims=True)


def test_a_square_is_neither_aliased_nor_rounded_nor_out_of_range():
    image = data.astronaut()[:150, :200]
    for size in (99, 180):
        found = resample(image, size, "bicubic")
        assert found.shape == (size, size, 3) and found.dtype == np.float32
        down, across = (resampling_matrix(n, size) for n in image.shape[:2])
        exact = np.einsum("ih,hwc,jw->ijc", down, image, across, optimize=True)
        np.testing.assert_allclose(found, np.clip(exact, 0, 255), atol=1e-3)
    stripes = np.zeros((200, 200, 3), np.uint8)
    stripes[:, ::2] = 255
    assert np.ptp(resample(stripes, 50, "bicubic")[5:-5, 5:-5]) < 4
    step = np.zeros((16, 16, 3), np.uint8)
    step[:, 8:] = 255
    for resampling in FILTERS:  # bicubic and Lanczos overshoot by themselves
        enlarged = resample(step, 50, resampling)
        assert enlarged.min() == 0 and enlarged.max() == 255


# What is refused


class Broken(MeanColor):
    def run(self, images):
        found = super().run(images)["features"]
        found[-1, 0] = np.nan
        return {"features": found}


def test_what_cannot_be_described_is_refused(paths, tmp_path):
    cache = FeatureCache(tmp_path / "cache")
    with pytest.raises(InputError, match="2.png: mean-color must give numbers"):
        extract(Broken(), views(paths[:3]), cache=cache)
    # Nothing that is no number may answer later.
    assert np.isfinite(
        extract(MeanColor(), views(paths), cache=cache)["features"]
    ).all()
    with pytest.raises(InputError, match="one picture or more"):
        extract(MeanColor(), [])
    with pytest.raises(InputError, match="absent.png: must be a readable picture"):
        extract(MeanColor(), views([tmp_path / "absent.png"]))
    (tmp_path / "text.png").write_text("text")
    with pytest.raises(InputError, match="text.png: must be a readable JPEG"):
        extract(MeanColor(), views([tmp_path / "text.png"]))
    with pytest.raises(InputError, match="0.png: a cut must hold a pixel"):
        extract(MeanColor(), views(paths[:1], (1.2, 0, 1.5, 1)))
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="file"):
        extract(MeanColor(), views(paths), cache=FeatureCache(tmp_path / "file"))
