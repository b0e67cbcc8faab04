"""A stand-in for TensorFlow Serving, whose own binary is not to be had for the tests.

It loads versions as the server does, the newest number, into a session of TensorFlow 1,
with warm-up requests where it is told to, and answers as the server's sources say, by
REST and by gRPC, for what the tests ask. It neither batches requests nor watches its
folder: `poll` does what the server does once a second.
"""

import base64
import contextlib
import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import tensorflow as tf
from google.protobuf.json_format import MessageToDict

WARMUP = Path("assets.extra", "tf_serving_warmup_requests")
HTTP_CODES = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "NOT_FOUND": 404,
    "INTERNAL": 500,
}
PATH = re.compile(
    r"/v1/models/([^/:]+)(?:/versions/(\d+))?(?::(predict)|(?:/(metadata)))?"
)


class Failure(Exception):
    """A status that is not OK: its code, by name, and its text."""


class Version:
    """One loaded version, warmed up if that is asked for."""

    def __init__(self, folder, warm=False):
        graph = tf.Graph()
        with graph.as_default():
            self.session = tf.compat.v1.Session(graph=graph)
            meta = tf.compat.v1.saved_model.load(self.session, ["serve"], str(folder))
        self.signatures = meta.signature_def
        if warm and (folder / WARMUP).is_file():
            for signature, inputs in warmup_requests(folder / WARMUP):
                self.run(signature, inputs)

    def run(self, name, inputs):
        """Outputs of a signature, both as arrays by name."""
        if name not in self.signatures:
            raise Failure(
                "FAILED_PRECONDITION", f'Serving signature key "{name}" not found.'
            )
        signature = self.signatures[name]
        if set(inputs) != set(signature.inputs):
            raise Failure("INVALID_ARGUMENT", "input size does not match signature")
        feeds = {signature.inputs[k].name: v for k, v in inputs.items()}
        fetches = {k: v.name for k, v in signature.outputs.items()}
        try:
            return self.session.run(fetches, feeds)
        except tf.errors.InvalidArgumentError as error:
            raise Failure("INVALID_ARGUMENT", error.message) from error


def warmup_requests(path):
    """(signature, inputs as arrays by name) of a file of warm-up requests."""
    from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

    for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
        log = PredictionLog.FromString(record)
        assert log.WhichOneof("log_type") == "predict_log"
        request = log.predict_log.request
        inputs = {k: tf.make_ndarray(v) for k, v in request.inputs.items()}
        yield request.model_spec.signature_name, inputs


class StandIn:
    """One model, of which the newest version is served.

    Args:
        folder: Path of the versions.
        name: name of the model.
        warm: whether versions are warmed up, which needs tensorflow-serving-api.
    """

    def __init__(self, folder, name, warm=False):
        self.folder, self.name, self.warm = folder, name, warm
        self.loaded, self.states = {}, {}

    def poll(self):
        """Looks for versions once: loads the newest, then unloads the others."""
        numbers = {}
        for path in self.folder.iterdir():
            with contextlib.suppress(ValueError):  # safe_strto64 of the server
                numbers[int(path.name)] = path
        newest = max(numbers, default=None)
        if newest is not None and newest not in self.loaded:
            try:
                self.loaded[newest] = Version(numbers[newest], self.warm)
                self.states[newest] = ("AVAILABLE", "OK", "")
            except (Failure, OSError) as error:
                self.states[newest] = ("END", "UNKNOWN", str(error))
                return
        for number in set(self.loaded) - {newest}:
            del self.loaded[number]
            self.states[number] = ("END", "OK", "")

    def version(self, name, number):
        """(number, `Version`) that a request is for."""
        if name != self.name or not self.loaded or number not in {None, *self.loaded}:
            asked = (
                f"Latest({name})" if number is None else f"Specific({name}, {number})"
            )
            raise Failure("NOT_FOUND", f"Servable not found for request: {asked}")
        number = max(self.loaded) if number is None else number
        return number, self.loaded[number]

    def status(self, name, number):
        """[(version, state, code, text)]"""
        known = self.states if name == self.name else {}
        if number is not None and number not in known:
            raise Failure(
                "NOT_FOUND", f"Could not find version {number} of model {name}"
            )
        if not known:
            raise Failure("NOT_FOUND", f"Could not find any versions of model {name}")
        numbers = [number] if number is not None else known
        return [(number, *known[number]) for number in numbers]


def answer_to_rest(standin, method, path, body):
    """The JSON of an answer, as an object, or a `Failure`."""
    match = PATH.fullmatch(path)
    if not match or (method == "POST") != (match[3] == "predict"):
        raise Failure("INVALID_ARGUMENT", f"Malformed request: {method} {path}")
    name, number = unquote(match[1]), match[2] and int(match[2])
    if method == "POST":
        _, version = standin.version(name, number)
        return rest_predict(version, body)
    if match[4]:
        number, version = standin.version(name, number)
        by_name = {
            k: MessageToDict(v, preserving_proto_field_name=True)
            for k, v in version.signatures.items()
        }
        spec = {"name": name, "signature_name": "", "version": str(number)}
        metadata = {"signature_def": {"signature_def": by_name}}
        return {"model_spec": spec, "metadata": metadata}
    return {
        "model_version_status": [
            {
                "version": str(number),
                "state": state,
                "status": {"error_code": code, "error_message": text},
            }
            for number, state, code, text in standin.status(name, number)
        ]
    }


def rest_predict(version, body):
    """Row format: `instances` in, `predictions` out, one input and one output."""
    try:
        request = json.loads(body)
        rows, name = request["instances"], request.get("signature_name")
    except (ValueError, KeyError, TypeError) as error:
        raise Failure("INVALID_ARGUMENT", f"JSON Parse error: {error}") from error
    name = name or "serving_default"
    if name not in version.signatures:
        raise Failure(
            "INVALID_ARGUMENT",
            f'Serving signature name: "{name}" not found in signature def',
        )
    ((source, info),) = version.signatures[name].inputs.items()
    try:
        if info.dtype == tf.string.as_datatype_enum:
            rows = [base64.b64decode(row["b64"], validate=True) for row in rows]
        batch = np.array(rows, tf.dtypes.as_dtype(info.dtype).as_numpy_dtype)
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        text = f"Failed to process element of 'instances' list. Error: {error}"
        raise Failure("INVALID_ARGUMENT", text) from error
    ((target, values),) = version.run(name, {source: batch}).items()
    if target.endswith("_bytes"):
        return {"predictions": [{"b64": base64.b64encode(x).decode()} for x in values]}
    return {"predictions": values.tolist()}


@contextlib.contextmanager
def rest_server(answer):
    """The URL of a server on which `answer(method, path, body)` is bytes and a code."""

    class Handler(BaseHTTPRequestHandler):
        def reply(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            data, code = answer(self.command, self.path, body)
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = reply

        def log_message(self, *arguments):
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def serve_rest(standin):
    """Context of the URL of a stand-in that answers by REST."""

    def answer(method, path, body):
        try:
            result, code = answer_to_rest(standin, method, path, body), 200
        except Failure as failure:
            name, text = failure.args
            result, code = {"error": text}, HTTP_CODES[name]
        return json.dumps(result, indent=4).encode(), code

    return rest_server(answer)


def failing(method):
    """A method of a gRPC service, from one that raises `Failure`."""

    def call(self, request, context):
        import grpc

        try:
            return method(self, request)
        except Failure as failure:
            name, text = failure.args
            context.abort(grpc.StatusCode[name], text)

    return call


def asked(request):
    """Name and version, or None, of the model that a message is about."""
    spec = request.model_spec
    return spec.name, spec.version.value if spec.HasField("version") else None


def prediction_service(standin):
    from tensorflow_serving.apis import get_model_metadata_pb2, predict_pb2
    from tensorflow_serving.apis.prediction_service_pb2_grpc import (
        PredictionServiceServicer,
    )

    class Service(PredictionServiceServicer):
        @failing
        def Predict(self, request):
            _, version = standin.version(*asked(request))
            inputs = {k: tf.make_ndarray(v) for k, v in request.inputs.items()}
            name = request.model_spec.signature_name or "serving_default"
            response = predict_pb2.PredictResponse()
            for key, value in version.run(name, inputs).items():
                response.outputs[key].CopyFrom(tf.make_tensor_proto(value))
            return response

        @failing
        def GetModelMetadata(self, request):
            assert list(request.metadata_field) == ["signature_def"]
            number, version = standin.version(*asked(request))
            by_name = get_model_metadata_pb2.SignatureDefMap()
            for key, value in version.signatures.items():
                by_name.signature_def[key].CopyFrom(value)
            response = get_model_metadata_pb2.GetModelMetadataResponse()
            response.model_spec.name = standin.name
            response.model_spec.version.value = number
            response.metadata["signature_def"].Pack(by_name)
            return response

    return Service()


def model_service(standin):
    from tensorflow_serving.apis import get_model_status_pb2
    from tensorflow_serving.apis.model_service_pb2_grpc import ModelServiceServicer

    class Service(ModelServiceServicer):
        @failing
        def GetModelStatus(self, request):
            response = get_model_status_pb2.GetModelStatusResponse()
            states = get_model_status_pb2.ModelVersionStatus.State
            for number, state, _, text in standin.status(*asked(request)):
                entry = response.model_version_status.add()
                entry.version, entry.state = number, states.Value(state)
                entry.status.error_message = text
            return response

    return Service()


@contextlib.contextmanager
def grpc_server(predictions, models):
    """The address of a gRPC server with two services."""
    import grpc
    from tensorflow_serving.apis import (
        model_service_pb2_grpc,
        prediction_service_pb2_grpc,
    )

    limit = [("grpc.max_receive_message_length", -1)]  # as the server itself
    server = grpc.server(ThreadPoolExecutor(2), options=limit)
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
        predictions, server
    )
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(models, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()


def serve_grpc(standin):
    """Context of the address of a stand-in that answers by gRPC."""
    return grpc_server(prediction_service(standin), model_service(standin))
