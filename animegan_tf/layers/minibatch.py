"""Minibatch discrimination."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="animegan_tf")
class MinibatchDiscrimination(keras.layers.Layer):
    """Tells a discriminator how alike the pictures of a batch are.

    The mean of a sample's features over the pixels is projected to `kernels` short
    vectors. For each of them the layer adds a channel: the mean over the other samples
    of exp(-L1 distance of their vectors), 0 where all differ, 1 where all are equal. A
    generator that paints the same picture for every photo shows itself by it.

    The result of a sample depends on the others: real and fake pictures must be judged
    in calls of their own. A batch of one has no others, and its channels are 0.

    Args:
        kernels: number of channels added.
        dims: length of each vector.

    Input `(batch, height, width, channels)`; output `(batch, height, width, channels +
    kernels)` in the compute dtype.

    Reference:
        Salimans et al., "Improved Techniques for Training GANs", NeurIPS 2016, section
        3.2. It flattens the features, which needs one size of picture, and sums where
        the mean here keeps its scale in batches of any size.
    """

    def __init__(self, kernels, dims=5, **kwargs):
        super().__init__(**kwargs)
        if kernels < 1 or dims < 1:
            raise ValueError(
                "`kernels` and `dims` must be 1 or more. Received: "
                f"{kernels} and {dims}"
            )
        self.kernels, self.dims = kernels, dims

    def build(self, input_shape):
        self.kernel = self.add_weight(
            name="kernel",
            shape=(input_shape[-1], self.kernels * self.dims),
            initializer="glorot_uniform",
        )

    def call(self, inputs):
        # float32: half precision would round the small distances of a collapse away.
        features = ops.mean(ops.cast(inputs, "float32"), axis=(1, 2))  # (B, C)
        vectors = ops.matmul(features, ops.cast(self.kernel, "float32"))
        vectors = ops.reshape(vectors, (-1, self.kernels, self.dims))
        distances = ops.sum(ops.abs(vectors[:, None] - vectors[None]), axis=-1)
        likeness = ops.sum(ops.exp(-distances), axis=1) - 1.0  # (B, kernels), but self
        others = ops.maximum(ops.cast(ops.shape(inputs)[0], "float32") - 1.0, 1.0)
        likeness = ops.cast(likeness / others, self.compute_dtype)[:, None, None]
        shape = (*ops.shape(inputs)[:3], self.kernels)
        return ops.concatenate([inputs, ops.broadcast_to(likeness, shape)], axis=-1)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], input_shape[-1] + self.kernels)

    def get_config(self):
        return {**super().get_config(), "kernels": self.kernels, "dims": self.dims}
