"""A client of TensorFlow Serving's REST API that needs only the standard library."""

import json
import re
import ssl
from http.client import HTTPException
from time import sleep
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import numpy as np

from colorize_tf.inference.errors import ModelUnavailableError

# Transient errors: too many requests, and the responses of a proxy while its server restarts.
_TRANSIENT = (429, 502, 503, 504)
_LONGEST_PAUSE = 8.0


class RemotePredictor:
    """Calls `predict_ab` or `sample_ab` of a server; every failure is a ValueError of one line.

    Args:
        url: `http(s)://HOST:PORT/v1/models/NAME`, optionally with `/versions/N` or `/labels/LABEL`.
        timeout: seconds to wait for a connection, and for each part of a response.
        attempts: number of attempts, with pauses of 0.5, 1, 2, ... seconds; only connections that
            fail or break and an overloaded or restarting server are tried again.
        max_payload: the largest request and response, in bytes.

    Attributes:
        size: height and width of the input of the served model, in pixels.
        z_size: length of the noise vector that it takes; 0 if it takes none.

    Raises:
        ValueError: the URL is malformed, no server responds, or the model is not of this package.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout: float = 60.0,
        attempts: int = 4,
        max_payload: int = 64 * 2**20,
    ):
        self.url = _checked_url(url)
        self.timeout = timeout
        self.attempts = attempts
        self.max_payload = max_payload
        self.size, self.z_size = self._fetch_sizes()

    def __call__(self, lightness: np.ndarray, z: np.ndarray | None = None) -> np.ndarray:
        """Predict `ab`.

        Args:
            lightness: float32 `(batch, size, size, 1)` in [-1, 1].
            z: float32 `(batch, z_size)`, if the model takes noise; by default the model uses zeros.

        Returns:
            float32 `ab` `(batch, size, size, 2)` in [-1, 1].

        Raises:
            ModelUnavailableError: the server cannot be reached, or is overloaded for too long.
            ValueError: the server refuses the request, or its response has another form.
        """
        # Six decimals resolve a ten-thousandth of an L* unit and halve the request.
        instances = np.asarray(lightness, np.float64).round(6).tolist()
        body = {"signature_name": "predict_ab", "instances": instances}
        if z is not None:
            pairs = zip(instances, np.asarray(z, np.float64).tolist(), strict=True)
            instances = [{"lightness": picture, "z": noise} for picture, noise in pairs]
            body = {"signature_name": "sample_ab", "instances": instances}
        response = self._request(":predict", json.dumps(body, separators=(",", ":")).encode())
        expected = (len(lightness), self.size, self.size, 2)
        try:
            ab = np.asarray(response["predictions"], np.float32)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{self.url} responded without predictions of shape {expected}"
            ) from error
        if ab.shape != expected:
            raise ValueError(f"{self.url} predicted shape {ab.shape}, expected {expected}")
        if not np.isfinite(ab).all():
            raise ValueError(f"{self.url} predicted NaN or infinity for this photograph")
        return ab

    def _fetch_sizes(self) -> tuple[int, int]:
        """Read `size` and `z_size` from the signatures, which have to be those of colorize_tf."""
        response = self._request("/metadata")
        try:
            signatures = response["metadata"]["signature_def"]["signature_def"]
            names = ", ".join(name for name in signatures if not name.startswith("__"))
        except (KeyError, TypeError) as error:
            raise ValueError(
                f"{self.url} does not describe its model as TensorFlow Serving does"
            ) from error
        try:
            inputs = _shape(signatures["predict_ab"]["inputs"]["lightness"])
            outputs = _shape(signatures["predict_ab"]["outputs"]["ab"])
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{self.url} is not a colorize_tf model: no signature predict_ab from lightness to "
                f"ab, only {names or 'none'}"
            ) from error
        if len(inputs) != 4 or inputs != [-1, inputs[1], inputs[1], 1] or inputs[1] < 1:
            raise ValueError(f"{self.url} takes lightness {inputs}, expected [-1, size, size, 1]")
        if outputs != [-1, inputs[1], inputs[1], 2]:
            raise ValueError(f"{self.url} gives ab {outputs}, expected {[*inputs[:3], 2]}")
        return inputs[1], self._z_size(signatures, inputs)

    def _z_size(self, signatures: dict[str, Any], lightness: list[int]) -> int:
        if "sample_ab" not in signatures:
            return 0
        try:
            inputs = signatures["sample_ab"]["inputs"]
            came = [_shape(inputs["lightness"]), _shape(inputs["z"])]
            fits = came == [lightness, [-1, came[1][-1]]] and came[1][-1] > 0
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise ValueError(f"{self.url} has a sample_ab without lightness and z") from error
        if not fits:
            raise ValueError(
                f"{self.url} takes lightness and z {came} in sample_ab, expected {lightness} and "
                "[-1, z_size]"
            )
        return came[1][-1]

    def _request(self, path: str, body: bytes | None = None) -> Any:
        """Send GET, or POST if there is a body, and return the parsed JSON."""
        if body is not None and len(body) > self.max_payload:
            raise ValueError(
                f"the request to {self.url} has {len(body)} bytes, the limit is "
                f"{self.max_payload}; send fewer pictures at once"
            )
        request = Request(self.url + path, body, {"Content-Type": "application/json"})
        for attempt in range(self.attempts):
            last = attempt == self.attempts - 1
            try:
                with urlopen(request, timeout=self.timeout) as response:
                    data = response.read(self.max_payload + 1)
                break
            except HTTPError as error:
                with error:
                    if error.code not in _TRANSIENT:
                        raise ValueError(_refusal(self.url, error)) from error
                    if last:
                        raise ModelUnavailableError(_refusal(self.url, error)) from error
            except (HTTPException, OSError) as error:
                reason = error.reason if isinstance(error, URLError) else error
                if last or isinstance(reason, ssl.SSLCertVerificationError):
                    why = " ".join(str(reason).split()) or type(reason).__name__
                    raise ModelUnavailableError(
                        f"no response from {self.url}: {why}; is TensorFlow Serving running there?"
                    ) from error
            sleep(min(0.5 * 2**attempt, _LONGEST_PAUSE))
        if len(data) > self.max_payload:
            raise ValueError(f"{self.url} responded with more than {self.max_payload} bytes")
        try:
            return json.loads(data)
        except ValueError as error:
            start = " ".join(data[:60].decode(errors="replace").split())
            raise ValueError(f"{self.url} responded with {start!r}, expected JSON") from error


def _checked_url(url: str) -> str:
    """Return the URL of a model without a trailing slash."""
    expected = "expected http://HOST:8501/v1/models/NAME, or https, optionally with /versions/N"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port  # Reading a port that is no number raises.
    except ValueError as error:
        raise ValueError(f"{url!r} is not a URL: {error}; {expected}") from error
    path = r".*/v1/models/[^/:]+(/versions/\d+|/labels/[^/:]+)?/?"
    whole = parts.scheme in ("http", "https") and host and re.fullmatch(path, parts.path)
    if not whole or parts.query or parts.fragment or parts.username is not None:
        raise ValueError(f"{url!r} is not the URL of a served model; {expected}")
    return url.rstrip("/")


def _shape(tensor: dict[str, Any]) -> list[int]:
    return [int(dimension["size"]) for dimension in tensor["tensor_shape"]["dim"]]


def _refusal(url: str, error: HTTPError) -> str:
    """Describe an error response, whose body TensorFlow Serving writes as `{"error": ...}`."""
    body = error.read(10_000)
    try:
        explained = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        explained = body.decode(errors="replace")
    explained = " ".join(str(explained).split())[:300] or error.reason
    if error.code == 404:
        return f"no model at {url}: {explained}"
    return f"{url} refused the request ({error.code}): {explained}"
