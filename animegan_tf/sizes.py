"""Which pictures the networks take; of use without loading a network."""

# Reflection at 1/8 of the size needs two pixels there.
MULTIPLE = 8
MIN_SIZE = 16
# How far from a pixel of the picture the photo counts, statistics of the whole apart:
# what the paddings and strides of the main tail add up to.
REACH = 48
