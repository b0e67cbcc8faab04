"""Folders to figures: what is measured of whom, and what is refused."""

import dataclasses
import hashlib
import shutil

import numpy as np
import pytest
from stand_ins import Grid

from animegan_tf.errors import InputError
from animegan_tf.evaluation import evaluate, metrics, pixels
from animegan_tf.evaluation.evaluate import (
    Settings,
    evaluate_folders,
)
from animegan_tf.evaluation.face_measures import OTHERS, OWN, FaceBox
from animegan_tf.evaluation.measures import DRAWN, PHOTOS
from animegan_tf.evaluation.pictures import (
    CARTOON,
    CartoonFilter,
    check_leftovers,
    match_pictures,
    named_paths,
    paint_methods,
)
from animegan_tf.evaluation.sample import TRUTH, evaluate_sample
from animegan_tf.imaging.codec import read_image, write_image
from animegan_tf.models import build_generator
from animegan_tf.samples import draw_anime, draw_photo, random_portrait

COUNT = 8


@pytest.fixture(scope="module")
def networks():
    """Settings with a stand-in for every network, and a face in every photo."""
    stand_ins = {
        "open_inception": lambda path: Grid("inception", path),
        "InceptionNetwork": Grid,
        "Lpips": lambda path: Grid("vgg16-lpips", path),
        "FaceIdentity": lambda path: Grid("face-identity", path),
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, stand_in in stand_ins.items():
            patch.setattr(evaluate, name, stand_in)
        patch.setattr(FaceBox, "_cut", lambda *_: np.array([0.2, 0.2, 0.8, 0.7]))
        yield Settings(
            inception="i", drawing="d", lpips="l", identity="f", resamples=50, size=161
        )


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Photos, anime of others, and two methods: the truth, and darker photos."""
    folder = tmp_path_factory.mktemp("pictures")
    for name in ("photos", "anime", "truth", "dark"):
        (folder / name).mkdir()
    for i in range(COUNT):
        photo = draw_photo(random_portrait(i), 48)
        write_image(folder / "photos" / f"{i}.png", photo)
        write_image(folder / "truth" / f"{i}.bmp", draw_anime(random_portrait(i), 64))
        write_image(folder / "dark" / f"{i}.png", photo // 2)
        anime = draw_anime(random_portrait(100 + i), 48)
        write_image(folder / "anime" / f"{i}.png", anime)
    return folder


def run(folders, settings, **changes):
    arguments = {
        "photos": folders / "photos",
        "anime": [folders / "anime"],
        "methods": {"truth": folders / "truth", "dark": folders / "dark"},
    }
    return evaluate_folders(**{**arguments, **changes}, settings=settings)


@pytest.fixture(scope="module")
def cached(networks, tmp_path_factory):
    """Those settings with a cache."""
    return dataclasses.replace(networks, cache=tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def found(folders, cached):
    return run(folders, cached)


def test_figures_are_those_of_the_formulas(folders, networks, found):
    assert found.methods == (PHOTOS, "truth", "dark") == found.columns
    assert found.stems == tuple(str(i) for i in range(COUNT))
    assert list(found.left_out.values()) == ["no weights given (--networks)"]
    assert found.plane == (OWN, DRAWN)
    pictures = {
        name: [read_image(path) for path in sorted((folders / name).iterdir())]
        for name in ("photos", "anime", "truth", "dark")
    }
    grid = Grid("inception", "i")
    features = {
        name: grid.cells([grid.prepare(x) for x in images])
        for name, images in pictures.items()
    }
    for method, name in ((PHOTOS, "photos"), ("truth", "truth"), ("dark", "dark")):
        value = found.figures[method, "inception/frechet_distance_to_anime"]
        expected = metrics.frechet_distance(features[name], features["anime"])
        assert value.value == pytest.approx(expected, rel=1e-6)
        value = found.figures[method, "inception/kernel_distance_to_anime"]
        # All subsets are the whole sets.
        expected = metrics.kernel_between(features[name], features["anime"])
        assert value.value == pytest.approx(expected, rel=1e-6)
        drawn = features[name].mean(axis=1)
        np.testing.assert_allclose(found.by_picture[DRAWN][method], drawn, rtol=1e-6)
        assert found.figures[method, DRAWN].value == pytest.approx(drawn.mean())
        share = found.figures[method, "drawing-inception/share"]
        assert share.value == pytest.approx((drawn > 0.5).mean())
    distance = np.abs(features["photos"] - features["dark"]).mean(axis=1)
    np.testing.assert_allclose(found.by_picture["lpips/distance"]["dark"], distance)
    colours = [
        pixels.color_distance(*p) for p in zip(pictures["photos"], pictures["dark"])
    ]
    value = found.figures["dark", "comparison/color"].value
    assert value == pytest.approx(np.mean([c.whole for c in colours]), rel=0.05)


def test_the_photos_are_the_zero_line(found):
    zero = {
        "comparison/ssim": 1,
        "comparison/ms_ssim": 1,
        "comparison/color": 0,
        "lpips/distance": 0,
        OWN: 1,
    }
    for name, value in zero.items():
        figure = found.figures[PHOTOS, name]
        assert figure[:3] == pytest.approx((value,) * 3, abs=1e-9), name
        assert found.figures["truth", name].value != pytest.approx(value, abs=1e-3)
    assert np.isinf(found.figures[PHOTOS, "comparison/psnr"].value)
    assert (PHOTOS, "inception/kernel_distance_to_photos") not in found.figures
    assert found.figures["dark", "inception/kernel_distance_to_photos"].value > 0
    # Truth is nearer to anime of other people than their photos are.
    near, far = (
        found.figures[m, "inception/kernel_distance_to_anime"].value
        for m in ("truth", PHOTOS)
    )
    assert near < far


def test_what_has_no_network_is_left_out_by_name(folders):
    found = run(folders, Settings(resamples=50, size=161))
    flags = ["--inception", "--drawing", "--lpips", "--identity", "--networks"]
    assert len(found.left_out) == len(flags) and found.plane is None
    for flag, reason in zip(flags, found.left_out.values()):
        assert flag in reason
    sections = {metric.section for metric in found.metrics}
    assert sections == {"Content preservation, not quality", "Plain statistics"}


def test_order_and_place_of_files_do_not_change_a_figure(
    folders, networks, found, tmp_path
):
    moved = tmp_path / "moved"
    shutil.copytree(folders, moved)
    for number, name in enumerate(reversed(sorted((moved / "anime").iterdir()))):
        name.rename(name.with_name(f"{number}-anime.png"))
    # Other names: the photos come in another order.
    for name in ("photos", "truth", "dark"):
        for path in list((moved / name).iterdir()):
            path.rename(
                path.with_name(f"{chr(ord('z') - int(path.stem))}{path.suffix}")
            )
    other = run(moved, networks)
    assert other.stems == tuple(sorted("zyxwvuts"))
    assert other.figures.keys() == found.figures.keys()
    for key, figure in found.figures.items():
        np.testing.assert_allclose(other.figures[key], figure, rtol=1e-9, err_msg=key)


def test_other_methods_and_metrics_do_not_change_a_figure(folders, networks, found):
    alone = run(
        folders,
        dataclasses.replace(networks, lpips=None, inception=None),
        methods={"dark": folders / "dark"},
    )
    assert alone.figures
    for key, figure in alone.figures.items():
        np.testing.assert_array_equal(figure, found.figures[key])


def test_the_cache_answers_the_second_time(folders, cached, found, monkeypatch):
    def refuse(*_):
        raise AssertionError("the cache should have answered")

    monkeypatch.setattr(Grid, "run", refuse)
    second = run(folders, cached)
    for key, figure in found.figures.items():
        np.testing.assert_array_equal(second.figures[key], figure)


def test_a_photo_without_a_face_is_named_and_left_out(folders, networks, monkeypatch):
    def cut(self, image):
        bright = image.mean() > np.median(means)
        return np.array([0.2, 0.2, 0.8, 0.7]) * bright

    means = [read_image(path).mean() for path in (folders / "photos").iterdir()]
    monkeypatch.setattr(FaceBox, "_cut", cut)
    found = run(folders, networks)
    assert found.figures["dark", OWN].count == COUNT // 2
    assert np.isnan(found.by_picture[OWN]["dark"]).sum() == COUNT // 2
    (warning,) = [w for w in found.warnings if "no face" in w]
    dark = [
        str(i)
        for i in range(COUNT)
        if not np.isfinite(found.by_picture[OWN]["dark"][i])
    ]
    assert f"{', '.join(dark[:3])}, ..." in warning
    monkeypatch.setattr(FaceBox, "_cut", lambda self, image: np.zeros(4))
    found = run(folders, networks)
    assert "fewer than two" in found.left_out["Identity"]
    assert found.plane is None and OTHERS not in found.by_picture


def test_small_samples_are_warned_of(found):
    said = " ".join(found.warnings)
    for word in ("Frechet distance of 8", "Inception score of 8", "Intervals of 8"):
        assert word in said


# What is refused.


def test_two_pictures_of_one_name_are_refused(folders, networks, tmp_path):
    shutil.copytree(folders / "dark", tmp_path / "twice")
    shutil.copy(folders / "truth" / "3.bmp", tmp_path / "twice")
    with pytest.raises(
        InputError, match=r"twice: .* one picture of each name.*more of 3"
    ):
        run(folders, networks, methods={"dark": tmp_path / "twice"})


def test_what_is_left_in_the_work_folder_is_told_before_painting(folders, tmp_path):
    photos, work = folders / "photos", tmp_path / "work"
    check_leftovers(photos, work, ["tiny"])
    shutil.copytree(photos, work / "tiny")
    check_leftovers(photos, work, ["tiny"])  # those are painted anew
    for name in ("2.jpg", "100.png"):
        write_image(work / "tiny" / name, np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(
        InputError, match=r"received 2 of other names: 100\.png, 2\.jpg"
    ):
        check_leftovers(photos, work, ["other", "tiny"])


@pytest.mark.parametrize(
    "changes, match",
    [
        ({"subset_size": 9}, "--kid-subset-size .* at most .* received 9 with 8"),
        ({"subset_size": 0}, "--kid-subset-size must be 2 or more, received 0"),
        ({"subset_size": 1}, "--kid-subset-size must be 2 or more, received 1"),
        ({"subsets": 0}, "--kid-subset-count must be 1 or more, received 0"),
        ({"resamples": 0}, "--bootstrap must be 1 or more"),
        ({"size": 160}, "--size must be 161 or more, received 160"),
        ({"seed": -1}, "--seed must be 0 or more"),
    ],
)
def test_settings_out_of_range_are_refused(folders, networks, changes, match):
    with pytest.raises(InputError, match=match):
        run(folders, dataclasses.replace(networks, **changes))


def test_the_drawing_network_has_a_flag_of_its_own(folders, networks, monkeypatch):
    drawing = Grid("drawing-inception", "d.npz")
    monkeypatch.setattr(evaluate, "open_inception", lambda path: drawing)
    with pytest.raises(InputError, match="received d.npz, .* for --drawing"):
        run(folders, networks)


def test_a_single_photo_is_refused(folders, networks, tmp_path):
    for name in ("photos", "dark"):
        (tmp_path / name).mkdir()
        shutil.copy(folders / name / "1.png", tmp_path / name)
    with pytest.raises(InputError, match="two pictures .* received 1 photos and 8"):
        run(
            folders,
            networks,
            photos=tmp_path / "photos",
            methods={"dark": tmp_path / "dark"},
        )


# Names and painting.


def test_methods_are_named_by_hand_or_by_their_place():
    names = named_paths(
        ["a=x/y", "runs/mine/generator.keras", "out/painted/", "my/two.tflite", "s/p/1"]
    )
    assert list(names) == ["a", "mine", "painted", "two", "p"]
    assert list(named_paths(["x/a=b"])) == ["a=b"]
    for values in (["a=x", "a=y"], ["a", "b/a"], ["=x"], ["..=x"], ["x="], [""]):
        with pytest.raises(InputError):
            named_paths(values)


def test_models_and_the_filter_paint_png(folders, tmp_path):
    build_generator(4, memory=8).save(tmp_path / "tiny.keras")
    models = {CARTOON: None, "tiny": tmp_path / "tiny.keras"}
    painted = paint_methods(models, folders / "photos", tmp_path / "work")
    assert list(painted) == [CARTOON, "tiny"]
    for name, folder in painted.items():
        matched = match_pictures(folders / "photos", {name: folder})
        assert {path.suffix for path in matched.methods[name]} == {".png"}
        assert read_image(matched.methods[name][0]).shape == (48, 48, 3)
    photo = read_image(folders / "photos" / "0.png")
    expected = CartoonFilter()(photo)
    np.testing.assert_array_equal(read_image(painted[CARTOON] / "0.png"), expected)
    assert np.abs(expected.astype(int) - photo).mean() > 2
    with pytest.raises(InputError, match="none.keras"):
        paint_methods({"a": tmp_path / "none.keras"}, folders / "photos", tmp_path)


# Drawn portraits.


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    model = tmp_path_factory.mktemp("model") / "tiny.keras"
    build_generator(4, memory=8).save(model)
    return evaluate_sample({"tiny": model}, portraits=2, resamples=50), model


def test_drawn_portraits_are_measured_against_their_truth(sample, monkeypatch):
    found, model = sample
    assert found.methods == (PHOTOS, CARTOON, "tiny")
    assert found.columns == (PHOTOS, TRUTH, CARTOON, "tiny")
    person = random_portrait(600_000)
    photo, truth = draw_photo(person), draw_anime(person)
    np.testing.assert_array_equal(found.image(PHOTOS, 0), photo)
    np.testing.assert_array_equal(found.image(TRUTH, 0), truth)
    psnr = found.by_picture["truth/psnr"][PHOTOS][0]
    assert psnr == pytest.approx(pixels.psnr(truth, photo))
    assert "LPIPS" in found.left_out
    assert "600000 to 600001" in found.facts["Portraits"]
    digest = hashlib.sha256(model.read_bytes()).hexdigest()
    assert found.facts["Painter of tiny"] == f"{model}, SHA-256 {digest}"
    for name in ("hair", "eye", "skin"):
        drift = found.by_picture[f"drift/{name}"]
        assert drift.keys() == set(found.methods)
        assert all((values > 1).all() for values in drift.values())


def test_a_model_that_paints_the_truth_has_no_fault(monkeypatch):
    from animegan_tf import inference

    truths = {
        draw_photo(p).tobytes(): draw_anime(p)
        for p in map(random_portrait, range(600_000, 600_002))
    }
    monkeypatch.setattr(
        inference, "Stylizer", lambda path: lambda photo: truths[photo.tobytes()]
    )
    found = evaluate_sample({"perfect": "none.keras"}, portraits=2, resamples=50)
    assert np.isinf(found.figures["perfect", "truth/psnr"].value)
    for name in ("hair", "eye", "skin"):
        assert found.figures["perfect", f"drift/{name}"].value == 0
    assert found.figures["perfect", "truth/ssim"].value == pytest.approx(1)


def test_the_sample_benchmark_is_the_same_each_time(sample):
    found, model = sample
    again = evaluate_sample({"tiny": model}, portraits=1, resamples=50)
    for name, by_method in again.by_picture.items():
        for method, values in by_method.items():
            expected = found.by_picture[name][method][:1]
            np.testing.assert_array_equal(values, expected)
    with pytest.raises(InputError, match="another name"):
        evaluate_sample({TRUTH: model}, portraits=2)
    with pytest.raises(InputError, match="received 0"):
        evaluate_sample({}, portraits=0)
