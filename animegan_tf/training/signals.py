"""Signals that ask a run to stop, kept until it can."""

import signal
import threading


class StopSignals:
    """Within it, SIGINT and SIGTERM are noted; a second one ends the process at once.

    Elsewhere than in the main thread, which alone gets signals, it does nothing.

    Attributes:
        received: number of the signal that came, or None.
    """

    def __init__(self):
        self.received, self._before = None, {}

    def __enter__(self):
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._receive)
        return self

    def __exit__(self, *error):
        self._restore()

    def _receive(self, number, frame):
        self.received = number
        self._restore()

    def _restore(self):
        while self._before:
            signal.signal(*self._before.popitem())
