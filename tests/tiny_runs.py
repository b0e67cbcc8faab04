"""Training runs as small as they get, and what they leave."""

import json

from animegan_tf.config import DataConfig, TrainConfig
from animegan_tf.training.saving.checkpoint import newest_checkpoint, read_checkpoint


def tiny_config(pictures, run_dir, **changes):
    """Settings of a run on the pictures that `write_samples` drew."""
    data = DataConfig(
        photos=pictures / "train_photo",
        anime=pictures / "Sample" / "style",
        validation=pictures / "val",
        cache=pictures / "cache",
        image_size=32,
        batch_size=2,
    )
    settings = {"pretrain_epochs": 1, "epochs": 3, "width": 4, "perceptual": "random"}
    return TrainConfig(run_dir=run_dir, data=data, **{**settings, **changes})


def final_values(run_dir):
    """Every variable of the newest checkpoint by name."""
    return read_checkpoint(newest_checkpoint(run_dir / "checkpoints"))[0]


def assert_same_values(a, b):
    """To the bit."""
    assert sorted(a) == sorted(b)
    different = [name for name in a if a[name].tobytes() != b[name].tobytes()]
    assert not different, f"{len(different)} of {len(a)} differ: {different[:5]}"


def log_of(run_dir, times=False):
    lines = (run_dir / "log.jsonl").read_text().splitlines()
    return [
        {k: v for k, v in json.loads(line).items() if times or "seconds" not in k}
        for line in lines
    ]
