"""LiteRT files on its GPU accelerator, beside the same files on its CPU."""

from animegan_tf.errors import InputError


def measure_accelerator(args):
    """Whether the GPU takes each file whole, and how far its picture is off."""
    rows = []
    for path in args.files:
        row = {"file": path.name, "whole": False, "difference": None}
        try:
            row |= compared(path)
        except RuntimeError as error:  # LiteRT's only kind; it says more on stderr
            row["refused"] = str(error).strip().splitlines()[-1].strip("└ ")
        rows.append(row)
    for row in rows:
        said = row.get("refused") or f"largest difference {row['difference']:.2g}"
        print(f"{row['file']:<32} {'whole' if row['whole'] else 'not whole'}; {said}")
    return {"rows": rows}


def compared(path):
    """One random photo through both; levels where the file has uint8."""
    import numpy as np

    try:
        from ai_edge_litert.compiled_model import CompiledModel
        from ai_edge_litert.hardware_accelerator import HardwareAccelerator
    except ImportError:
        raise InputError(
            "benchmark.py accelerator needs the package ai-edge-litert, extra litert"
        ) from None

    def painted():
        inputs, outputs = model.create_input_buffers(0), model.create_output_buffers(0)
        inputs[0].write(photo)
        model.run_by_index(0, inputs, outputs)
        return outputs[0].read(photo.size, photo.dtype.type).astype(np.float64)

    pictures = []
    for accelerator in (HardwareAccelerator.GPU, HardwareAccelerator.CPU):
        model = CompiledModel.from_file(str(path), hardware_accel=accelerator)
        if not pictures:
            whole = model.is_fully_accelerated()
            details = model.get_input_tensor_details("serving_default")["image"]
            rng = np.random.default_rng(0)
            photo = rng.uniform(-1, 1, int(np.prod(details["shape"])))
            if "uint8" in str(details["dtype"]):
                photo = ((photo + 1) * 127.5).astype(np.uint8)
            else:
                photo = photo.astype(np.float32)
        pictures.append(painted())
    gpu, cpu = pictures
    return {"whole": bool(whole), "difference": float(np.abs(gpu - cpu).max())}
