"""Versions for TensorFlow Serving, and the client, against a stand-in of the server."""

import base64
import contextlib
import json
import os
import runpy
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from importlib.util import find_spec
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from google.protobuf.wrappers_pb2 import BytesValue
from PIL import ExifTags, Image
from serving_standin import (
    WARMUP,
    StandIn,
    grpc_server,
    model_service,
    prediction_service,
    rest_server,
    serve_grpc,
    serve_rest,
    warmup_requests,
)

from animegan_tf.errors import InputError
from animegan_tf.export import export_saved_model, warmup
from animegan_tf.imaging.codec import encode_image, read_image, write_image
from animegan_tf.models import build_generator
from animegan_tf.serving import (
    GrpcClient,
    Refused,
    RestClient,
    paint,
    paint_files,
    signatures,
    versions,
)

TOOL = Path(__file__).parents[1] / "tools" / "serving_client.py"
NAMES = {"serving_default", "uint8", "float"}
KINDS = ("rest", "grpc")


def photo(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), "uint8")


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A folder with versions 1 and 2, which paint differently."""
    folder = tmp_path_factory.mktemp("saved_models") / "animegan"
    for number in (1, 2):
        keras.utils.set_random_seed(number)
        export_saved_model(build_generator(4, memory=8), folder, number)
    return folder


@pytest.fixture
def base(exported, tmp_path):
    """A copy of that folder, to be changed."""
    return shutil.copytree(exported, tmp_path / "models" / "animegan")


@pytest.fixture(scope="module")
def standin(exported):
    """A stand-in of the server, warmed up where the messages for it are installed."""
    warm = find_spec("tensorflow_serving") is not None
    standin = StandIn(exported, "animegan", warm)
    standin.poll()
    return standin


@pytest.fixture(scope="module")
def addresses(standin):
    """Where the stand-in answers, by kind."""
    with contextlib.ExitStack() as stack:
        addresses = {"rest": stack.enter_context(serve_rest(standin))}
        with contextlib.suppress(ImportError):
            addresses["grpc"] = stack.enter_context(serve_grpc(standin))
        yield addresses


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def connect(kind, address, *arguments, **options):
    if kind == "rest":
        return RestClient(address, *arguments, **options)
    pytest.importorskip("grpc")
    pytest.importorskip("tensorflow_serving")
    return GrpcClient(address, *arguments, **options)


@pytest.fixture(params=KINDS)
def client(request, addresses):
    return connect(request.param, addresses.get(request.param), "animegan")


# Warm-up requests.


def test_a_version_has_what_a_server_looks_for(exported):
    assert sorted(p.name for p in exported.iterdir()) == ["1", "2"]
    for version in exported.iterdir():
        assert {p.name for p in version.iterdir()} >= {
            "assets.extra",
            "saved_model.pb",
            "variables",
        }
        assert [p.name for p in (version / "assets.extra").iterdir()] == [WARMUP.name]
        assert (version / WARMUP).stat().st_size < 20_000


def test_the_requests_are_those_of_the_real_messages(exported):
    module = "tensorflow_serving.apis.prediction_log_pb2"
    messages = pytest.importorskip(module)
    expected = []
    for signature, (name, value) in warmup._inputs().items():
        log = messages.PredictionLog()
        request = log.predict_log.request
        request.model_spec.signature_name = signature
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
        expected.append(log.SerializeToString())
    records = tf.data.TFRecordDataset(str(exported / "1" / WARMUP))
    assert list(records.as_numpy_iterator()) == expected


@pytest.mark.parametrize("length", [1, 127, 128, 16383, 16384, 2**21])
def test_fields_of_every_length_are_encoded_as_protobuf_does(length):
    data = b"x" * length
    assert warmup._field(1, data) == BytesValue(value=data).SerializeToString()


def test_every_signature_answers_its_request(exported, standin):
    pytest.importorskip("tensorflow_serving")
    requests = dict(warmup_requests(exported / "2" / WARMUP))
    names = {x for x in standin.loaded[2].signatures if not x.startswith("__")}
    assert set(requests) == names == NAMES
    for name, inputs in requests.items():
        (value,) = inputs.values()
        (answer,) = standin.loaded[2].run(name, inputs).values()
        if name == "serving_default":
            assert {data[:4] for data in value} == {b"\xff\xd8\xff\xe0", b"\x89PNG"}
            sizes = [read_image("answer", data).shape for data in answer]
            assert sizes == [(32, 32, 3)] * 2
        else:
            assert answer.shape == value.shape and answer.dtype == value.dtype


# Versions.


def test_versions_come_and_go(base):
    shutil.move(base / "2", base.parent)
    standin = StandIn(base, "animegan")
    standin.poll()
    with serve_rest(standin) as url:
        client = RestClient(url, "animegan")

        def served():
            states = {number: state for number, state, _ in versions(client)}
            return states, paint(client, [photo(24, 32)], "uint8")[0]

        states, one = served()
        assert states == {1: "AVAILABLE"}
        # Published by renaming.
        os.rename(base.parent / "2", base / "2")
        standin.poll()
        states, two = served()
        assert states == {1: "END", 2: "AVAILABLE"}
        assert not np.array_equal(two, one)
        # Rolled back: a name that is no number is passed over.
        os.rename(base / "2", base / "2.withdrawn")
        standin.poll()
        states, picture = served()
        assert states == {1: "AVAILABLE", 2: "END"}
        np.testing.assert_array_equal(picture, one)


# Client.


def test_a_batch_of_files_of_any_sizes_is_painted(client, standin):
    photos = [photo(32, 40), photo(17, 31, 1), photo(64, 16, 2)]
    files = np.array([encode_image(image) for image in photos], object)
    direct = standin.loaded[2].run("serving_default", {"image_bytes": files})
    for picture, data in zip(
        paint(client, photos), direct["output_bytes"], strict=True
    ):
        np.testing.assert_array_equal(picture, read_image("direct", data))


@pytest.mark.parametrize("signature", ["uint8", "float"])
def test_arrays_give_the_same_pictures_as_files(client, signature):
    photos = [photo(24, 33), photo(24, 33, 1)]
    pictures = paint(client, photos, signature)
    for picture, expected in zip(pictures, paint(client, photos), strict=True):
        assert picture.dtype == np.uint8
        assert np.abs(picture.astype(int) - expected).max() <= 1


def test_arrays_of_several_sizes_are_no_batch(client):
    with pytest.raises(Refused, match="one size must be sent to uint8"):
        paint(client, [photo(24, 33), photo(32, 33)], "uint8")


def test_status_and_signatures_are_told(client):
    assert versions(client) == [(2, "AVAILABLE", "")]
    array = "DT_{} (-1, -1, -1, 3)"
    assert signatures(client) == {
        "serving_default": "image_bytes DT_STRING (-1) -> output_bytes DT_STRING (-1)",
        "uint8": f"image {array} -> picture {array}".replace("{}", "UINT8"),
        "float": f"image {array} -> picture {array}".replace("{}", "FLOAT"),
    }


def test_the_status_by_rest_is_the_real_message(standin, addresses):
    pytest.importorskip("tensorflow_serving")
    from google.protobuf.json_format import MessageToDict
    from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusResponse

    response = GetModelStatusResponse()
    entry = response.model_version_status.add()
    entry.version, entry.state = 2, entry.AVAILABLE
    expected = MessageToDict(response)
    expected["model_version_status"][0]["status"] = {
        "error_code": "OK",
        "error_message": "",
    }
    assert RestClient(addresses["rest"], "animegan").status() == expected


def test_bytes_that_are_no_picture_are_refused(client):
    code = "HTTP 400" if isinstance(client, RestClient) else "INVALID_ARGUMENT"
    with pytest.raises(Refused, match=f"{code}: .*Unknown image file format"):
        client.predict("serving_default", [b"no picture"])
    assert paint(client, [photo(16, 16)])[0].shape == (16, 16, 3)


def test_an_error_by_rest_has_the_servers_form(addresses):
    body = json.dumps({"instances": [{"b64": base64.b64encode(b"no").decode()}]})
    url = f"{addresses['rest']}/v1/models/animegan:predict"
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(url, body.encode(), timeout=60)
    assert error.value.code == 400
    assert list(json.load(error.value)) == ["error"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "model, version, asked",
    [
        ("other", None, r"Latest\(other\)"),
        ("animegan", 7, r"Specific\(animegan, 7\)"),
    ],
)
def test_a_model_that_is_not_served_is_named(addresses, kind, model, version, asked):
    client = connect(kind, addresses.get(kind), model, version)
    for ask in (lambda: paint(client, [photo(16, 16)]), lambda: signatures(client)):
        with pytest.raises(InputError, match=f"(404|NOT_FOUND): .*{asked}") as error:
            ask()
        assert not isinstance(error.value, Refused)
    with pytest.raises(InputError, match="Could not find .*version.* of model"):
        versions(client)


def test_a_signature_that_the_model_lacks_is_named(base):
    standin = StandIn(base, "animegan")
    standin.poll()
    del standin.loaded[2].signatures["uint8"]
    with serve_rest(standin) as url:
        with pytest.raises(InputError, match='name: "uint8" not found'):
            paint(RestClient(url, "animegan"), [photo(16, 16)], "uint8")


@pytest.fixture
def silent():
    """Host and port of a server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield "127.0.0.1:%d" % server.getsockname()[1]


def asking(client):
    return (
        lambda: paint(client, [photo(16, 16)]),
        lambda: versions(client),
        lambda: signatures(client),
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_is_not_there_is_said_to_be_absent(kind, silent):
    address = {"rest": f"http://{silent}", "grpc": silent}[kind]
    client = connect(kind, address, "animegan", timeout=0.3)
    for ask in asking(client):
        started = time.monotonic()
        with pytest.raises(InputError, match="must answer there within 0.3 seconds"):
            ask()
        assert time.monotonic() - started < 5


@pytest.mark.parametrize("kind", KINDS)
def test_a_refused_connection_is_named(kind):
    with socket.create_server(("127.0.0.1", 0)) as server:
        host = "127.0.0.1:%d" % server.getsockname()[1]
    address = {"rest": f"http://{host}", "grpc": host}[kind]
    for ask in asking(connect(kind, address, "animegan")):
        with pytest.raises(InputError, match=f"{address}: .*Connection refused"):
            ask()


PICTURE = base64.b64encode(encode_image(photo(16, 16))).decode()


@pytest.mark.parametrize(
    "body, code, named",
    [
        (b"<html>busy</html>", 200, "JSON, received: <html>busy"),
        (b"\xff\xfe", 200, "JSON"),
        (b"[" * 100_000, 200, "JSON"),
        (b"[]", 200, "predictions, received"),
        (b'{"outputs": [1]}', 200, "predictions, received"),
        (b'{"predictions": 3}', 200, "predictions, received"),
        (b'{"predictions": [{"b64": "?"}]}', 200, "predictions, received"),
        (b'{"predictions": [{"a": "?", "b": "?"}]}', 200, "predictions, received"),
        (b'{"predictions": []}', 200, "received: "),
        (b'{"predictions": [[1, 2]]}', 200, "received: none"),
        (b'{"predictions": [{"b64": "bm8="}]}', 200, "received: none"),
        (b'{"predictions": [{"b64": "%s"}]}' % PICTURE.encode(), 200, "16 x 16 x 3"),
        (b'{"error": "out of memory."}', 500, "HTTP 500: out of memory"),
        (b"<html>Bad Gateway</html>", 502, "HTTP 502: <html>Bad Gateway"),
        (b"", 503, "HTTP 503: Service Unavailable"),
        (b"x" * 10_000, 500, r"HTTP 500: x{297}\.\.\."),
    ],
)
def test_wrong_answers_by_rest_are_told_in_a_sentence(body, code, named):
    with rest_server(lambda *asked: (body, code)) as url:
        client = RestClient(url, "animegan")
        with pytest.raises(InputError, match=named) as error:
            paint(client, [photo(20, 24)])
        assert str(error.value).startswith(url) and len(str(error.value)) < 500
        if code == 200:
            with pytest.raises(InputError, match="received: "):
                versions(client)
            with pytest.raises(InputError, match="received: "):
                signatures(client)


@pytest.mark.parametrize(
    "value",
    [
        [[[0.5, 0, 0]]],
        [[[256, 0, 0]]],
        [[[-1, 0, 0]]],
        [[["0", 0, 0]]],
        [[[0, 0, 0]], [[0, 0, 0]]],
        [[0, 0, 0]],
        [],
        {"b64": PICTURE},
    ],
)
def test_arrays_that_are_no_picture_are_wrong_answers(value):
    body = json.dumps({"predictions": [value]}).encode()
    with rest_server(lambda *asked: (body, 200)) as url:
        with pytest.raises(InputError, match="pictures of 1 x 1 x 3, received"):
            paint(RestClient(url, "animegan"), [photo(1, 1)], "uint8")


def test_an_answer_that_breaks_off_counts_as_none():
    def answer(server):
        connection, _ = server.accept()
        with connection:
            connection.recv(1000)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=answer, args=(server,))
        thread.start()
        client = RestClient("http://127.0.0.1:%d" % server.getsockname()[1], "animegan")
        with pytest.raises(InputError, match="must answer there .*IncompleteRead"):
            versions(client)
        thread.join()


@pytest.mark.parametrize(
    "outputs, named",
    [
        ({}, "a batch of output_bytes"),
        ({"output_bytes": np.array([], object)}, "received: "),
        ({"output_bytes": np.array([b"no"], object)}, "received: none"),
        ({"output_bytes": np.zeros((1, 20, 24, 3), np.uint8)}, "received: none"),
    ],
)
def test_wrong_answers_by_grpc_are_told_in_a_sentence(standin, outputs, named):
    messages = pytest.importorskip("tensorflow_serving.apis.predict_pb2")
    pytest.importorskip("grpc")
    service = prediction_service(standin)

    def answer(request, context):
        response = messages.PredictResponse()
        for key, value in outputs.items():
            response.outputs[key].CopyFrom(tf.make_tensor_proto(value))
        return response

    service.Predict = answer
    with grpc_server(service, model_service(standin)) as address:
        with pytest.raises(InputError, match=named):
            paint(GrpcClient(address, "animegan"), [photo(20, 24)])


def test_a_message_over_the_limit_is_refused(addresses):
    client = connect("grpc", addresses.get("grpc"), "animegan", max_message=1)
    with pytest.raises(InputError, match="RESOURCE_EXHAUSTED: .*larger than max"):
        paint(client, [photo(600, 600)], "uint8")


@pytest.mark.parametrize(
    "version, path", [(None, ""), (3, "/versions/3"), ("new one", "/labels/new%20one")]
)
def test_requests_by_rest_name_model_and_version(version, path):
    seen = []

    def answer(method, path, body):
        seen.append((method, path))
        return b"{}", 200

    with rest_server(answer) as url:
        client = RestClient(f"{url}/", "my/model", version)
        for ask in asking(client):
            with pytest.raises(InputError):
                ask()
    model = f"/v1/models/my%2Fmodel{path}"
    assert seen == [
        ("POST", f"{model}:predict"),
        ("GET", model),
        ("GET", f"{model}/metadata"),
    ]


@pytest.mark.parametrize("version, label", [(None, ""), (3, ""), ("new", "new")])
def test_requests_by_grpc_name_model_and_version(standin, version, label):
    messages = pytest.importorskip("tensorflow_serving.apis.get_model_status_pb2")
    pytest.importorskip("grpc")
    service, seen = model_service(standin), []

    def status(request, context):
        seen.append(request.model_spec)
        return messages.GetModelStatusResponse()

    service.GetModelStatus = status
    with grpc_server(prediction_service(standin), service) as address:
        with pytest.raises(InputError, match="states of versions"):
            versions(GrpcClient(address, "mine", version))
    (spec,) = seen
    assert (spec.name, spec.version_label) == ("mine", label)
    assert spec.HasField("version") == (version == 3)
    assert spec.version.value == (3 if version == 3 else 0)


@pytest.mark.parametrize(
    "address, options, named",
    [
        ("localhost:8501", {}, "localhost:8501"),
        ("file:///etc/passwd", {}, "file:///etc/passwd"),
        ("http://", {}, "http://"),
        ("http://host:port", {}, "http://host:port"),
        ("http://[::1", {}, r"http://\[::1"),
        ("http://a", {"model": ""}, "model's name"),
        ("http://a", {"version": -1}, "-1"),
        ("http://a", {"version": 2**63}, str(2**63)),
        ("http://a", {"timeout": 0}, "above 0"),
        ("http://a", {"timeout": float("nan")}, "nan"),
        ("http://a", {"timeout": float("inf")}, "inf"),
    ],
)
def test_what_names_no_server_is_refused(address, options, named):
    with pytest.raises(InputError, match=named):
        RestClient(address, **{"model": "animegan", **options})


def test_a_largest_message_that_grpc_cannot_have_is_refused():
    for size in (0, 2048):
        with pytest.raises(InputError, match=f"2047 MiB, received {size}"):
            GrpcClient("localhost:8500", "animegan", max_message=size)


@pytest.mark.parametrize("missing", ["grpc", "tensorflow_serving"])
def test_missing_packages_are_named(monkeypatch, missing):
    for name in [n for n in sys.modules if n.split(".")[0] == missing]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(InputError) as error:
        GrpcClient("localhost:8500", "animegan")
    assert "pip install grpcio" in str(error.value)
    assert "pip install --no-deps tensorflow-serving-api" in str(error.value)


# Files.


@pytest.fixture
def rest(addresses):
    return RestClient(addresses["rest"], "animegan")


@pytest.mark.parametrize("batch", [1, 2, 9])
def test_files_are_painted_and_bad_ones_left_out(client, tmp_path, batch):
    sizes = {"a.png": (24, 32), "small.png": (8, 32), "b.jpg": (40, 16)}
    for name, size in sizes.items():
        write_image(tmp_path / name, photo(*size))
    (tmp_path / "text.png").write_text("no picture")
    names = ["a.png", "text.png", "small.png", "b.jpg", "none.png"]
    jobs = [(tmp_path / name, tmp_path / f"out-{name}") for name in names]
    errors = dict(paint_files(client, jobs, batch=batch))
    assert [p.name for p in errors] == names
    assert errors[tmp_path / "a.png"] is errors[tmp_path / "b.jpg"] is None
    assert "small.png: " in str(errors[tmp_path / "small.png"])
    assert "16 pixels or more" in str(errors[tmp_path / "small.png"])
    assert "text.png" in str(errors[tmp_path / "text.png"])
    assert "none.png" in str(errors[tmp_path / "none.png"])
    written = {p.name for p in tmp_path.iterdir()} - {*sizes, "text.png"}
    assert written == {"out-a.png", "out-b.jpg"}
    (expected,) = paint(client, [photo(24, 32)])
    np.testing.assert_array_equal(read_image(tmp_path / "out-a.png"), expected)


def test_arrays_of_several_sizes_go_one_by_one(rest, tmp_path):
    for name, width in (("a.png", 24), ("b.png", 32)):
        write_image(tmp_path / name, photo(24, width))
    jobs = [(tmp_path / n, tmp_path / f"out-{n}") for n in ("a.png", "b.png")]
    assert [e for _, e in paint_files(rest, jobs, "uint8", batch=2)] == [None, None]
    assert read_image(tmp_path / "out-b.png").shape == (24, 32, 3)


def test_photos_are_sent_upright_and_reduced(rest, tmp_path):
    image = photo(24, 40)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    Image.fromarray(image).save(tmp_path / "turned.png", exif=exif)
    jobs = [(tmp_path / "turned.png", tmp_path / "out.png")]
    assert [e for _, e in paint_files(rest, jobs)] == [None]
    (expected,) = paint(rest, [np.rot90(image, -1)])
    np.testing.assert_array_equal(read_image(tmp_path / "out.png"), expected)
    assert [e for _, e in paint_files(rest, jobs, max_side=30)] == [None]
    assert read_image(tmp_path / "out.png").shape == (30, 18, 3)


def test_a_server_that_goes_away_ends_it(tmp_path):
    for name in ("a.png", "b.png"):
        write_image(tmp_path / name, photo(16, 16))
    jobs = [(tmp_path / n, tmp_path / f"out-{n}") for n in ("a.png", "b.png")]
    with rest_server(lambda *asked: (b"", 503)) as url:
        with pytest.raises(InputError, match="HTTP 503"):
            list(paint_files(RestClient(url, "animegan"), jobs))
    assert {p.name for p in tmp_path.iterdir()} == {"a.png", "b.png"}


def test_sizes_below_one_are_refused(rest):
    for option in ("batch", "max_side"):
        with pytest.raises(InputError, match="received 0"):
            list(paint_files(rest, [], **{option: 0}))


# The tool.


@pytest.fixture
def call(tmp_path, monkeypatch, capsys, addresses):
    """Runs the tool in this process, inside `tmp_path`; returns status and output."""
    monkeypatch.chdir(tmp_path)

    def call(line):
        line = line.format(**addresses)
        monkeypatch.setattr(sys, "argv", ["serving_client.py", *line.split()])
        capsys.readouterr()
        status = 0
        try:
            runpy.run_path(str(TOOL), run_name="__main__")
        except SystemExit as end:
            status = int(end.code)
        return status, *capsys.readouterr()

    return call


def test_the_tool_paints_asks_and_tells(call, tmp_path, rest):
    write_image(tmp_path / "a.png", photo(24, 32))
    write_image(tmp_path / "small.png", photo(8, 8))
    status, out, err = call("a.png small.png -o out --batch 2 --url {rest}")
    assert (status, out) == (1, "out\n")
    left, total = err.splitlines()
    assert left.startswith("left out: small.png: ") and "16 pixels" in left
    assert total == "left out 1 of 2 photos"
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["a.png"]
    assert call("a.png -o b.png --url {rest} --version 2") == (0, "b.png\n", "")
    (expected,) = paint(rest, [photo(24, 32)])
    np.testing.assert_array_equal(read_image(tmp_path / "b.png"), expected)
    assert call("--status --url {rest}") == (0, "version 2: AVAILABLE\n", "")
    status, out, _ = call("--metadata --url {rest}")
    assert status == 0
    assert [line.split(":")[0] for line in out.splitlines()] == sorted(NAMES)


def test_the_tool_speaks_grpc(call, tmp_path):
    pytest.importorskip("grpc")
    pytest.importorskip("tensorflow_serving")
    write_image(tmp_path / "a.png", photo(24, 32))
    line = "a.png -o b.png --grpc {grpc} --signature uint8"
    assert call(line)[:2] == (0, "b.png\n")
    assert call("--status --grpc {grpc}")[:2] == (0, "version 2: AVAILABLE\n")


def test_a_version_that_is_not_available_is_no_healthy_one(call):
    state = {"version": "3", "state": "END", "status": {"error_message": "no memory"}}
    body = json.dumps({"model_version_status": [state]}).encode()
    with rest_server(lambda *asked: (body, 200)) as url:
        status, out, err = call(f"--status --url {url}")
    assert (status, out, err) == (1, "version 3: END no memory\n", "")


@pytest.mark.parametrize(
    "line, named",
    [
        ("a.png -o b.png --url http://127.0.0.1:1", "Connection refused"),
        ("a.png -o b.png --url {rest} --model other", "Latest(other)"),
        ("a.png -o b.png --url {rest} --version stable", "HTTP 400"),
        ("small.png -o b.png --url {rest}", "small.png: "),
        ("text.png -o b.png --url {rest}", "text.png"),
        ("a.png -o text.png/b.png --url {rest}", "text.png"),
        ("a.png -o b.gif --url {rest}", "b.gif"),
        ("clip.mp4 -o b.mp4 --url {rest}", "must be a photo, received a video"),
        ("a.png -o b.png --batch 0 --url {rest}", "batch"),
        ("a.png -o b.png --timeout 0 --url {rest}", "time-out"),
        ("a.png -o b.png --signature none", "--signature"),
        ("a.png --url {rest}", "--output"),
        ("a.png -o b.png --status", "--status"),
        ("", "--status"),
        ("--status --url {rest} --model other", "of model other"),
    ],
)
def test_the_tool_refuses_in_one_sentence(call, tmp_path, line, named):
    write_image(tmp_path / "a.png", photo(24, 32))
    write_image(tmp_path / "small.png", photo(8, 8))
    for name in ("text.png", "clip.mp4"):
        (tmp_path / name).write_text("no picture")
    before = set(tmp_path.iterdir())
    status, out, err = call(line)
    assert (status, out) == (2, "")
    assert err.startswith("error: ") and err.count("\n") == 1 and named in err
    assert set(tmp_path.iterdir()) == before


def test_rest_needs_no_tensorflow(addresses, tmp_path):
    write_image(tmp_path / "a.png", photo(16, 16))
    code = (
        "import runpy, sys\n"
        f"sys.argv = 'tool a.png -o b.png --url {addresses['rest']}'.split()\n"
        f"runpy.run_path({str(TOOL)!r}, run_name='__main__')\n"
        "loaded = {'tensorflow', 'keras', 'grpc'} & set(sys.modules)\n"
        "assert not loaded, loaded\n"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert read_image(tmp_path / "b.png").shape == (16, 16, 3)
