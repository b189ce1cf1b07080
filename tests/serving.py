"""A substitute for TensorFlow Serving: its REST predict API for a SavedModel, on localhost.

It loads a version folder with the v1 loader and the tag `serve`, as the server does, and runs the
graph. URLs, JSON and status codes follow tensorflow.org/tfx/serving/api_rest; it has no classify
and no regress.
"""

import base64
import binascii
import contextlib
import http.server
import json
import re
import threading
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import tensorflow as tf
from google.protobuf.json_format import MessageToDict

_MODEL = r"(?i:/v1/models/([^/:]+)(?:/versions/(\d+))?)"
_STATUS = {
    tf.errors.InvalidArgumentError: 400,
    tf.errors.FailedPreconditionError: 400,
    tf.errors.OutOfRangeError: 400,
    tf.errors.NotFoundError: 404,
    tf.errors.ResourceExhaustedError: 429,
    tf.errors.UnimplementedError: 501,
    tf.errors.UnavailableError: 503,
}


class RequestError(Exception):
    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


class ServedModel:
    """One version of a model in a session."""

    def __init__(self, folder):
        self.version = Path(folder).name
        self.session = tf.compat.v1.Session(graph=tf.Graph())
        loaded = tf.compat.v1.saved_model.loader.load(self.session, ["serve"], str(folder))
        self.signatures = dict(loaded.signature_def)

    def run(self, signature, inputs):
        feeds = {signature.inputs[name].name: value for name, value in inputs.items()}
        try:
            return self.session.run({k: v.name for k, v in signature.outputs.items()}, feeds)
        except (ValueError, TypeError) as error:  # raised by Python before the graph runs
            raise RequestError(400, str(error)) from error
        except tf.errors.OpError as error:
            # Python puts this line before the message that the runtime gives.
            message = error.message.removeprefix("Graph execution error:").strip()
            raise RequestError(_STATUS.get(type(error), 500), message) from error

    def metadata(self, name):
        signatures = {
            key: MessageToDict(
                value,
                preserving_proto_field_name=True,
                always_print_fields_with_no_presence=True,
            )
            for key, value in self.signatures.items()
        }
        return {
            "model_spec": {"name": name, "signature_name": "", "version": self.version},
            "metadata": {"signature_def": {"signature_def": signatures}},
        }

    def status(self):
        state = {"error_code": "OK", "error_message": ""}
        version = {"version": self.version, "state": "AVAILABLE", "status": state}
        return {"model_version_status": [version]}

    def predict(self, body):
        try:
            request = json.loads(body)
        except ValueError as error:
            raise RequestError(400, f"JSON Parse error: {error}") from error
        if not isinstance(request, dict):
            raise RequestError(400, "JSON Value is not object")
        name = request.get("signature_name", "serving_default")
        if name not in self.signatures:
            raise RequestError(400, f'Serving signature name: "{name}" not found in signature def')
        signature = self.signatures[name]
        rows = "instances" in request
        if rows == ("inputs" in request):
            found = "expecting only one of" if rows else "Missing"
            raise RequestError(400, f"{found} 'inputs' or 'instances' key")
        named = (_from_rows if rows else _from_columns)(
            request["instances" if rows else "inputs"], list(signature.inputs)
        )
        inputs = {
            key: _to_array(value, tf.as_dtype(signature.inputs[key].dtype))
            for key, value in named.items()
        }
        outputs = {key: _to_json(key, value) for key, value in self.run(signature, inputs).items()}
        if len(outputs) == 1:
            (outputs,) = outputs.values()
        elif rows:
            outputs = [
                dict(zip(outputs, row, strict=True)) for row in zip(*outputs.values(), strict=True)
            ]
        return {"predictions" if rows else "outputs": outputs}


def _is_base64(value):
    return isinstance(value, dict) and list(value) == ["b64"] and isinstance(value["b64"], str)


def _from_rows(instances, names):
    if not isinstance(instances, list) or not instances:
        raise RequestError(400, "Expecting 'instances' to be a list/array with values")
    objects = [isinstance(row, dict) and not _is_base64(row) for row in instances]
    if len(set(objects)) > 1:
        raise RequestError(
            400, "Expecting object but got list, or list but got object, in 'instances'"
        )
    if not objects[0]:
        if len(names) > 1:
            raise RequestError(400, "instances is a plain list, but expecting list of objects")
        return {names[0]: instances}
    for index, row in enumerate(instances):
        if set(row) != set(names):
            keys = ",".join(sorted(names))
            raise RequestError(
                400, f"Failed to process element: {index}, keys must be equal to: {keys}"
            )
    return {name: [row[name] for row in instances] for name in names}


def _from_columns(inputs, names):
    if not isinstance(inputs, dict) or _is_base64(inputs):
        if len(names) > 1:
            raise RequestError(400, "inputs is a plain value/list, but expecting an object")
        return {names[0]: inputs}
    for name in names:
        if name not in inputs:
            raise RequestError(400, f"Missing named input: {name} in 'inputs' object.")
    return {name: inputs[name] for name in names}


def _to_array(value, dtype):
    if dtype == tf.string:
        return _strings(value)
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise RequestError(400, "Encountered list at unexpected size") from error
    wanted = "iuf" if dtype.is_floating else "iu"
    if array.size and array.dtype.kind not in wanted:
        raise RequestError(400, f"JSON Value is not of expected type: {dtype.name}")
    return array.astype(dtype.as_numpy_dtype)


def _strings(value):
    if isinstance(value, list):
        values = np.empty(len(value), object)
        values[:] = [_strings(item) for item in value]
        return values
    if isinstance(value, str):
        return value.encode()
    if not _is_base64(value):
        raise RequestError(400, "JSON Value not formatted correctly for base64 data")
    try:
        return base64.b64decode(value["b64"], validate=True)
    except binascii.Error as error:
        raise RequestError(400, "Unable to base64 decode") from error


def _to_json(name, value):
    if value.dtype != object:
        return value.tolist()
    if name.endswith("_bytes"):
        return [{"b64": base64.b64encode(item).decode()} for item in value]
    return [item.decode() for item in value]


class _Handler(http.server.BaseHTTPRequestHandler):
    """Handles a request by a call of `server.answer(method, path, body)`."""

    def _handle(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status, answer = self.server.answer(self.command, self.path, body)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        with contextlib.suppress(ConnectionError):  # the client has closed the connection
            self.wfile.write(answer)

    do_GET = do_POST = _handle

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def http_server(answer):
    """Serve `answer(method, path, body) -> (status, body)` and yield its `http://HOST:PORT`."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.answer = answer
    server.handle_error = lambda *_: None
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextlib.contextmanager
def serve(folder, name):
    """Serve the version folder `folder` as the model `name`; yield its `http://HOST:PORT`."""
    model = ServedModel(folder)

    def find(match):
        wanted, version = unquote(match[1]), match[2]
        if wanted == name and version in (None, model.version):
            return model
        spec = f"Specific({wanted}, {version})" if version else f"Latest({wanted})"
        raise RequestError(404, f"Servable not found for request: {spec}")

    def respond(method, path, body):
        if method == "POST" and (match := re.fullmatch(_MODEL + ":predict", path)):
            return find(match).predict(body)
        if method == "GET" and (match := re.fullmatch(_MODEL + "/metadata", path)):
            return find(match).metadata(name)
        if method == "GET" and (match := re.fullmatch(_MODEL, path)):
            return find(match).status()
        raise RequestError(400, f"Malformed request: {method} {path}")

    def answer(method, path, body):
        try:
            return 200, json.dumps(respond(method, path, body), indent=1).encode()
        except RequestError as error:
            return error.status, json.dumps({"error": str(error)}).encode()

    with contextlib.closing(model.session), http_server(answer) as url:
        yield url


@contextlib.contextmanager
def serve_grpc(folder, name):
    """Serve Predict of the gRPC API for `folder` as the model `name`; yield its `HOST:PORT`."""
    from concurrent import futures

    import grpc
    from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

    model = ServedModel(folder)

    class Service(prediction_service_pb2_grpc.PredictionServiceServicer):
        def Predict(self, request, context):
            if request.model_spec.name != name:
                context.abort(grpc.StatusCode.NOT_FOUND, "Servable not found for request")
            signature = model.signatures[request.model_spec.signature_name or "serving_default"]
            inputs = {key: tf.make_ndarray(value) for key, value in request.inputs.items()}
            try:
                outputs = model.run(signature, inputs)
            except RequestError as error:
                context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
            response = predict_pb2.PredictResponse()
            for key, value in outputs.items():
                response.outputs[key].CopyFrom(
                    tf.make_tensor_proto(value, tf.as_dtype(signature.outputs[key].dtype))
                )
            return response

    server = grpc.server(futures.ThreadPoolExecutor(2))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(Service(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        with contextlib.closing(model.session):
            yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()
