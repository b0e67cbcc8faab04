"""Networks that start from trained ones."""

import dataclasses

from animegan_tf.config import TrainConfig
from animegan_tf.errors import InputError
from animegan_tf.inference import find_start, load_generator
from animegan_tf.models import generator_shape
from animegan_tf.settings import load_config

# What the shape of the networks hangs on.
_SHAPE = ("width", "memory", "upsampling")


class Start:
    """A trained generator, or a whole run, that another run starts from.

    A generator gives itself alone: its discriminators were not kept with it. Without
    a support tail, that tail starts as a copy of the main one, so that the revision
    which the main tail is to follow is of a painted picture from the first step on.
    A run gives all networks of its newest checkpoint.

    Args:
        named: as `find_start` takes it.

    Raises:
        InputError: there is nothing to start from, or nothing that fits.
    """

    def __init__(self, named):
        self.path, self.generator = find_start(named), None
        if self.path.is_dir():
            config = load_config(self.path / "config.json", TrainConfig)
            self.shape = {name: getattr(config, name) for name in _SHAPE}
            return
        self.generator = load_generator(self.path)
        try:
            self.shape = _settings_of(self.generator)
        except (ValueError, AttributeError) as error:
            raise self._misfit(error) from error

    def shaped(self, config: TrainConfig) -> TrainConfig:
        """The settings with the shape of these networks in place of their own."""
        return dataclasses.replace(config, **self.shape)

    def give(self, trainer, state):
        """Copies the weights into the networks of a run and its average.

        Args:
            trainer: `DTGAN`, its networks as `shaped` settings build them.
            state: the run's `TrainingState`.

        Raises:
            InputError: the networks are of another kind.
        """
        if self.generator is None:
            state.load_weights(self.path / "checkpoints")
            return
        weights = {layer.name: layer.get_weights() for layer in self.generator.layers}
        if not isinstance(self.generator.output, dict):
            print(f"{self.path} has no support tail: it starts as the main one")
            for name in [name for name in weights if name.startswith("main_")]:
                weights[name.replace("main", "support", 1)] = weights[name]
        try:
            for layer in trainer.generator.layers:
                layer.set_weights(weights.get(layer.name, []))
        except ValueError as error:
            raise self._misfit(error) from error
        trainer.average.reset()

    def _misfit(self, error):
        reason = str(error).strip().splitlines()[0]
        return InputError(
            f"{self.path} must be a generator of tools/train.py: {reason}"
        )


def _settings_of(generator):
    shape = generator_shape(generator)
    resize = shape.pop("resize")
    return {**shape, "upsampling": {"half_pixel": "bilinear"}.get(resize, resize)}
