"""A TensorFlow Serving server, asked by REST or by gRPC.

REST works without TensorFlow. gRPC needs it, grpcio and tensorflow-serving-api.
"""

import base64
import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from contextlib import contextmanager, suppress

import numpy as np

from animegan_tf.errors import FinalError, InputError

# Names of input and output, by signature.
SIGNATURES = {
    "serving_default": ("image_bytes", "output_bytes"),
    "uint8": ("image", "picture"),
    "float": ("image", "picture"),
}
_MAX_VERSION = 2**63 - 1
_MAX_MESSAGE = 2047  # MiB; gRPC counts bytes in a signed number of 32 bits
_DAY = 86400
# What JSON or a message of another form than expected raises.
_OF_FORM = (AttributeError, KeyError, RecursionError, TypeError, ValueError)


class ServerError(FinalError):
    """A server is absent, or answers something else than what it was asked for."""


class Refused(InputError):
    """The server answers, but cannot use what it was sent."""


class _Client:
    """What both ways have in common.

    `_status` and `_metadata` give the JSON of a `GetModelStatusResponse` and of a
    `GetModelMetadataResponse`.
    """

    def __init__(self, server, model, version, timeout):
        if not model:
            raise InputError("the model's name must not be empty, received nothing.")
        if not 0 < timeout <= _DAY:
            raise InputError(
                f"the time-out must be above 0 and at most {_DAY} seconds, "
                f"received {timeout:g}."
            )
        if isinstance(version, int) and not 0 <= version <= _MAX_VERSION:
            raise InputError(
                f"a version must be between 0 and {_MAX_VERSION}, received {version}."
            )
        self._server, self._model = server, model
        self._version, self._timeout = version, timeout

    def versions(self):
        """States of the versions that the server knows.

        Returns:
            list of (int version, str state, str error), such as `(1, "AVAILABLE", "")`;
            a state is START, LOADING, AVAILABLE, UNLOADING or END.
        """
        answer = self._status()
        with self._expecting("the states of versions", answer):
            return [
                (int(x["version"]), x["state"], x["status"].get("error_message", ""))
                for x in answer["model_version_status"]
            ]

    def signatures(self):
        """Signatures of the version that the server uses.

        Returns:
            dict of one line for each signature, by name: its inputs and outputs with
            type and shape, -1 where it is free.
        """
        answer = self._metadata()
        with self._expecting("signatures", answer):
            entries = answer["metadata"]["signature_def"]["signature_def"]
            return {
                name: f"{_tensors(entries[name]['inputs'])} -> "
                f"{_tensors(entries[name]['outputs'])}"
                for name in sorted(entries)
                if not name.startswith("__")  # TensorFlow's own
            }

    @contextmanager
    def _expecting(self, what, answer):
        """Turns the errors of an answer of another form into a sentence."""
        try:
            yield
        except _OF_FORM as error:
            raise self.wrong_answer(what, answer) from error

    def wrong_answer(self, expected, received):
        return ServerError(
            f"{self._server}: the answer must hold {expected}, "
            f"received: {_one_line(received)}."
        )

    def _absent(self, reason):
        return ServerError(
            f"{self._server}: a server must answer there within {self._timeout:g} "
            f"seconds, received: {_one_line(reason)}."
        )

    def _refusal(self, code, text, of_the_input):
        kind = Refused if of_the_input else ServerError
        return kind(
            f"{self._server}: the server must take the request, "
            f"received {code}: {_one_line(text)}."
        )


class RestClient(_Client):
    """A model behind TensorFlow Serving's REST interface.

    Args:
        url: of the server, such as `http://localhost:8501`.
        model: name of the model.
        version: int, number of a version, or str, its label; None for the newest one
            that is served.
        timeout: float, seconds without a sign of the server after which it counts as
            absent.

    Raises:
        InputError: a value is out of range or `url` is none of http or https. Every
            method raises `ServerError` when the server does not answer or answers
            something else than asked for, and `Refused`.

    Reference:
        https://www.tensorflow.org/tfx/serving/api_rest
    """

    def __init__(self, url, model, version=None, timeout=60.0):
        super().__init__(url, model, version, timeout)
        if not _is_url(url):
            raise InputError(
                "the server's URL must look like http://localhost:8501, received "
                f"{url}."
            )
        self._address = f"{url.rstrip('/')}/v1/models/{_quoted(model)}"
        if version is not None and version != "":
            kind = "versions" if isinstance(version, int) else "labels"
            self._address += f"/{kind}/{_quoted(str(version))}"

    def predict(self, signature, values):
        """Outputs of a signature for a batch of inputs.

        Args:
            signature: str, one of `SIGNATURES`.
            values: list of bytes or of arrays of one shape, the inputs.

        Returns:
            list of bytes or of arrays, as the server answered.
        """
        rows = [
            (
                {"b64": base64.b64encode(x).decode()}
                if isinstance(x, bytes)
                else x.tolist()
            )
            for x in values
        ]
        body = {"signature_name": signature, "instances": rows}
        answer = self._ask(":predict", json.dumps(body).encode())
        with self._expecting("predictions", answer):
            return [
                # Bytes come as an object, since the output's name ends so.
                (
                    base64.b64decode(row["b64"], validate=True)
                    if isinstance(row, dict)
                    else np.asarray(row)
                )
                for row in answer["predictions"]
            ]

    def _status(self):
        return self._ask("")

    def _metadata(self):
        return self._ask("/metadata")

    def _ask(self, path, body=None):
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self._address + path, body, headers)
        try:
            with urllib.request.urlopen(request, timeout=self._timeout) as answer:
                data = answer.read()
        except urllib.error.HTTPError as error:
            text = b""
            with suppress(OSError, http.client.HTTPException, *_OF_FORM):
                text = error.read()
                text = json.loads(text)["error"]
            raise self._refusal(
                f"HTTP {error.code}", text or error.reason, error.code == 400
            ) from error
        except (OSError, http.client.HTTPException) as error:
            cause = getattr(error, "reason", error)
            reason = getattr(cause, "strerror", None) or str(cause)
            raise self._absent(reason or type(cause).__name__) from error
        with self._expecting("JSON", data):
            return json.loads(data)


class GrpcClient(_Client):
    """A model behind TensorFlow Serving's gRPC interface, as `RestClient` otherwise.

    Args:
        address: host and port of the server, such as `localhost:8500`.
        model, version, timeout: see `RestClient`.
        max_message: int, MiB that a request or an answer may have.

    Raises:
        InputError: a package is missing or a value is out of range; and see
            `RestClient`.
    """

    def __init__(self, address, model, version=None, timeout=60.0, max_message=256):
        super().__init__(address, model, version, timeout)
        if not 1 <= max_message <= _MAX_MESSAGE:
            raise InputError(
                f"the largest message must have 1 to {_MAX_MESSAGE} MiB, "
                f"received {max_message}."
            )
        try:
            import grpc
            from tensorflow_serving.apis import (
                model_service_pb2_grpc,
                prediction_service_pb2_grpc,
            )
        except ImportError as error:
            raise InputError(
                "gRPC needs TensorFlow and two more packages, the second without what "
                "it would bring along (pip install grpcio; pip install --no-deps "
                f"tensorflow-serving-api), received: {_one_line(error)}."
            ) from error
        ways = ("grpc.max_send_message_length", "grpc.max_receive_message_length")
        options = [(way, max_message * 2**20) for way in ways]
        channel = grpc.insecure_channel(address, options)
        self._predictions = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        self._models = model_service_pb2_grpc.ModelServiceStub(channel)

    def predict(self, signature, values):
        """See `RestClient.predict`."""
        import tensorflow as tf
        from tensorflow_serving.apis.predict_pb2 import PredictRequest

        request = PredictRequest()
        request.model_spec.signature_name = signature
        source, target = SIGNATURES[signature]
        batch = values if isinstance(values[0], bytes) else np.stack(values)
        request.inputs[source].CopyFrom(tf.make_tensor_proto(batch))
        answer = self._ask(self._predictions.Predict, request)
        with self._expecting(f"a batch of {target}", answer):
            return list(tf.make_ndarray(answer.outputs[target]))

    def _status(self):
        from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusRequest

        return _to_dict(self._ask(self._models.GetModelStatus, GetModelStatusRequest()))

    def _metadata(self):
        from tensorflow_serving.apis import get_model_metadata_pb2 as messages

        request = messages.GetModelMetadataRequest(metadata_field=["signature_def"])
        answer = self._ask(self._predictions.GetModelMetadata, request)
        by_name = messages.SignatureDefMap()
        answer.metadata["signature_def"].Unpack(by_name)
        return {"metadata": {"signature_def": _to_dict(by_name)}}

    def _ask(self, method, request):
        import grpc

        request.model_spec.name = self._model
        if isinstance(self._version, int):
            request.model_spec.version.value = self._version
        elif self._version:
            request.model_spec.version_label = self._version
        try:
            return method(request, timeout=self._timeout)
        except grpc.RpcError as error:
            codes, code, text = grpc.StatusCode, error.code(), error.details()
            if code in (codes.UNAVAILABLE, codes.DEADLINE_EXCEEDED):
                raise self._absent(text) from error
            of_the_input = code == codes.INVALID_ARGUMENT
            raise self._refusal(code.name, text, of_the_input) from error


def _tensors(infos):
    """`image DT_UINT8 (-1, -1, -1, 3)` for each input or output."""
    texts = []
    for name in sorted(infos):
        sizes = [x["size"] for x in infos[name]["tensor_shape"].get("dim", [])]
        texts.append(f"{name} {infos[name]['dtype']} ({', '.join(sizes)})")
    return ", ".join(texts)


def _is_url(url):
    try:
        parts = urllib.parse.urlsplit(url)
        parts.port  # raises where it is no number
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _quoted(name):
    return urllib.parse.quote(name, safe="")


def _to_dict(message):
    from google.protobuf.json_format import MessageToDict

    return MessageToDict(message, preserving_proto_field_name=True)


def _one_line(text):
    """Shortened: servers quote whole requests."""
    if isinstance(text, bytes):
        text = text[:2000].decode(errors="replace")
    text = " ".join(str(text)[:2000].split()).rstrip(".")
    return text if len(text) <= 300 else text[:297] + "..."
