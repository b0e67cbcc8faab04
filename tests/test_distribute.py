"""Many devices: they train what one does, and a wrong cluster is one sentence."""

import dataclasses
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tiny_runs import final_values, log_of

from animegan_tf.config import DeviceConfig, ObjectiveConfig, TrainConfig, check_config
from animegan_tf.errors import InputError
from animegan_tf.samples import write_samples
from animegan_tf.training import distribute
from animegan_tf.training.distribute import open_devices

REPLICAS = Path(__file__).with_name("replicas.py")
NETWORKS = ("generator", "support_discriminator", "main_discriminator", "average")


def start(samples, folder, *ways, **environment):
    # oneDNN chooses its ways to add up by the size of the batch that a device has.
    own = {"TF_CPP_MIN_LOG_LEVEL": "2", "TF_ENABLE_ONEDNN_OPTS": "0"}
    return subprocess.Popen(
        [sys.executable, REPLICAS, samples, folder, *ways],
        env={**os.environ, **own, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def free_addresses(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    addresses = [f"127.0.0.1:{s.getsockname()[1]}" for s in sockets]
    for s in sockets:
        s.close()
    return addresses


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two devices and then one in a process; a process for each of two workers."""
    folder = tmp_path_factory.mktemp("runs")
    samples = folder / "samples"
    write_samples(samples, photos=6, anime=5, size=48, validation=2)
    processes = [start(samples, folder / "here", "mirrored", "none")]
    cluster = {"worker": free_addresses(2)}
    for index in range(2):
        task = {"type": "worker", "index": index}
        text = json.dumps({"cluster": cluster, "task": task})
        place = folder / f"worker_{index}"
        processes.append(start(samples, place, "multiworker", TF_CONFIG=text))
    outputs = [process.communicate(timeout=300)[0] for process in processes]
    failed = [o[-2000:] for o, p in zip(outputs, processes) if p.returncode]
    assert not failed, "\n\n".join(failed)
    return folder


@pytest.mark.parametrize("run", ["here/mirrored", "worker_0/multiworker"])
def test_devices_train_what_one_device_trains(runs, run):
    alone, together = (final_values(runs / path) for path in ("here/none", run))
    assert sorted(together) == sorted(alone)
    networks = [name for name in alone if name.split("/")[0] in NETWORKS]
    assert len(networks) > 30
    for name in networks:
        np.testing.assert_allclose(
            together[name], alone[name], rtol=0, atol=1e-5, err_msg=name
        )
    log, expected = (log_of(runs / path) for path in (run, "here/none"))
    assert [line["steps"] for line in log] == [10]
    for line, other in zip(log, expected):
        # Figures of health are each device's own, of its part of the batch.
        terms = [n for n in other if "/" in n and not n.startswith("health/")]
        assert [line[name] for name in terms] == pytest.approx(
            [other[name] for name in terms], rel=1e-4
        )


def test_only_the_chief_writes(runs):
    written = {path.name for path in (runs / "worker_0" / "multiworker").iterdir()}
    assert {"checkpoints", "generator.keras", "log.jsonl", "samples"} <= written
    assert not (runs / "worker_1").exists()


@pytest.fixture
def devices(monkeypatch):
    """Function of settings that opens devices; no real strategy is made."""
    monkeypatch.delenv("TF_CONFIG", raising=False)
    for name in ("MirroredStrategy", "MultiWorkerMirroredStrategy"):
        monkeypatch.setattr(
            distribute.tf.distribute, name, lambda *names: Strategy(), raising=True
        )
    monkeypatch.setattr(
        distribute.tf.config, "set_logical_device_configuration", lambda *_: None
    )
    return lambda batch=4, **settings: open_devices(DeviceConfig(**settings), batch)


class Strategy:
    num_replicas_in_sync = 3


@pytest.mark.parametrize(
    "text",
    [
        None,
        "{",
        "[]",
        '{"cluster": {"worker": []}, "task": {"type": "worker", "index": 0}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": "0"}}',
        '{"cluster": {"worker": ["a:1"], "ps": ["a:2"]}, '
        '"task": {"type": "ps", "index": 0}}',
    ],
)
def test_a_cluster_that_is_not_told_right_is_one_sentence(devices, monkeypatch, text):
    if text is not None:
        monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(InputError, match="TF_CONFIG must name every worker") as caught:
        devices(distribute="multiworker")
    assert (text or "nothing") in str(caught.value)


def test_a_batch_is_shared_equally(devices, monkeypatch):
    cluster = {"worker": ["a:1", "b:1", "c:1"]}
    task = {"type": "worker", "index": 2}
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": cluster, "task": task}))
    opened = devices(6, distribute="multiworker")
    assert (opened.replicas, opened.workers, opened.chief) == (3, 3, False)
    for settings in (
        {"distribute": "multiworker"},
        {"distribute": "mirrored", "cpu_devices": 3},
    ):
        rule = "--batch-size must be a multiple of the 3 devices.*; got 4"
        with pytest.raises(InputError, match=rule):
            devices(**settings)


def test_one_gpu_is_none_to_share_with(devices):
    with pytest.raises(InputError, match="mirrored must have two GPUs or more"):
        devices(distribute="mirrored", cpu_devices=1)


def test_a_tpu_that_is_not_there_is_one_sentence(devices):
    with pytest.raises(InputError, match="--distribute tpu must have a TPU"):
        devices(distribute="tpu")


def test_pictures_are_compared_on_one_device_only():
    config = TrainConfig(objective=ObjectiveConfig(minibatch=8))
    check_config(config)
    config = dataclasses.replace(config, devices=DeviceConfig(distribute="mirrored"))
    with pytest.raises(InputError, match="--minibatch must be 0 with --distribute"):
        check_config(config)


def test_a_tpu_trains_phase_1():
    config = TrainConfig(devices=DeviceConfig(distribute="tpu"), pretrain_epochs=5)
    check_config(dataclasses.replace(config, epochs=5))
    with pytest.raises(InputError, match="--epochs must be .*numpy.*, received 6"):
        check_config(dataclasses.replace(config, epochs=6))
