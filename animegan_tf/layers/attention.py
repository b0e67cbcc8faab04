"""External attention."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="animegan_tf")
class ExternalAttention(keras.layers.Layer):
    """Mixes the pixels of a feature map through a small learned memory.

    A 1x1 convolution, attention of every pixel to the memory's slots, the memory read
    back with the same weights, a 1x1 convolution, batch normalisation, the input
    added, leaky ReLU with slope 0.2. The attention is a softmax over the pixels,
    divided by its sum over the slots.

    Args:
        memory: number of slots.

    Input and output `(batch, height, width, channels)` in the compute dtype.

    Reference:
        Guo et al., "Beyond Self-Attention: External Attention Using Two Linear Layers
        for Visual Tasks", TPAMI 45(5), 2023, section 3.1; one memory serves as both
        key and value here, as in the DTGAN authors' code.
    """

    def __init__(self, memory=128, **kwargs):
        super().__init__(**kwargs)
        self.memory = memory

    def build(self, input_shape):
        channels = input_shape[-1]

        def conv(name):
            return keras.layers.Conv2D(
                channels, 1, use_bias=False, dtype=self.dtype_policy, name=name
            )

        self.query = conv("query")
        self.output_conv = conv("output_conv")
        # The authors' slim defaults, not Keras': momentum 0.99 there.
        self.norm = keras.layers.BatchNormalization(
            momentum=0.999,
            epsilon=1e-3,
            # Of the whole batch, whatever part of it each device has.
            synchronized=_several_replicas(),
            dtype=self.dtype_policy,
            name="norm",
        )
        for layer in (self.query, self.output_conv, self.norm):
            layer.build(input_shape)
        self.slots = self.add_weight(
            name="slots",
            shape=(channels, self.memory),
            initializer="glorot_uniform",
        )

    def call(self, inputs, training=False):
        attention = ops.softmax(self.scores(inputs), axis=1)
        return self.read(inputs, attention, training)

    def scores(self, inputs):
        """How well each pixel fits each slot, `(batch, pixels, slots)` float32."""
        x = self.query(inputs)
        height, width, channels = ops.shape(x)[1:]
        x = ops.reshape(x, (-1, height * width, channels))  # (B, HW, C)
        scores = ops.matmul(x, ops.cast(self.slots, x.dtype))  # (B, HW, slots)
        # float32: in half precision the softmax over thousands of pixels rounds many
        # weights to 0, and 1e-9 is 0.
        return ops.cast(scores, "float32")

    def read(self, inputs, attention, training=False):
        """The output, from a softmax of the scores over the pixels."""
        attention /= 1e-9 + ops.sum(attention, axis=2, keepdims=True)
        attention = ops.cast(attention, self.compute_dtype)
        x = ops.matmul(attention, ops.transpose(ops.cast(self.slots, attention.dtype)))
        height, width, channels = ops.shape(inputs)[1:]
        x = ops.reshape(x, (-1, height, width, channels))
        x = self.norm(self.output_conv(x), training=training)
        return ops.leaky_relu(inputs + x, 0.2)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "memory": self.memory}


def _several_replicas():
    """Whether the layer is made for several devices."""
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    return tf.distribute.get_strategy().num_replicas_in_sync > 1
