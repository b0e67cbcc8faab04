"""Versions for TensorFlow Serving, and the client, against a stand-in of the server."""

import base64
import contextlib
import json
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf.wrappers_pb2 import BytesValue
from PIL import ExifTags, Image
from serving_standin import Served, rest_server, serve_grpc, serve_rest

from animegan_tf.errors import InputError
from animegan_tf.export import export_saved_model, warmup
from animegan_tf.imaging.codec import encode_image, read_image, write_image
from animegan_tf.inference import stylize_files
from animegan_tf.models import build_generator
from animegan_tf.serving import (
    GrpcClient,
    Refused,
    RestClient,
    ServedStylizer,
    ServerError,
)

TOOL = Path(__file__).parents[1] / "tools" / "serving_client.py"
WARMUP = Path("assets.extra", "tf_serving_warmup_requests")
NAMES = {"serving_default", "uint8", "float"}
KINDS = ("rest", "grpc")


def photo(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), "uint8")


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved_models") / "animegan"
    return export_saved_model(build_generator(4, memory=8), folder, 2)


@pytest.fixture(scope="module")
def standin(exported):
    return Served(exported, "animegan")


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


def stylized(client, photos, signature="serving_default"):
    """Pictures of a batch; the error of one that is refused is raised."""
    return ServedStylizer(client, signature)._asked(photos)


# Warm-up requests.


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
    assert (exported / WARMUP).stat().st_size < 20_000
    records = tf.data.TFRecordDataset(str(exported / WARMUP))
    assert list(records.as_numpy_iterator()) == expected


@pytest.mark.parametrize("length", [1, 127, 128, 16383, 16384, 2**21])
def test_fields_of_every_length_are_encoded_as_protobuf_does(length):
    data = b"x" * length
    assert warmup._field(1, data) == BytesValue(value=data).SerializeToString()


def test_every_signature_answers_its_request(standin):
    requests = warmup._inputs()
    served = {x for x in standin.signatures if not x.startswith("__")}
    assert set(requests) == served == NAMES
    for signature, (name, value) in requests.items():
        (answer,) = standin.run(signature, {name: np.array(value)}).values()
        if signature == "serving_default":
            assert {data[:4] for data in value} == {b"\xff\xd8\xff\xe0", b"\x89PNG"}
            sizes = [read_image("answer", data).shape for data in answer]
            assert sizes == [(32, 32, 3)] * 2
        else:
            assert answer.shape == value.shape and answer.dtype == value.dtype


# Client.


def test_a_batch_of_files_of_any_sizes_is_painted(client, standin):
    photos = [photo(32, 40), photo(17, 31, 1), photo(64, 16, 2)]
    files = np.array([encode_image(image) for image in photos], object)
    direct = standin.run("serving_default", {"image_bytes": files})
    for picture, data in zip(
        stylized(client, photos), direct["output_bytes"], strict=True
    ):
        np.testing.assert_array_equal(picture, read_image("direct", data))


@pytest.mark.parametrize("signature", ["uint8", "float"])
def test_arrays_give_the_same_pictures_as_files(client, signature):
    photos = [photo(24, 33), photo(24, 33, 1)]
    pictures = stylized(client, photos, signature)
    for picture, expected in zip(pictures, stylized(client, photos), strict=True):
        assert picture.dtype == np.uint8
        assert np.abs(picture.astype(int) - expected).max() <= 1


def test_arrays_of_several_sizes_are_no_batch(client):
    with pytest.raises(Refused, match="one size must be sent to uint8"):
        stylized(client, [photo(24, 33), photo(32, 33)], "uint8")


def test_status_and_signatures_are_told(client):
    assert client.versions() == [(2, "AVAILABLE", "")]
    array = "DT_{} (-1, -1, -1, 3)"
    assert client.signatures() == {
        "serving_default": "image_bytes DT_STRING (-1) -> output_bytes DT_STRING (-1)",
        "uint8": f"image {array} -> picture {array}".replace("{}", "UINT8"),
        "float": f"image {array} -> picture {array}".replace("{}", "FLOAT"),
    }


def test_bytes_that_are_no_picture_are_refused(client):
    code = "HTTP 400" if isinstance(client, RestClient) else "INVALID_ARGUMENT"
    with pytest.raises(Refused, match=f"{code}: .*Unknown image file format"):
        client.predict("serving_default", [b"no picture"])
    assert stylized(client, [photo(16, 16)])[0].shape == (16, 16, 3)


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
    for ask in (lambda: stylized(client, [photo(16, 16)]), lambda: client.signatures()):
        with pytest.raises(ServerError, match=f"(404|NOT_FOUND): .*{asked}"):
            ask()
    with pytest.raises(ServerError, match="404|NOT_FOUND"):
        client.versions()


@pytest.fixture
def silent():
    """Host and port of a server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield "127.0.0.1:%d" % server.getsockname()[1]


def asking(client):
    return (
        lambda: stylized(client, [photo(16, 16)]),
        lambda: client.versions(),
        lambda: client.signatures(),
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
        (b"[" * 100_000, 200, "JSON"),
        (b"[]", 200, "predictions, received"),
        (b'{"predictions": 3}', 200, "predictions, received"),
        (b'{"predictions": [{"b64": "?"}]}', 200, "predictions, received"),
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
            stylized(client, [photo(20, 24)])
        assert str(error.value).startswith(url) and len(str(error.value)) < 500
        if code == 200:
            with pytest.raises(InputError, match="received: "):
                client.versions()
            with pytest.raises(InputError, match="received: "):
                client.signatures()


@pytest.mark.parametrize(
    "value",
    [
        *([[[0.5, 0, 0]]], [[[256, 0, 0]]], [[[-1, 0, 0]]], [[["0", 0, 0]]]),
        *([[0, 0, 0]], [], {"b64": PICTURE}),
    ],
)
def test_arrays_that_are_no_picture_are_wrong_answers(value):
    body = json.dumps({"predictions": [value]}).encode()
    with rest_server(lambda *asked: (body, 200)) as url:
        with pytest.raises(InputError, match="pictures of 1 x 1 x 3, received"):
            stylized(RestClient(url, "animegan"), [photo(1, 1)], "uint8")


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
            client.versions()
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

    def answer(request, context):
        response = messages.PredictResponse()
        for key, value in outputs.items():
            response.outputs[key].CopyFrom(tf.make_tensor_proto(value))
        return response

    with serve_grpc(standin, Predict=answer) as address:
        with pytest.raises(ServerError, match=named):
            stylized(GrpcClient(address, "animegan"), [photo(20, 24)])


def test_a_message_over_the_limit_is_refused(addresses):
    client = connect("grpc", addresses.get("grpc"), "animegan", max_message=1)
    with pytest.raises(InputError, match="RESOURCE_EXHAUSTED: .*larger than max"):
        stylized(client, [photo(600, 600)], "uint8")


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
    seen = []

    def status(request, context):
        seen.append(request.model_spec)
        return messages.GetModelStatusResponse()

    with serve_grpc(standin, GetModelStatus=status) as address:
        with pytest.raises(InputError, match="states of versions"):
            GrpcClient(address, "mine", version).versions()
    (spec,) = seen
    assert (spec.name, spec.version_label) == ("mine", label)
    assert spec.HasField("version") == (version == 3)
    assert spec.version.value == (3 if version == 3 else 0)


@pytest.mark.parametrize(
    "address, options, named",
    [
        ("localhost:8501", {}, "localhost:8501"),
        ("file:///etc/passwd", {}, "file:///etc/passwd"),
        ("http://host:port", {}, "http://host:port"),
        ("http://[::1", {}, r"http://\[::1"),
        ("http://a", {"model": ""}, "model's name"),
        ("http://a", {"version": -1}, "-1"),
        ("http://a", {"timeout": 0}, "above 0"),
        ("http://a", {"timeout": float("nan")}, "nan"),
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
    errors = dict(stylize_files(ServedStylizer(client), jobs, batch=batch))
    assert [p.name for p in errors] == names
    assert errors[tmp_path / "a.png"] is errors[tmp_path / "b.jpg"] is None
    assert "small.png: " in str(errors[tmp_path / "small.png"])
    assert "16 pixels or more" in str(errors[tmp_path / "small.png"])
    assert "text.png" in str(errors[tmp_path / "text.png"])
    assert "none.png" in str(errors[tmp_path / "none.png"])
    written = {p.name for p in tmp_path.iterdir()} - {*sizes, "text.png"}
    assert written == {"out-a.png", "out-b.jpg"}
    (expected,) = stylized(client, [photo(24, 32)])
    np.testing.assert_array_equal(read_image(tmp_path / "out-a.png"), expected)


def test_arrays_of_several_sizes_go_one_by_one(rest):
    photos = [photo(24, 24), photo(24, 32)]
    pictures = ServedStylizer(rest, "uint8").batch(photos)
    assert [x.shape for x in pictures] == [x.shape for x in photos]


def test_photos_are_sent_upright_reduced_and_opaque(rest, tmp_path):
    image = np.dstack([photo(24, 40), np.full((24, 40), 255, np.uint8)])
    image[:8, :, 3] = 0
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    Image.fromarray(image).save(tmp_path / "turned.png", exif=exif)
    jobs = [(tmp_path / "turned.png", tmp_path / "out.png")]
    assert [e for _, e in stylize_files(ServedStylizer(rest), jobs)] == [None]
    image[:8] = 255
    (expected,) = stylized(rest, [np.rot90(image[..., :3], -1)])
    np.testing.assert_array_equal(read_image(tmp_path / "out.png"), expected)
    stylizer = ServedStylizer(rest, max_side=30)
    assert [e for _, e in stylize_files(stylizer, jobs)] == [None]
    assert read_image(tmp_path / "out.png").shape == (30, 18, 3)


@pytest.mark.parametrize("batch", [1, 2])
def test_a_server_that_goes_away_ends_it(tmp_path, batch):
    for name in ("a.png", "b.png"):
        write_image(tmp_path / name, photo(16, 16))
    jobs = [(tmp_path / n, tmp_path / f"out-{n}") for n in ("a.png", "b.png")]
    with rest_server(lambda *asked: (b"", 503)) as url:
        stylizer = ServedStylizer(RestClient(url, "animegan"))
        with pytest.raises(ServerError, match="HTTP 503"):
            list(stylize_files(stylizer, jobs, batch=batch))
    assert {p.name for p in tmp_path.iterdir()} == {"a.png", "b.png"}


def test_sizes_below_one_are_refused(rest):
    with pytest.raises(InputError, match="received 0"):
        ServedStylizer(rest, max_side=0)
    with pytest.raises(InputError, match="received 0"):
        list(stylize_files(ServedStylizer(rest), [], batch=0))


# The tool.


@pytest.fixture
def call(tmp_path, monkeypatch, run_here, addresses):
    """Runs the tool in this process, inside `tmp_path`; returns status and output."""
    monkeypatch.chdir(tmp_path)
    return lambda line: run_here("serving_client.py", *line.format(**addresses).split())


def test_the_tool_paints_asks_and_tells(call, tmp_path, rest):
    write_image(tmp_path / "a.png", photo(24, 32))
    write_image(tmp_path / "small.png", photo(8, 8))
    status, out, err = call("a.png small.png -o out --batch 2 --url {rest}")
    assert (status, out) == (1, "out\n")
    left, total = [line for line in err.splitlines() if "left out" in line]
    assert "left out: small.png: " in left and "16 pixels" in left
    assert total == "left out 1 of 2 photos"
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["a.png"]
    assert call("a.png -o b.png --url {rest} --version 2") == (0, "b.png\n", "")
    (expected,) = stylized(rest, [photo(24, 32)])
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
        ("clip.mp4 -o b.mp4 --url {rest}", "must be a photo, received a video"),
        ("a.png -o b.png --batch 0 --url {rest}", "batch"),
        ("a.png --url {rest}", "--output"),
        ("a.png -o b.png --status", "--status"),
        ("", "--status"),
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
