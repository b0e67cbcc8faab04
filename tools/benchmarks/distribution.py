"""Weights that many devices train, beside those that one device trains."""

import dataclasses
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

TRAIN = Path(__file__).parents[1] / "train.py"


def measure_distribution(args):
    """One device, two in a process, two processes, and the last with an interruption.

    All train by `tools/train.py`, with the targets and the networks of a real run; the
    difference is that of the networks' weights in the last checkpoint.
    """
    with TemporaryDirectory() as folder:
        folder = Path(folder)
        _run(args, folder / "one")
        _run(args, folder / "mirrored", "mirrored", "--cpu-devices", "2")
        _run_workers(args, folder / "multiworker")
        _run_workers(args, folder / "stopped", stop=True)
        rows = [_compared(folder, name) for name in WAYS]
    steps = args.epochs * args.steps
    print(
        f"{args.image_size} px, batch {args.batch_size}, width {args.width}, "
        f"{steps} steps, half of them of phase 2\n"
    )
    print("devices                                  largest difference  s a step")
    for row in rows:
        print(
            f"{WAYS[row['way']]:<40} {row['difference']:18.1e}  "
            f"{row['seconds_per_step']:8.2f}"
        )
    return {"settings": _settings(args), "rows": rows}
