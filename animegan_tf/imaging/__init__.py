"""Pictures as numpy arrays: uint8 RGB (height, width, 3) in and out.

Nothing here may import TensorFlow or Keras, so that preparing a data set or
reading a picture stays light.
"""
