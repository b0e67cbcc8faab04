"""A stand-in for TensorFlow Serving, whose own binary is not to be had for the tests.

It loads a version into a session of TensorFlow 1, as the server does, and answers as
the server's sources say, by REST and by gRPC, for what the tests ask.
"""

import base64
import contextlib
import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import tensorflow as tf
from google.protobuf.json_format import MessageToDict

CODES = {"INVALID_ARGUMENT": 400, "NOT_FOUND": 404}
PATH = re.compile(r"/v1/models/(\w+)(?:/versions/(\d+))?(:predict|/metadata|)")


class Failure(Exception):
    """A status that is not OK: its code, by name, and its text."""


class Served:
    """The version in a folder, served as one model.

    Args:
        folder: Path, whose name is the version's number.
        name: of the model.
    """

    def __init__(self, folder, name):
        self.name, self.number = name, int(folder.name)
        graph = tf.Graph()
        with graph.as_default():
            self.session = tf.compat.v1.Session(graph=graph)
            meta = tf.compat.v1.saved_model.load(self.session, ["serve"], str(folder))
        self.signatures = meta.signature_def

    def check(self, name, number, sentence="Servable not found for request: {}"):
        if (name, number or self.number) != (self.name, self.number):
            wanted = f"Specific({name}, {number})" if number else f"Latest({name})"
            raise Failure("NOT_FOUND", sentence.format(wanted))

    def run(self, name, inputs):
        """Outputs of a signature, both as arrays by name."""
        signature = self.signatures[name]
        feeds = {signature.inputs[k].name: v for k, v in inputs.items()}
        fetches = {k: v.name for k, v in signature.outputs.items()}
        try:
            return self.session.run(fetches, feeds)
        except tf.errors.InvalidArgumentError as error:
            raise Failure("INVALID_ARGUMENT", error.message) from error

    def answer(self, path, body):
        """The JSON by REST, as an object, of a request with a body or without."""
        match = PATH.fullmatch(path)
        if not match:
            raise Failure("INVALID_ARGUMENT", f"Malformed request: {path}")
        name, number, what = match[1], match[2] and int(match[2]), match[3]
        if not what:
            self.check(name, number, "Could not find any versions of model {}")
            status = {"error_code": "OK", "error_message": ""}
            entry = {"version": str(self.number), "state": "AVAILABLE"}
            return {"model_version_status": [{**entry, "status": status}]}
        self.check(name, number)
        if what == ":predict":
            return self.predictions(json.loads(body))
        by_name = {
            k: MessageToDict(v, preserving_proto_field_name=True)
            for k, v in self.signatures.items()
        }
        return {"metadata": {"signature_def": {"signature_def": by_name}}}

    def predictions(self, request):
        """Row format: `instances` in, `predictions` out, one input and one output."""
        rows, name = request["instances"], request["signature_name"]
        ((source, info),) = self.signatures[name].inputs.items()
        if info.dtype == tf.string.as_datatype_enum:
            rows = [base64.b64decode(row["b64"], validate=True) for row in rows]
        batch = np.array(rows, tf.dtypes.as_dtype(info.dtype).as_numpy_dtype)
        ((target, values),) = self.run(name, {source: batch}).items()
        if target.endswith("_bytes"):
            values = [{"b64": base64.b64encode(x).decode()} for x in values]
            return {"predictions": values}
        return {"predictions": values.tolist()}


@contextlib.contextmanager
def rest_server(answer):
    """The URL of a server on which `answer(method, path, body)` is bytes and a code."""

    class Handler(BaseHTTPRequestHandler):
        def reply(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            data, code = answer(self.command, self.path, body)
            self.send_response(code)
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


def serve_rest(served):
    """Context of the URL of a stand-in that answers by REST."""

    def answer(method, path, body):
        try:
            result, code = served.answer(path, body), 200
        except Failure as failure:
            name, text = failure.args
            result, code = {"error": text}, CODES[name]
        return json.dumps(result).encode(), code

    return rest_server(answer)


def methods(served):
    """The methods of the two gRPC services, by name."""
    from tensorflow_serving.apis import get_model_metadata_pb2 as metadata
    from tensorflow_serving.apis import get_model_status_pb2 as status
    from tensorflow_serving.apis.predict_pb2 import PredictResponse

    def predict(request):
        inputs = {k: tf.make_ndarray(v) for k, v in request.inputs.items()}
        response = PredictResponse()
        for key, value in served.run(request.model_spec.signature_name, inputs).items():
            response.outputs[key].CopyFrom(tf.make_tensor_proto(value))
        return response

    def get_metadata(request):
        assert list(request.metadata_field) == ["signature_def"]
        by_name = metadata.SignatureDefMap()
        for key, value in served.signatures.items():
            by_name.signature_def[key].CopyFrom(value)
        response = metadata.GetModelMetadataResponse()
        response.metadata["signature_def"].Pack(by_name)
        return response

    def get_status(request):
        response = status.GetModelStatusResponse()
        state = status.ModelVersionStatus.State.AVAILABLE
        entry = response.model_version_status.add(version=served.number, state=state)
        entry.status.error_message = ""
        return response

    def checked(method):
        def call(request, context):
            import grpc

            spec = request.model_spec
            try:
                served.check(spec.name, spec.version.value)
                return method(request)
            except Failure as failure:
                context.abort(grpc.StatusCode[failure.args[0]], failure.args[1])

        return call

    found = {"Predict": predict, "GetModelMetadata": get_metadata}
    found["GetModelStatus"] = get_status
    return {name: checked(method) for name, method in found.items()}


@contextlib.contextmanager
def serve_grpc(served, **others):
    """The address of a stand-in that answers by gRPC, but for some methods."""
    import grpc
    from tensorflow_serving.apis import model_service_pb2_grpc as models
    from tensorflow_serving.apis import prediction_service_pb2_grpc as predictions

    prediction = predictions.PredictionServiceServicer()
    model = models.ModelServiceServicer()
    for name, method in {**methods(served), **others}.items():
        setattr(model if name == "GetModelStatus" else prediction, name, method)
    limit = [("grpc.max_receive_message_length", -1)]  # as the server itself
    server = grpc.server(ThreadPoolExecutor(2), options=limit)
    predictions.add_PredictionServiceServicer_to_server(prediction, server)
    models.add_ModelServiceServicer_to_server(model, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()
