"""Which epoch paints best, by pictures that training never sees."""

import json
import math
from pathlib import Path

import keras
import numpy as np
from tqdm import tqdm

from animegan_tf.config import DataConfig, EvaluationConfig
from animegan_tf.errors import InputError
from animegan_tf.evaluation.extractors import open_inception
from animegan_tf.evaluation.features import TOP_SQUARE, FeatureCache, View, extract
from animegan_tf.evaluation.metrics import kernel_between
from animegan_tf.files import list_images, write_atomic
from animegan_tf.imaging.codec import read_image
from animegan_tf.imaging.transform import square
from animegan_tf.models import save_generator
from animegan_tf.ops import to_float, to_uint8

DISTANCE = "evaluation/kernel_distance"


class HeldOutDistance(keras.callbacks.Callback):
    """Kernel distance of painted held-out photos to held-out anime, every few epochs.

    It joins the epoch's logs as `evaluation/kernel_distance`, for the callbacks that
    come after this one. The generator with the lowest one is kept. Training ends
    when it has not been undercut for too long.

    Args:
        generator: the averaged generator.
        settings: `EvaluationConfig`.
        data: `DataConfig`, for the size of the photos and the cache.
        path: where the best `generator.keras` goes; `best.json` goes beside it, and is
            read from there when a run goes on.
        last: the run's last epoch, measured in any case.

    Raises:
        InputError: folders, pictures, weights or `best.json` that cannot be used.
    """

    def __init__(
        self, generator, settings: EvaluationConfig, data: DataConfig, path, last
    ):
        super().__init__()
        self.generator, self.path, self.last = generator, path, last
        self.every, self.patience = settings.evaluate_every, settings.patience
        self.size = data.image_size
        self.photos = list_images(settings.evaluate_photos)
        self.network = open_inception(settings.evaluate_network)
        anime = list_images(settings.evaluate_anime)
        if min(len(self.photos), len(anime)) < 2:
            raise InputError(
                "a kernel distance must have two held-out pictures or more of either "
                f"kind; got {len(self.photos)} and {len(anime)}"
            )
        views = [View(path, TOP_SQUARE) for path in anime]
        cache = FeatureCache(data.cache / "features")
        self.anime = extract(self.network, views, cache=cache)["features"]
        self.record = path.with_name("best.json")
        self.best = self._read_record()

    def on_epoch_end(self, epoch, logs=None):
        done = epoch + 1
        if done % self.every and done != self.last:
            return
        distance = kernel_between(self._features(), self.anime)
        logs[DISTANCE] = distance
        if distance < self.best["kernel_distance"]:
            self._keep(done, distance)
        elif self.patience and done - self.best["epoch"] >= self.patience * self.every:
            print(
                f"training ends: the kernel distance of epoch {self.best['epoch']}, "
                f"{self.best['kernel_distance']:.4g}, was not undercut by the last "
                f"{self.patience}",
                flush=True,
            )
            self.model.stop_training = True

    def _features(self):
        """Of the held-out photos as they are painted now."""
        features, batch = [], self.network.batch_size
        starts = range(0, len(self.photos), batch)
        for start in tqdm(starts, "held-out photos", leave=False, delay=1):
            painted = [self._paint(path) for path in self.photos[start : start + batch]]
            prepared = [self.network.prepare(picture) for picture in painted]
            features.append(self.network.run(prepared)["features"])
        return np.concatenate(features)

    def _paint(self, path):
        photo = square(read_image(path), self.size)
        painted = self.generator(to_float(photo[None]), training=False)["main"]
        return np.asarray(to_uint8(painted))[0]

    def _keep(self, epoch, distance):
        """Generator first: a record always has the generator that it tells of."""
        self.best = {
            "epoch": epoch,
            "kernel_distance": distance,
            "network": self.network.identifier,
            "photos": len(self.photos),
            "anime": len(self.anime),
        }
        save_generator(self.generator, self.path)
        write_atomic(self.record, (json.dumps(self.best, indent=2) + "\n").encode())

    def _read_record(self):
        try:
            best = json.loads(Path(self.record).read_bytes())
            same = best["network"], best["photos"], best["anime"]
            float(best["kernel_distance"]), int(best["epoch"])
        except FileNotFoundError:
            return {"epoch": 0, "kernel_distance": math.inf}
        except (
            *(ValueError, TypeError, KeyError, OverflowError, RecursionError),
        ) as error:
            raise InputError(f"{self.record} must be a record of this run") from error
        wanted = self.network.identifier, len(self.photos), len(self.anime)
        if same != wanted:
            raise InputError(
                f"{self.record} must be of the same held-out pictures and network, so "
                f"that figures compare, or be moved away; it is of {same[1]} photos, "
                f"{same[2]} anime pictures and {same[0]}"
            )
        return best
