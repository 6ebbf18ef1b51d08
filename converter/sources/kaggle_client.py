"""kagglehub's client: it knows who the user is to Kaggle, and how Kaggle is asked.

kagglehub has no public function that downloads an archive and leaves it packed. This uses what its
own `http_resolver.py` uses, in kagglehub 1.0.0 (with kagglesdk 0.1.14) and 1.0.3 (with 0.1.38).
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import importlib
import importlib.util
import itertools
import logging
import pathlib
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from converter import errors, limits
from converter.sources.kaggle_handle import SITE, KaggleHandle
from converter.sources.urls import public_url

TIMEOUT_SECS = 60.0
RETRIES = 4
PAUSE_FACTOR_SECS = 0.5

_INSTALL = "pip install 'tf1hub-converter[kaggle]'"
_BLOCK_BYTES = 1 << 20
# Too many requests, or the server's own fault (source: RFC 9110, RFC 6585).
_PASSING = (429, 500, 502, 503, 504)
# By the types of errors of the network; the first that is among the causes counts.
_FAULTS = {
    "gaierror": "its name cannot be resolved",
    "ConnectionRefusedError": "the connection is refused",
    "SSLCertVerificationError": "its certificate cannot be verified",
    "IncompleteRead": "the connection ended before all was there",
    "InvalidChunkLength": "the connection ended before all was there",
    "RemoteDisconnected": "the connection ended before all was there",
    "ConnectionResetError": "the connection ended before all was there",
    "ConnectTimeoutError": "there is no answer",
    "ReadTimeoutError": "nothing more came in time",
    "BadStatusLine": "what answers does not speak HTTP",
    "ProtocolError": "the connection ended before all was there",
}
_FRAMEWORKS = {
    "tensorFlow1": "MODEL_FRAMEWORK_TENSOR_FLOW_1",
    "tensorFlow2": "MODEL_FRAMEWORK_TENSOR_FLOW_2",
}


def is_installed() -> bool:
    """Whether kagglehub is installed; imports nothing."""
    return importlib.util.find_spec("kagglehub") is not None


def check_installed(handle: KaggleHandle) -> None:
    """Checks that kagglehub is installed.

    Raises:
      DownloadError: if it is not; the error says how to do without it.
    """
    if is_installed():
        return
    raise errors.DownloadError(
        f"{handle} is on Kaggle, and kagglehub, which downloads from there, is not installed",
        remedy=describe_without_kagglehub(handle),
    )


def describe_without_kagglehub(handle: KaggleHandle) -> str:
    """Describes what to do where kagglehub is not installed."""
    return f"Run `{_INSTALL}`, or {_describe_download_by_hand(handle)}."


def find_newest_version(handle: KaggleHandle) -> int:
    """Asks Kaggle for the newest version of a variation.

    Raises:
      DownloadError: if Kaggle cannot be reached, or does not say it; or kagglehub is not installed,
        or not one that this knows.
    """
    with _models(handle) as (models, types):
        request = _fill(types.ApiGetModelInstanceRequest(), handle)
        with _stdout_kept_clean():
            return int(models.get_model_instance(request).version_number)


def download(
    handle: KaggleHandle, target: pathlib.Path, progress: Callable[[int, int], None]
) -> None:
    """Downloads the archive of a version.

    Args:
      handle: A handle with a version.
      target: Where to write it. What is there after an error is not whole.
      progress: Called with the bytes that are done, and all.

    Raises:
      DownloadError: if Kaggle cannot be reached, or does not send it whole; or kagglehub is not
        installed, or not one that this knows.
      UnsafeModuleError: if it is too large, or not encrypted on the way.
      OSError: if it cannot be written.
    """
    with _models(handle) as (models, types):
        request = _fill(types.ApiDownloadModelInstanceVersionRequest(), handle)
        request.version_number = handle.version
        with _stdout_kept_clean():
            response = models.download_model_instance_version(request)
        with response:
            _check_redirects(handle, [step.url for step in (*response.history, response)])
            _save(handle, response, target, progress)


@contextlib.contextmanager
def _models(handle: KaggleHandle) -> Iterator[tuple[Any, Any]]:
    """Yields the part of the client that knows models, and the types of its requests."""
    check_installed(handle)
    with _explaining(handle):
        with _stdout_kept_clean():
            types = importlib.import_module("kagglesdk.models.types.model_api_service")
            client = importlib.import_module("kagglehub.clients").build_kaggle_client()
        with client, _quiet_retries():
            _be_patient(client)
            yield client.models.model_api_client, types


@contextlib.contextmanager
def _quiet_retries() -> Iterator[None]:
    """Keeps what urllib3 logs of each attempt from burying the one line that says what failed."""
    logger = logging.getLogger("urllib3.connectionpool")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def _be_patient(client: Any) -> None:
    """Has the client wait for a bounded time, and ask again where that may help."""
    adapters, retry = map(importlib.import_module, ("requests.adapters", "urllib3.util.retry"))

    class Patient(adapters.HTTPAdapter):  # type: ignore[name-defined]
        def send(self, *args: Any, timeout: Any = None, **kwargs: Any) -> Any:
            return super().send(*args, timeout=timeout or TIMEOUT_SECS, **kwargs)

    attempts = retry.Retry(
        RETRIES, status_forcelist=_PASSING, allowed_methods=None, raise_on_status=False,
        redirect=0, backoff_factor=PAUSE_FACTOR_SECS, respect_retry_after_header=False,
    )  # fmt: skip
    for scheme in ("https://", "http://"):
        client.http_client()._session.mount(scheme, Patient(max_retries=attempts))  # noqa: SLF001


@contextlib.contextmanager
def _stdout_kept_clean() -> Iterator[None]:
    """Sends what kagglehub prints, and what it logs from its import on, to stderr."""
    with contextlib.redirect_stdout(sys.stderr):
        yield


def _fill(request: Any, handle: KaggleHandle) -> Any:
    enums = importlib.import_module("kagglesdk.models.types.model_enums")
    request.owner_slug = handle.owner
    request.model_slug = handle.model
    request.framework = enums.ModelFramework[_FRAMEWORKS[handle.framework]]
    request.instance_slug = handle.variation
    return request


def _check_redirects(handle: KaggleHandle, urls: Sequence[str]) -> None:
    for before, after in itertools.pairwise(urls):
        if before.startswith("https://") and not after.startswith("https://"):
            raise errors.UnsafeModuleError(
                f"Kaggle redirects to {public_url(after)} for {handle}, which is not encrypted:"
                " anybody on the way could replace it",
                remedy="Download it in a network that you trust.",
            )


def _save(
    handle: KaggleHandle, response: Any, target: pathlib.Path, progress: Callable[[int, int], None]
) -> None:
    headers = response.headers
    # What the server compressed for the way has another size there.
    length = None if "Content-Encoding" in headers else headers.get("Content-Length")
    total, done = int(length) if length else 0, 0
    state = hashlib.md5(usedforsecurity=False)
    with target.open("wb") as file:
        for block in response.iter_content(_BLOCK_BYTES):
            done += len(block)
            _check_size(handle, max(done, total))
            file.write(block)
            state.update(block)
            progress(done, total or done)
    if total and done != total:
        raise errors.DownloadError(
            f"Kaggle sent {done:,} of the {total:,} bytes of {handle}", remedy="Try again."
        )
    expected = _find_md5(headers.get("x-goog-hash", ""))
    if expected not in (None, state.digest()):
        raise errors.DownloadError(
            f"the archive that Kaggle sent for {handle} has the wrong checksum",
            remedy="Try again.",
        )


def _check_size(handle: KaggleHandle, size: int) -> None:
    if size > limits.MAX_UNPACKED_BYTES:
        raise errors.UnsafeModuleError(
            f"Kaggle sends more than {limits.MAX_UNPACKED_BYTES:,} bytes for {handle}",
            remedy="Download it yourself if you trust it, and pass the file.",
        )


def _find_md5(header: str) -> bytes | None:
    """Finds the MD5 in what Google's storage says of a file (source: its "XML API headers")."""
    for item in header.split(","):
        name, _, value = item.strip().partition("=")
        if name == "md5":
            with contextlib.suppress(ValueError):
                return base64.b64decode(value, validate=True)
    return None


@contextlib.contextmanager
def _explaining(handle: KaggleHandle) -> Iterator[None]:
    """Explains the errors of kagglehub, and of what it is made of."""
    requests = importlib.import_module("requests")
    try:
        yield
    except requests.HTTPError as error:
        raise _explain_status(handle, error) from error
    except requests.RequestException as error:
        download_it_by_hand = _describe_download_by_hand(handle)
        raise errors.DownloadError(
            f"{handle} cannot be downloaded from Kaggle: {_describe(error)}",
            remedy=f"Try again, or {download_it_by_hand}.",
        ) from error
    except (ImportError, AttributeError, TypeError, KeyError) as error:
        raise errors.DownloadError(
            f"the installed version of kagglehub is not supported: {error}",
            remedy=describe_without_kagglehub(handle),
        ) from error
    except ValueError as error:  # Of its configuration.
        raise errors.DownloadError(
            f"kagglehub cannot be used: {errors.first_line(error)}",
            remedy="Correct its configuration; https://github.com/Kaggle/kagglehub describes it.",
        ) from error


def _explain_status(handle: KaggleHandle, error: Any) -> errors.ConversionError:
    status = None
    if error.response is not None:
        status = error.response.status_code
        error.response.close()
    if status in (401, 403):
        return errors.DownloadError(
            f"Kaggle does not let you download {handle} (status {status})",
            remedy=(
                f"Accept its terms at {handle.page}, if it has any, and log in: set"
                f" KAGGLE_API_TOKEN to a token from {SITE}/settings."
            ),
        )
    if status == 404:
        return errors.DownloadError(
            f"there is no {handle} on Kaggle",
            remedy=f"See {SITE}/models/{handle.owner}/{handle.model} for variations and versions.",
        )
    download_it_by_hand = _describe_download_by_hand(handle)
    return errors.DownloadError(
        f"Kaggle answered with status {status} when it was asked for {handle}",
        remedy=f"Try again later, or {download_it_by_hand}.",
    )


def _describe(error: BaseException) -> str:
    """Describes an error of the network; its text may hold an address that is signed."""
    names = {type(cause).__name__ for cause in _causes(error)}
    return next((text for name, text in _FAULTS.items() if name in names), type(error).__name__)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yields an error and all that caused it, as `requests` and `urllib3` keep them."""
    waiting, seen = [error], set[int]()
    while waiting:
        cause = waiting.pop()
        if id(cause) not in seen:
            seen.add(id(cause))
            yield cause
            known = (
                cause.__cause__,
                cause.__context__,
                getattr(cause, "reason", None),
                *cause.args,
            )
            waiting += [item for item in known if isinstance(item, BaseException)]


def _describe_download_by_hand(handle: KaggleHandle) -> str:
    if handle.version is None:
        return f"download it from {handle.page}, and pass the file"
    return (
        f"download it by `curl -fL -o {handle.file_name} {handle.archive}`, and pass the file:"
        f" `tf1hub convert {handle.file_name} DST`"
    )
