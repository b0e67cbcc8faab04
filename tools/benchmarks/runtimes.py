"""Speed and memory of everything that runs a generator, side by side.

Each way to run it is a process of its own, so that its peak of memory is its own, and
all of them take turns, picture by picture, so that a slow moment of the machine does
not fall on one alone. Those that wait are stopped: some spin while they wait.
"""

import json
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.timing import matmul_gflops, peak_gib

WAYS = (
    "Keras",
    "tf.function",
    "SavedModel",
    "LiteRT float32",
    "LiteRT float16",
    "LiteRT dynamic",
    "LiteRT float32, any size",
    "ONNX Runtime",
)
# Convolutions of the main tail at 256 px: 7.39 billion multiplications and additions.
GFLOP_AT_256 = 14.79


def measure_runtimes(args):
    """Medians of painting one picture, by way and size."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        export_all(args.generator, folder, args.sizes, args.ways)
        workers = {way: Worker(way, folder) for way in args.ways}
        rows = []
        for size in args.sizes:
            rows += paint_in_turns(workers, size, args.repeats)
        for worker in workers.values():
            worker.close()
        sizes_of_files = {
            path.name: path.stat().st_size for path in sorted(folder.glob("*.*"))
        }
    peak = matmul_gflops(args.repeats)
    print_table(rows, peak)
    print()
    for name, count in sizes_of_files.items():
        print(f"{name:<24} {count / 1e6:6.2f} MB")
    if args.plot:
        bar_chart(rows, args.plot)
        print(args.plot)
    return {"matmul_gflops": peak, "rows": rows, "bytes": sizes_of_files}


def paint_in_turns(workers, size, repeats):
    """A row of figures for each way, with pictures of one size."""
    times = {way: [] for way in workers}
    for _ in range(repeats + 2):
        for way, worker in workers.items():
            seconds, worker.peak = worker.paint(size)
            times[way].append(seconds)
    rows = []
    for way, worker in workers.items():
        seconds = statistics.median(times[way][2:])  # the first two warm up
        speed = GFLOP_AT_256 * (size / 256) ** 2 / seconds
        row = {"size": size, "way": way, "ms": 1000 * seconds}
        rows.append({**row, "gflops": speed, "gib": worker.peak})
    return rows


def bar_chart(rows, path):
    """Writes a picture with a block of bars for each size."""
    from matplotlib.figure import Figure

    sizes = sorted({row["size"] for row in rows})
    figure = Figure((8, 0.3 * len(rows) + len(sizes)), layout="constrained")
    for axes, size in zip(figure.subplots(len(sizes), squeeze=False).flat, sizes):
        block = [row for row in rows if row["size"] == size][::-1]
        bars = axes.barh([row["way"] for row in block], [row["ms"] for row in block])
        axes.margins(x=0.15)  # room for the labels
        axes.bar_label(bars, fmt="%.0f ms", padding=3)
        axes.set_title(f"{size} x {size} pixels", loc="left")
    figure.savefig(path)


def print_table(rows, peak):
    print(f"matrix product: {peak:.0f} GFLOP/s; ratio 1 is the float32 floor\n")
    print(f"{'pixels':>6}  {'way':<26} {'ms':>8} {'ratio':>6} {'peak GiB':>9}")
    for row in rows:
        ratio = peak / row["gflops"]
        print(
            f"{row['size']:>6}  {row['way']:<26} {row['ms']:8.0f} {ratio:6.2f} "
            f"{row['gib']:9.2f}"
        )


def add_inner_commands(commands):
    """What this module calls itself: commands that the help does not list."""
    worker = commands.add_parser("worker")
    worker.add_argument("way", choices=WAYS)
    worker.add_argument("folder", type=Path)
    worker.set_defaults(measure=work)
    export = commands.add_parser("export")
    export.add_argument("folder", type=Path)
    export.add_argument("--sizes", type=int, nargs="+")
    export.add_argument("--ways", nargs="+", choices=WAYS)
    export.add_argument("--generator", type=Path)
    export.set_defaults(measure=export_formats)


def export_all(generator, folder, sizes, ways):
    """Writes what the ways run; in a process of its own, which takes memory."""
    command = [sys.executable, sys.argv[0], "export", str(folder)]
    command += ["--sizes", *map(str, sizes), "--ways", *ways]
    if generator:
        command += ["--generator", str(generator)]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)


def export_formats(args):
    """The work of `export_all`."""
    from animegan_tf.export import export_litert, export_onnx, export_saved_model
    from animegan_tf.inference import load_generator
    from animegan_tf.models import build_generator

    model = load_generator(args.generator) if args.generator else build_generator()
    model.save(args.folder / "generator.keras")
    export_saved_model(model, args.folder / "saved_model")
    if "ONNX Runtime" in args.ways:
        export_onnx(model, args.folder / "generator.onnx")
    if "LiteRT float32, any size" in args.ways:
        export_litert(model, args.folder / "float32.tflite")
    for way in args.ways:
        precision = way.removeprefix("LiteRT ")
        for size in args.sizes:
            path = args.folder / f"{precision}_{size}.tflite"
            if precision in ("float32", "float16", "dynamic"):
                export_litert(model, path, precision, size)


class Worker:
    """A process that runs the generator in one way, and is stopped between calls."""

    def __init__(self, way, folder):
        command = [sys.executable, sys.argv[0], "worker", way, str(folder)]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.peak = 0.0

    def paint(self, size):
        """Seconds of one picture, and the process's peak of memory so far in GiB."""
        self._signal("SIGCONT")
        print(size, file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{' '.join(self.process.args)} ended")
        self._signal("SIGSTOP")
        return json.loads(answer)

    def close(self):
        self._signal("SIGCONT")
        self.process.communicate()

    def _signal(self, name):
        if hasattr(signal, name):  # not on Windows
            self.process.send_signal(getattr(signal, name))


def work(args):
    """What a worker does: for each line with a size, one picture of it."""
    import numpy as np

    size, paint, photo = None, None, None
    for line in sys.stdin:
        if int(line) != size:
            size = int(line)
            paint = runtime(args.way, args.folder, size)
            rng = np.random.default_rng(0)
            photo = rng.integers(0, 256, (size, size, 3), "uint8")
        start = time.perf_counter()
        paint(photo)
        print(json.dumps([time.perf_counter() - start, peak_gib()]), flush=True)


def runtime(way, folder, size):
    """A function from photos of one size to pictures."""
    from animegan_tf.inference import load_runtime

    if way == "Keras":
        return eager(folder / "generator.keras")
    path = {
        "tf.function": "generator.keras",
        "SavedModel": "saved_model",
        "ONNX Runtime": "generator.onnx",
        "LiteRT float32, any size": "float32.tflite",
    }.get(way, f"{way.removeprefix('LiteRT ')}_{size}.tflite")
    return load_runtime(folder / path)


def eager(path):
    from animegan_tf.inference import load_generator
    from animegan_tf.models import main_tail
    from animegan_tf.ops import to_float

    tail = main_tail(load_generator(path))
    return lambda photo: tail(to_float(photo[None]), training=False).numpy()
