"""Weights that many devices train, beside those that one device trains."""

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
WAYS = {
    "rounding": "one device, with oneDNN",
    "mirrored": "two devices in one process",
    "multiworker": "two processes",
    "stopped": "two processes, stopped and resumed",
}
PHASES = ("phase_1", "phase_2")


def measure_distribution(args):
    """One device, two in a process, two processes, and these with an interruption.

    All train by `tools/train.py`, with the targets and the networks of a real run; the
    difference is that of all networks' weights in the checkpoints after each phase.
    All do without oneDNN, which chooses its ways to add up by the size of the batch
    that a device has; one device with it shows what such rounding alone comes to. The
    targets of phase 2 turn on grey levels and thresholds, so it may grow there.
    """
    with TemporaryDirectory() as folder:
        folder = Path(folder)
        _wait([_start(args, folder / "one")])
        _wait([_start(args, folder / "rounding", TF_ENABLE_ONEDNN_OPTS="1")])
        mirrored = ("--distribute", "mirrored", "--cpu-devices", "2")
        _wait([_start(args, folder / "mirrored", *mirrored)])
        _wait(_start_workers(args, folder / "multiworker"))
        _stop_and_resume(args, folder / "stopped")
        rows = [_compare(folder, way, args.steps) for way in WAYS]
    print(
        f"{args.image_size} px, batch {args.batch_size}, width {args.width}, "
        f"{args.steps} steps of each phase; difference of weights, largest (RMS)\n"
    )
    print("devices                                       phase 1              phase 2")
    for row in rows:
        figures = [f"{row[n]:.1e} ({row[f'{n}_rms']:.1e})" for n in PHASES]
        print(f"{WAYS[row['way']]:<35}" + "".join(f"{x:>21}" for x in figures))
    return {"rows": rows}


def _start(args, run, *flags, **environment):
    command = [sys.executable, TRAIN, "--run-dir", run, *flags]
    if not (run / "checkpoints").is_dir():
        settings = {
            "image-size": args.image_size,
            "batch-size": args.batch_size,
            "width": args.width,
            "steps-per-epoch": args.steps,
            "cache": run.parent / "cache",
            "pretrain-epochs": 1,
            "epochs": 2,
        }
        command += [f"--{name}={value}" for name, value in settings.items()]
    else:
        command += ["--resume", run]
    own = {"TF_CPP_MIN_LOG_LEVEL": "2", "TF_ENABLE_ONEDNN_OPTS": "0"}
    environment = {**os.environ, **own, **environment}
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)


def _start_workers(args, run):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    addresses = [f"127.0.0.1:{s.getsockname()[1]}" for s in sockets]
    for s in sockets:
        s.close()
    flags, workers = ("--distribute", "multiworker"), []
    for index in range(2):
        task = {"type": "worker", "index": index}
        cluster = json.dumps({"cluster": {"worker": addresses}, "task": task})
        workers.append(_start(args, run, *flags, TF_CONFIG=cluster))
    return workers


def _stop_and_resume(args, run):
    """A signal to the process that writes nothing, once phase 1 is over."""
    workers = _start_workers(args, run)
    while workers[0].poll() is None and not (run / "log.jsonl").exists():
        time.sleep(0.1)
    workers[1].send_signal(signal.SIGTERM)
    _wait(workers, 128 + signal.SIGTERM)
    _wait(_start_workers(args, run))


def _wait(processes, status=0):
    for process in processes:
        if process.wait() != status:
            raise RuntimeError(f"{process.args} ended with {process.returncode}")


def _compare(folder, way, steps):
    """Differences from one device by phase, each of so many steps."""
    from animegan_tf.training.saving.checkpoint import read_checkpoint

    row = {"way": way}
    for number, phase in enumerate(PHASES, 1):
        name = f"checkpoints/step_{number * steps:08d}"
        alone, together = (
            read_checkpoint(folder / run / name)[0] for run in ("one", way)
        )
        networks = ("generator/", "support_", "main_", "average/")
        differences = np.concatenate(
            [
                np.abs(alone[key].astype(float) - together[key]).ravel()
                for key in alone
                if key.startswith(networks)
            ]
        )
        row[phase] = float(differences.max())
        row[f"{phase}_rms"] = float(np.sqrt(np.mean(differences**2)))
    return row
