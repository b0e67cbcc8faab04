"""Processes that work on pictures, one a core."""

import multiprocessing
import os
import signal
import threading
import warnings

import cv2
from PIL import Image


def begin_process():
    """Makes a process ready to work on pictures for its parent."""
    # Ctrl-C reaches the whole group; the parent alone decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # One picture a process fills its core; more threads would only get in the way.
    cv2.setNumThreads(1)
    # Pictures over the limit are refused and recorded; Pillow would tell it twice.
    warnings.simplefilter("ignore", Image.DecompressionBombWarning)
    parent = multiprocessing.parent_process()

    def end_with_parent():
        parent.join()
        os._exit(1)

    # A killed parent cannot tell its processes to stop.
    threading.Thread(target=end_with_parent, daemon=True).start()
