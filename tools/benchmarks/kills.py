"""A run that is killed again and again, beside one that is not."""

import dataclasses
import os
import random
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path


def measure_kills(args):
    """Kills a small deterministic run, resumes it, and compares what comes out.

    Every start is a fork of this process, which has imported TensorFlow but never
    used it, as importing would take longer than the steps. Unless `--compiled` is
    given, steps are computed operation by operation, since tracing them anew at every
    start would take longer still; what is saved and restored is the same.
    """
    from animegan_tf.training.saving.checkpoint import (
        newest_checkpoint,
        read_checkpoint,
    )

    rng = random.Random(args.seed)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        config = _config(args, folder)
        _finish(_start(config, folder / "steps", args.compiled))
        newest = newest_checkpoint(config.run_dir / "checkpoints")
        expected, _ = read_checkpoint(newest)
        total = (folder / "steps").stat().st_size
        kills, equal, seconds = [], [], _seconds_of(config)
        while len(kills) < args.kills or not equal:
            run = dataclasses.replace(config, run_dir=folder / f"run{len(equal)}")
            kills += _killed_run(run, rng, args, args.kills - len(kills), seconds)
            found, _ = read_checkpoint(newest_checkpoint(run.run_dir / "checkpoints"))
            equal.append(_same(expected, found))
            print(f"{len(kills)} kills, {len(equal)} runs", file=sys.stderr)
    return _report(args, total, kills, equal)


def _config(args, folder):
    from animegan_tf.config import DataConfig, TrainConfig
    from animegan_tf.samples import write_samples

    write_samples(folder / "data", photos=7, anime=6, size=48, validation=1)
    return TrainConfig(
        run_dir=folder / "whole",
        data=DataConfig(
            photos=folder / "data" / "train_photo",
            anime=folder / "data" / "Sample" / "style",
            validation=folder / "data" / "val",
            cache=folder / "cache",
            image_size=32,
            batch_size=2,
        ),
        pretrain_epochs=args.pretrain_epochs,
        epochs=args.epochs,
        steps_per_epoch=args.steps,
        save_steps=args.save_steps,
        width=4,
        perceptual="random",
        deterministic=True,
    )


def _seconds_of(config):
    """Seconds a step, of the run that was not killed."""
    import json

    lines = (config.run_dir / "log.jsonl").read_text().splitlines()
    return max(json.loads(line)["seconds_per_step"] for line in lines)


def _start(config, steps, compiled):
    """Trains in a process of its own, which adds a byte to `steps` after every step.

    It resumes if there is a checkpoint. Returns its number.
    """
    from animegan_tf.training import run
    from animegan_tf.training.saving.checkpoint import checkpoints

    sys.stdout.flush()
    number = os.fork()
    if number:
        return number
    status = 1
    try:
        log = os.open(f"{steps}.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(log, 1), os.dup2(log, 2)
        import tensorflow as tf

        tf.config.run_functions_eagerly(not compiled)
        resume = bool(checkpoints(config.run_dir / "checkpoints"))
        run.train(config, resume, callbacks=[_counter(steps)])
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def _counter(path):
    import keras

    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)

    class Counter(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            os.write(descriptor, b".")

    return Counter()


def _finish(number):
    """Waits for a process that must end well."""
    _, status = os.waitpid(number, 0)
    if status:
        raise RuntimeError(f"a run ended with status {status}")


def _killed_run(config, rng, args, most, seconds):
    """A run to its end, with `most` kills at most; a dict of facts for each."""
    kills, rest = [], None  # of a checkpoint, left by the last kill
    steps = config.run_dir.with_suffix(".steps")
    folder = config.run_dir / "checkpoints"
    while True:
        steps.unlink(missing_ok=True)
        before = _taken(folder)
        number = _start(config, steps, args.compiled)
        if len(kills) == most:
            _finish(number)
            return kills
        moment = _moment(rng, steps, folder, rest, args.save_steps, seconds)
        if not _wait(number, *moment):
            return kills
        os.kill(number, signal.SIGKILL)
        os.waitpid(number, 0)
        in_write, rest = _is_writing(folder, rest), _unfinished(folder)
        done = before + (steps.stat().st_size if steps.exists() else 0)
        lost = done - _taken(folder)
        kills.append({"in_write": in_write, "done": done, "lost": lost})


def _taken(folder):
    """Steps of the newest whole checkpoint, by which a run goes on; 0 without one."""
    from animegan_tf.training.saving.checkpoint import checkpoints, newest_checkpoint

    if not checkpoints(folder):
        return 0
    return int(newest_checkpoint(folder).name.removeprefix("step_"))


def _unfinished(folder):
    """What tells a half-written checkpoint from others; None if there is none."""
    try:
        facts = (folder / ".writing").stat()
    except FileNotFoundError:
        return None
    return facts.st_ino, facts.st_mtime_ns


def _is_writing(folder, rest):
    return _unfinished(folder) not in (None, rest)


def _moment(rng, steps, folder, rest, save_steps, seconds):
    """When to kill: a condition to wait for, the seconds to wait after it, and what
    must hold at the kill, or None."""
    if rng.random() < 0.5:
        number = rng.randrange(2)  # of the checkpoint that is aimed at

        def writing():
            return _is_writing(folder, rest)

        writings = _edges(writing)
        return lambda: writings() > number, rng.uniform(0, 0.05), writing
    number = rng.randrange(2 * save_steps)
    return (
        lambda: number == 0 or (steps.exists() and steps.stat().st_size >= number),
        rng.uniform(0, seconds),
        None,
    )


def _edges(condition):
    """A function that counts how often the condition came to hold."""
    state = [False, 0]

    def count():
        now = condition()
        state[1] += now and not state[0]
        state[0] = now
        return state[1]

    return count


def _wait(number, condition, delay, inside):
    """Whether the process was still running `delay` after the condition held.

    Where that is too late for `inside`, the next time that it holds is waited for.
    """
    end = None
    while True:
        if os.waitid(os.P_PID, number, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            _finish(number)
            return False
        if end is None and condition():
            end = time.perf_counter() + delay
        if end is not None and time.perf_counter() >= end:
            if inside is None or _stopped(number, inside):
                return True
            condition, delay, end = inside, 0, None
        time.sleep(0.0005)


def _stopped(number, inside):
    """Holds the process still while `inside` holds; else lets it go on."""
    os.kill(number, signal.SIGSTOP)
    os.waitid(os.P_PID, number, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
    if inside():
        return True
    os.kill(number, signal.SIGCONT)
    return False


def _same(a, b):
    return set(a) == set(b) and all(a[n].tobytes() == b[n].tobytes() for n in a)


def _report(args, total, kills, equal):
    result = {
        "kills": len(kills),
        "in_write": sum(kill["in_write"] for kill in kills),
        "worst_loss": max(kill["lost"] for kill in kills),
        "save_steps": args.save_steps,
        "steps": total,
        "runs": len(equal),
        "equal_runs": sum(equal),
        "all": kills,
    }
    print(
        f"{result['kills']} SIGKILLs in {result['runs']} runs of {total} steps, "
        f"{result['in_write']} while a checkpoint was written\n"
        f"worst loss: {result['worst_loss']} steps, with a checkpoint every "
        f"{args.save_steps}\n"
        f"equal to the uninterrupted run to the bit: {result['equal_runs']} of "
        f"{result['runs']}"
    )
    return result
