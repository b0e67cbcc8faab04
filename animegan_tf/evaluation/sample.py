"""A benchmark without data: drawn portraits whose true anime pictures are known."""

from pathlib import Path

import numpy as np
from skimage.color import rgb2lab
from tqdm import tqdm

from animegan_tf.errors import InputError
from animegan_tf.evaluation import intervals
from animegan_tf.evaluation.extractors import Lpips
from animegan_tf.evaluation.figures import (
    Collector,
    Evaluation,
    Metric,
    circumstances,
    describe,
    describe_generators,
)
from animegan_tf.evaluation.measures import PHOTOS, comparison_metrics
from animegan_tf.evaluation.pictures import CARTOON, CartoonFilter
from animegan_tf.evaluation.pixels import Comparison
from animegan_tf.samples import (
    ATTRIBUTES,
    attribute_regions,
    draw_anime,
    draw_photo,
    held_out_people,
    random_portrait,
)

TRUTH = "the truth"
SIZE = 256
_AGAINST = "Against the true anime pictures"
_DRIFT = "Colours, from the truth's"


def evaluate_sample(
    models: dict[str, str],
    portraits: int = 64,
    lpips: Path | None = None,
    resamples: int = intervals.RESAMPLES,
    seed: int = 0,
    command: str = "",
) -> Evaluation:
    """How near methods come to the true anime pictures of drawn portraits.

    Photos that nobody touched and a cartoon filter come first, then the models. The
    people are `samples.held_out_people`, whom no training on the built-in data meets.
    Hair, eyes and skin are where `samples.attribute_regions` says; their drift is the
    CIE76 distance of the mean colours there, in Lab.

    Args:
        models: name and path of each generator, as `inference.load_runtime` takes it.
        portraits: int, how many people.
        lpips: weights of `extractors.Lpips`, or None.
        resamples: int, of the bootstrap.
        seed: int, of the resamples; the people are always the same.
        command: str, the command line, for the report.

    Returns:
        `Evaluation`.

    Raises:
        InputError: a number out of range, or weights or a model that cannot be used.
    """
    if {PHOTOS, CARTOON, TRUTH} & set(models):
        raise InputError(
            f"a model must have another name than {PHOTOS}, {CARTOON} and {TRUTH}."
        )
    seeds = held_out_people(portraits)
    network = None if lpips is None else Lpips(lpips)
    people = [random_portrait(number) for number in seeds]
    images = _draw_and_paint(people, _painters(models))
    methods = tuple(name for name in images if name != TRUTH)
    collector = Collector(seed, resamples)
    _compare(collector, methods, images)
    _compare_perceptually(collector, methods, images, network)
    _measure_drift(collector, methods, images, people)
    collector.warn(intervals.interval_warning(portraits))
    facts = {
        "Portraits": f"{portraits}, drawn at {SIZE} x {SIZE} pixels, of the people "
        f"{seeds[0]} to {seeds[-1]}; `write_samples` draws none of them",
        **describe_generators({CARTOON: None} | models),
        "Intervals": f"95 %, by {resamples:,} bootstrap resamples",
        **circumstances(command, seed),
    }
    if network:
        facts["LPIPS network"] = describe(network, "whole picture")
    return collector.evaluation(
        title=f"Evaluation on {portraits:,} drawn portraits",
        methods=methods,
        stems=tuple(f"portrait_{number}" for number in seeds),
        columns=tuple(images),
        image=lambda column, i: images[column][i],
        facts=facts,
    )


def _draw_and_paint(people, painters):
    """Pictures by who made them, the photos first and their truth second."""
    images = {
        name: [
            draw(person, SIZE) for person in tqdm(people, f"drawing {name}", delay=1)
        ]
        for name, draw in ((PHOTOS, draw_photo), (TRUTH, draw_anime))
    }
    for name, paint in painters.items():
        photos = tqdm(images[PHOTOS], f"painting: {name}", delay=1)
        images[name] = [paint(photo) for photo in photos]
    return images


def _painters(models):
    from animegan_tf.inference import Stylizer

    return {CARTOON: CartoonFilter()} | {n: Stylizer(p) for n, p in models.items()}


def _compare(collector, methods, images):
    compared = {m: Comparison(SIZE).run(images[TRUTH], images[m]) for m in methods}
    for name, metric in comparison_metrics("truth", "", _AGAINST).items():
        collector.add_means(metric, {m: x[name] for m, x in compared.items()})


def _compare_perceptually(collector, methods, images, network):
    if network is None:
        collector.left_out["LPIPS"] = "no weights given (--lpips)"
        return
    prepared = {name: [network.prepare(x) for x in y] for name, y in images.items()}
    truths = prepared[TRUTH]
    collector.add_means(
        Metric("truth/lpips", "LPIPS", _AGAINST, "lower"),
        {
            m: network.run(truths, prepared[m])["distance"].astype(float)
            for m in methods
        },
    )


def _measure_drift(collector, methods, images, people):
    drifts = {
        name: {m: np.full(len(people), np.nan) for m in methods} for name in ATTRIBUTES
    }
    for i, person in enumerate(tqdm(people, "regions", delay=1)):
        labs = {name: rgb2lab(images[name][i]) for name in (TRUTH, *methods)}
        for name, region in attribute_regions(person, SIZE).items():
            if region.any():
                colours = {m: lab[region].mean(axis=0) for m, lab in labs.items()}
                for m in methods:
                    drift = np.linalg.norm(colours[m] - colours[TRUTH])
                    drifts[name][m][i] = drift
    for name, by_method in drifts.items():
        metric = Metric(f"drift/{name}", f"Drift of {name} colour", _DRIFT, "lower")
        collector.add_means(metric, by_method)
