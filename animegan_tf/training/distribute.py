"""Steps that several devices or machines share, through `tf.distribute`.

The batch of a step is cut into equal parts, one a replica; gradients, logs and the
statistics of batch normalisation are means over all of them. So many devices train
what one device trains with the same `batch_size`, and no learning rate is scaled.

One device trains by Keras' `fit`, the others by a loop of their own that calls the same
callbacks in the same order. Keras 3.15's `fit` does train a model with such a
`train_step` under `MirroredStrategy`; under `MultiWorkerMirroredStrategy`, which Keras
says it does not support (keras issues 20585 and 20601), it ends at the first batch: it
takes the batch of each replica for one tensor. One loop then serves all strategies.
"""

import contextlib
import functools
import json
import os
from collections.abc import Callable
from dataclasses import dataclass

import keras
import tensorflow as tf

from animegan_tf.config import DeviceConfig
from animegan_tf.data.pipeline import Share
from animegan_tf.errors import InputError


@dataclass(frozen=True)
class Devices:
    """What a run computes on.

    Attributes:
        strategy: `tf.distribute.Strategy`, or None for one device.
        workers: number of processes that train together.
        worker: which of them this one is.
    """

    strategy: tf.distribute.Strategy | None = None
    workers: int = 1
    worker: int = 0

    @property
    def replicas(self):
        return self.strategy.num_replicas_in_sync if self.strategy else 1

    @property
    def chief(self):
        """Whether this process writes what a run leaves behind."""
        return self.worker == 0

    def scope(self):
        """Where variables must be made so that all replicas have them."""
        return self.strategy.scope() if self.strategy else contextlib.nullcontext()

    def fit(
        self,
        model: keras.Model,
        dataset: Callable[[Share], tf.data.Dataset],
        callbacks: list,
        verbose: int,
        **numbers: int,
    ):
        """Trains as `keras.Model.fit` does, on all devices.

        Args:
            model: made within `scope`.
            dataset: makes the dataset of a share of every batch.
            callbacks: of this process.
            verbose: as in `fit`.
            numbers: `initial_epoch`, `epochs` and `steps_per_epoch`.
        """
        if self.strategy is None:
            model.fit(
                dataset(Share()),
                callbacks=callbacks,
                shuffle=False,
                verbose=verbose,
                **numbers,
            )
            return
        batches = self.strategy.distribute_datasets_from_function(
            lambda context: dataset(_share(context))
        )
        callbacks = keras.callbacks.CallbackList(
            callbacks,
            add_progbar=verbose > 0,
            model=model,
            verbose=verbose,
            epochs=numbers["epochs"],
            steps=numbers["steps_per_epoch"],
        )
        self._train(model, iter(batches), callbacks, **numbers)

    def _train(
        self, model, batches, callbacks, *, initial_epoch, epochs, steps_per_epoch
    ):
        step = self._step(model)
        model.stop_training = False
        callbacks.on_train_begin()
        for epoch in range(initial_epoch, epochs):
            model.reset_metrics()
            callbacks.on_epoch_begin(epoch)
            for number in range(steps_per_epoch):
                callbacks.on_train_batch_begin(number)
                logs = step(batches)
                callbacks.on_train_batch_end(number, logs)
                if model.stop_training:
                    break
            callbacks.on_epoch_end(epoch, logs)
            if model.stop_training:
                break
        callbacks.on_train_end()

    def _step(self, model):
        """A function of the batches' iterator: one step, and the means of its logs."""
        names = []

        def replica_step(batch):
            logs = model.train_step(batch)
            names[:] = logs
            return tf.stack([tf.cast(value, tf.float32) for value in logs.values()])

        @tf.function(autograph=False)  # as in `fit`: no step has loops to convert
        def step(batches):
            values = self.strategy.run(replica_step, args=(next(batches),))
            return self.strategy.reduce("MEAN", values, axis=None)

        def named_step(batches):
            values = step(batches).numpy().tolist()
            return dict(zip(names, values, strict=True))

        return named_step

    def highest(self, number: int) -> int:
        """The highest number of all processes, which must ask at once."""
        return max(self._of_all_workers(number))

    def require_agreement(self, number: int, sentence: str):
        """Refuses to train where the processes do not have the same number.

        Raises:
            InputError: the sentence.
        """
        if len(set(self._of_all_workers(number))) > 1:
            raise InputError(sentence)

    def _of_all_workers(self, number):
        if self.workers == 1:
            return [number]
        return self._gathered(tf.constant([number], tf.int64)).numpy().tolist()

    @functools.cached_property
    def _gathered(self):
        def gathered(number):
            values = self.strategy.run(tf.identity, args=(number,))
            return self.strategy.gather(values, axis=0)

        return tf.function(gathered)


class Agreement(keras.callbacks.Callback):
    """Makes all processes stop at one step, or else some would wait for others.

    It comes after the callbacks that only the chief has, and before the one that
    saves. What it knows of signals is what any process has received.

    Args:
        devices: `Devices` of several processes.
        signals: `StopSignals` of this one.
    """

    def __init__(self, devices, signals):
        super().__init__()
        self.devices, self.own, self.received = devices, signals, None

    def on_train_batch_end(self, batch, logs=None):
        self.received = self.devices.highest(self.own.received or 0) or None

    def on_epoch_end(self, epoch, logs=None):
        stop = self.devices.highest(int(self.model.stop_training))
        self.model.stop_training = bool(stop)


def _share(context):
    """What an input pipeline of `tf.distribute` reads of every batch."""
    whole = context.num_replicas_in_sync
    local = whole // context.num_input_pipelines
    return Share(context.input_pipeline_id * local, local, whole)


def open_devices(settings: DeviceConfig, batch_size: int) -> Devices:
    """The devices of a run, which TensorFlow must not have used before.

    Args:
        settings: kind and number; TF32 is switched as it says, too.
        batch_size: pictures in a step, on all devices together.

    Raises:
        InputError: the devices or the cluster are not there, or cannot share a batch
            of this size equally.
    """
    tf.config.experimental.enable_tensor_float_32_execution(settings.tf32)
    kind = settings.distribute
    openers = {"mirrored": _mirrored, "multiworker": _multiworker, "tpu": _tpu}
    devices = openers[kind](settings) if kind != "none" else Devices()
    if batch_size % devices.replicas:
        raise InputError(
            f"--batch-size must be a multiple of the {devices.replicas} devices of "
            f"--distribute {kind}; got {batch_size}"
        )
    return devices


def _mirrored(settings):
    gpus = tf.config.list_logical_devices("GPU") if not settings.cpu_devices else []
    if settings.cpu_devices:
        cpu = tf.config.list_physical_devices("CPU")[0]
        parts = [tf.config.LogicalDeviceConfiguration()] * settings.cpu_devices
        tf.config.set_logical_device_configuration(cpu, parts)
    names = [f"CPU:{i}" for i in range(settings.cpu_devices)] or [g.name for g in gpus]
    if len(names) < 2:
        raise InputError(
            "--distribute mirrored must have two GPUs or more, or --cpu-devices to "
            f"share the CPU; there are {len(names)} of them"
        )
    return Devices(tf.distribute.MirroredStrategy(names))


def _multiworker(settings):
    count, index = _read_cluster(os.environ.get("TF_CONFIG"))
    return Devices(tf.distribute.MultiWorkerMirroredStrategy(), count, index)


def _tpu(settings):
    name = os.environ.get("TPU_NAME", "local")
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver(name)
        if name != "local":
            tf.config.experimental_connect_to_cluster(resolver)
        tf.tpu.experimental.initialize_tpu_system(resolver)
        return Devices(tf.distribute.TPUStrategy(resolver))
    except (ValueError, RuntimeError, tf.errors.OpError) as error:
        reason, *_ = str(error).split(".")  # the rest is about its kernels
        raise InputError(
            "--distribute tpu must have a TPU, this machine's own or the one that "
            f"TPU_NAME names; TensorFlow says: {reason}"
        ) from error


def _read_cluster(text):
    """Number of workers, and which one this process is."""
    try:
        cluster = json.loads(text or "null")
        addresses, task = cluster["cluster"]["worker"], cluster["task"]
        index = task["index"]
        known = set(cluster["cluster"]) == {"worker"} and task["type"] == "worker"
        if known and isinstance(addresses, list) and 0 <= index < len(addresses):
            return len(addresses), index
    except (ValueError, TypeError, KeyError):
        pass
    raise InputError(
        "TF_CONFIG must name every worker's address and which of them this process "
        'is, as {"cluster": {"worker": ["host:port", ...]}, "task": {"type": "worker", '
        f'"index": 0}}}}; got {text or "nothing"}'
    )
