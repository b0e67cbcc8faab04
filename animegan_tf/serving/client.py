"""A TensorFlow Serving server, asked by REST or by gRPC.

REST works without TensorFlow. gRPC needs it, grpcio and tensorflow-serving-api.
"""

import base64
import http.client
import json
import urllib.error
import urllib.parse
import urllib.request

import numpy as np

from animegan_tf.errors import InputError

# Names of input and output, by signature.
SIGNATURES = {
    "serving_default": ("image_bytes", "output_bytes"),
    "uint8": ("image", "picture"),
    "float": ("image", "picture"),
}
_MAX_VERSION = 2**63 - 1
_MAX_MESSAGE = 2047  # MiB; gRPC counts bytes in a signed number of 32 bits
_DAY = 86400


class Refused(InputError):
    """The server answers, but cannot use what it was sent."""


class _Client:
    """What both ways have in common: which model is meant, and how long to wait."""

    def __init__(self, server, model, version=None, timeout=60.0):
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
        self.server, self._model = server, model
        self._version, self._timeout = version, timeout

    def _no_answer(self, reason):
        return InputError(
            f"{self.server}: a server must answer there within {self._timeout:g} "
            f"seconds, received: {_one_line(reason)}."
        )

    def _refusal(self, code, text, of_the_input):
        kind = Refused if of_the_input else InputError
        return kind(
            f"{self.server}: the server must take the request, "
            f"received {code}: {_one_line(text)}."
        )

    def wrong_answer(self, expected, received):
        return InputError(
            f"{self.server}: the answer must hold {expected}, "
            f"received: {_one_line(received)}."
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
            method raises it too, when the server does not answer, refuses, or
            answers something else than asked for.

    Reference:
        https://www.tensorflow.org/tfx/serving/api_rest
    """

    def __init__(self, url, model, version=None, timeout=60.0):
        super().__init__(url, model, version, timeout)
        _check_url(url)
        self._address = f"{url.rstrip('/')}/v1/models/{_quoted(model)}"
        if isinstance(version, int):
            self._address += f"/versions/{version}"
        elif version:
            self._address += f"/labels/{_quoted(version)}"

    def predict(self, signature, values):
        """Outputs of a signature for a batch of inputs.

        Args:
            signature: str, one of `SIGNATURES`.
            values: list of bytes or of arrays of one shape, the inputs.

        Returns:
            list of bytes or of arrays, as the server answered.
        """
        rows = [_to_json(value) for value in values]
        body = {"signature_name": signature, "instances": rows}
        answer = self._ask(":predict", json.dumps(body).encode())
        try:
            return [_from_json(row) for row in answer["predictions"]]
        except (KeyError, TypeError, ValueError) as error:
            raise self.wrong_answer("predictions", answer) from error

    def status(self):
        """States of the model's versions: the JSON of a `GetModelStatusResponse`."""
        return self._ask("")

    def metadata(self):
        """The version's signatures: the JSON of a `GetModelMetadataResponse`."""
        return self._ask("/metadata")

    def _ask(self, path, body=None):
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self._address + path, body, headers)
        try:
            with urllib.request.urlopen(request, timeout=self._timeout) as answer:
                data = answer.read()
        except urllib.error.HTTPError as error:
            raise self._refusal(
                f"HTTP {error.code}", _error_text(error), error.code == 400
            ) from error
        except (OSError, http.client.HTTPException) as error:
            raise self._no_answer(_reason(error)) from error
        try:
            return json.loads(data)
        except (ValueError, RecursionError) as error:
            raise self.wrong_answer("JSON", data) from error


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
            from tensorflow_serving.apis.model_service_pb2_grpc import ModelServiceStub
            from tensorflow_serving.apis.prediction_service_pb2_grpc import (
                PredictionServiceStub,
            )
        except ImportError as error:
            raise InputError(
                "gRPC needs TensorFlow and two more packages, the second without what "
                "it would bring along (pip install grpcio; pip install --no-deps "
                f"tensorflow-serving-api), received: {_one_line(error)}."
            ) from error
        size = max_message * 2**20
        ways = ("send", "receive")
        options = [(f"grpc.max_{way}_message_length", size) for way in ways]
        channel = grpc.insecure_channel(address, options)
        self._predictions = PredictionServiceStub(channel)
        self._models = ModelServiceStub(channel)

    def predict(self, signature, values):
        """See `RestClient.predict`."""
        import tensorflow as tf
        from tensorflow_serving.apis.predict_pb2 import PredictRequest

        request = self._about_the_model(PredictRequest())
        request.model_spec.signature_name = signature
        source, target = SIGNATURES[signature]
        batch = values if isinstance(values[0], bytes) else np.stack(values)
        request.inputs[source].CopyFrom(tf.make_tensor_proto(batch))
        answer = self._ask(self._predictions.Predict, request)
        try:
            return list(tf.make_ndarray(answer.outputs[target]))
        except (TypeError, ValueError) as error:
            raise self.wrong_answer(f"a batch of {target}", answer) from error

    def status(self):
        """See `RestClient.status`."""
        from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusRequest

        request = self._about_the_model(GetModelStatusRequest())
        return _to_dict(self._ask(self._models.GetModelStatus, request))

    def metadata(self):
        """See `RestClient.metadata`."""
        from tensorflow_serving.apis import get_model_metadata_pb2 as messages

        request = self._about_the_model(messages.GetModelMetadataRequest())
        request.metadata_field.append("signature_def")
        answer = self._ask(self._predictions.GetModelMetadata, request)
        by_name = messages.SignatureDefMap()
        answer.metadata["signature_def"].Unpack(by_name)
        return {
            "model_spec": _to_dict(answer.model_spec),
            "metadata": {"signature_def": _to_dict(by_name)},
        }

    def _about_the_model(self, request):
        request.model_spec.name = self._model
        if isinstance(self._version, int):
            request.model_spec.version.value = self._version
        elif self._version:
            request.model_spec.version_label = self._version
        return request

    def _ask(self, method, request):
        import grpc

        try:
            return method(request, timeout=self._timeout)
        except grpc.RpcError as error:
            codes, code, text = grpc.StatusCode, error.code(), error.details()
            if code in (codes.UNAVAILABLE, codes.DEADLINE_EXCEEDED):
                raise self._no_answer(text) from error
            of_the_input = code == codes.INVALID_ARGUMENT
            raise self._refusal(code.name, text, of_the_input) from error


def versions(client):
    """States of the versions that a server knows.

    Args:
        client: `RestClient` or `GrpcClient`.

    Returns:
        list of (int version, str state, str error), such as `(1, "AVAILABLE", "")`;
        a state is START, LOADING, AVAILABLE, UNLOADING or END.

    Raises:
        InputError: see `RestClient`.
    """
    answer = client.status()
    try:
        return [
            (int(x["version"]), x["state"], x["status"].get("error_message", ""))
            for x in answer["model_version_status"]
        ]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise client.wrong_answer("the states of versions", answer) from error


def signatures(client):
    """Signatures of the version that a server uses.

    Args:
        client: `RestClient` or `GrpcClient`.

    Returns:
        dict of one line for each signature, by name: its inputs and outputs with
        type and shape, -1 where it is free.

    Raises:
        InputError: see `RestClient`.
    """
    answer = client.metadata()
    try:
        entries = answer["metadata"]["signature_def"]["signature_def"]
        return {
            name: f"{_tensors(entries[name]['inputs'])} -> "
            f"{_tensors(entries[name]['outputs'])}"
            for name in sorted(entries)
            if not name.startswith("__")  # TensorFlow's own
        }
    except (AttributeError, KeyError, TypeError) as error:
        raise client.wrong_answer("signatures", answer) from error


def _tensors(infos):
    """`image DT_UINT8 (-1, -1, -1, 3)` for each input or output."""
    texts = []
    for name in sorted(infos):
        sizes = [x["size"] for x in infos[name]["tensor_shape"].get("dim", [])]
        texts.append(f"{name} {infos[name]['dtype']} ({', '.join(sizes)})")
    return ", ".join(texts)


def _check_url(url):
    try:
        parts = urllib.parse.urlsplit(url)
        fits = parts.scheme in ("http", "https") and parts.hostname
        parts.port  # raises where it is no number
    except ValueError:
        fits = False
    if not fits:
        raise InputError(
            f"the server's URL must look like http://localhost:8501, received {url}."
        )


def _quoted(name):
    return urllib.parse.quote(name, safe="")


def _to_json(value):
    """An input as REST takes it."""
    if isinstance(value, bytes):
        return {"b64": base64.b64encode(value).decode()}
    return value.tolist()


def _from_json(value):
    """An output from REST; bytes come as an object, since their name ends so."""
    if isinstance(value, dict):
        return base64.b64decode(value["b64"], validate=True)
    return np.asarray(value)


def _to_dict(message):
    from google.protobuf.json_format import MessageToDict

    return MessageToDict(message, preserving_proto_field_name=True)


def _error_text(error):
    """What a server says about an HTTP error."""
    try:
        text = error.read().decode(errors="replace")
    except (OSError, http.client.HTTPException):
        return error.reason
    try:
        return json.loads(text)["error"]
    except (KeyError, TypeError, ValueError):
        return text or error.reason


def _reason(error):
    """A failed connection in a few words."""
    cause = getattr(error, "reason", error)
    return getattr(cause, "strerror", None) or str(cause) or type(cause).__name__


def _one_line(text):
    """Shortened: servers quote whole requests."""
    if isinstance(text, bytes):
        text = text[:2000].decode(errors="replace")
    text = " ".join(str(text)[:2000].split()).rstrip(".")
    return text if len(text) <= 300 else text[:297] + "..."
