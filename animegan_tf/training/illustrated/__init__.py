"""Learning from an illustrator: photos in, their drawings as the only teacher.

Beside the adversarial training and independent of it. Networks, loss and `fit` are
Keras alone, so that it runs on other backends than TensorFlow too.
"""
