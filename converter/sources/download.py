"""Downloads of files: bounded, tried again where that may help, and never taken for whole if cut.

A redirect may lead to any host, inside of a private network, too: it is asked for bytes, without
any credentials, and these have to be an archive of a module.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import http.client
import pathlib
import shutil
import ssl
import time
import urllib.error
from collections.abc import Callable, Iterator

from converter import errors, limits
from converter.files.byte_progress import ByteProgress
from converter.sources.http_get import get
from converter.sources.urls import public_url

_BLOCK_BYTES = 1 << 16
_LOOK_AT_SPACE_BYTES = 1 << 26
_LONGEST_PAUSE_SECS = 60.0
# Too early, too many requests, or the server's own fault (source: RFC 9110, RFC 6585).
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
_LOGIN = frozenset({401, 402, 403, 407})
_CUT = (http.client.HTTPException, ssl.SSLEOFError, ConnectionAbortedError, ConnectionResetError,
        BrokenPipeError)  # fmt: skip

_LATER = "Try again later."


@dataclasses.dataclass(frozen=True, slots=True)
class Patience:
    """How long a server is waited for.

    Attributes:
      timeout_secs: The wait for a connection, and for each next bytes.
      attempts: How many times it is asked.
      pause_secs: The pause before the second attempt; each further one is twice as long. What the
        server asks for (Retry-After) goes first, up to a minute.
    """

    timeout_secs: float = 60.0
    attempts: int = 5
    pause_secs: float = 1.0


PATIENCE = Patience()


@dataclasses.dataclass(frozen=True, slots=True)
class Download:
    """A file that was downloaded.

    Attributes:
      url: The URL that sent it, after all redirects; without its query, which may be secret.
      digest: SHA-256 over its bytes.
      size_bytes: Its size.
    """

    url: str
    digest: str
    size_bytes: int


class _TryAgainError(Exception):
    """Another attempt may succeed.

    Attributes:
      error: What to raise if there is none.
      after_secs: How long the server asks to wait; None if it does not say.
    """

    def __init__(self, error: errors.DownloadError, after_secs: float | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.after_secs = after_secs


def download(
    url: str,
    target: pathlib.Path,
    *,
    name: str,
    progress: Callable[[str], None],
    check_head: Callable[[bytes], None] = lambda _: None,
    by_hand: str = "",
    patience: Patience | None = None,
) -> Download:
    """Downloads a file, and tries again where that may help.

    Args:
      url: A URL of HTTP or HTTPS in which `urls.find_fault` finds none.
      target: Where to write it. What is there after an error is not whole.
      name: What the user calls it, for messages.
      progress: Called with what is being done.
      check_head: Called with the first bytes, 64 KiB if there are as many; raises if they cannot
        be those of the file, before the rest is read.
      by_hand: The remedy where the server cannot be reached.
      patience: How long to wait, and how many times to try; `PATIENCE` by default.

    Raises:
      DownloadError: if the server cannot be reached, answers with an error, or ends early.
      UnsafeModuleError: if a redirect is unsafe, or the file is too large.
      DestinationError: if there is no space for it.
    """
    request = _Request(url, target, name, progress, check_head, by_hand, patience or PATIENCE)
    progress(f"downloading {name}")
    attempt = 1
    while True:
        try:
            return request.send()
        except _TryAgainError as failure:
            if attempt == request.patience.attempts:
                raise failure.error from failure
            pause = failure.after_secs
            if pause is None:
                pause = request.patience.pause_secs * 2 ** (attempt - 1)
            progress(f"{failure.error.message}; trying again in {pause:g} seconds")
            time.sleep(pause)
            attempt += 1


@dataclasses.dataclass(frozen=True, slots=True)
class _Request:
    """One attempt after the other; the arguments of `download`."""

    url: str
    target: pathlib.Path
    name: str
    progress: Callable[[str], None]
    check_head: Callable[[bytes], None]
    by_hand: str
    patience: Patience

    def send(self) -> Download:
        """Downloads the file.

        Raises:
          _TryAgainError: if another attempt may succeed.
        """
        with self._network():
            response = get(self.url, self.patience.timeout_secs)
        with response:
            last = public_url(response.url)
            is_elsewhere = last != public_url(self.url)
            where = f"{self.name}, redirected to {last}," if is_elsewhere else self.name
            _check_status(response, where)
            size = response.length  # As the server says; None if it does not.
            digest, done = self._save(response, size)
        if size is not None and done < size:
            raise _TryAgainError(
                errors.DownloadError(
                    f"{where} sent {done:,} of {size:,} bytes, and ended the connection",
                    remedy=_LATER,
                )
            )
        return Download(last, digest, done)

    def _save(self, response: http.client.HTTPResponse, size: int | None) -> tuple[str, int]:
        """Writes the body; returns its digest and its size."""
        space, state, done = _Space(self.target, self.name), hashlib.sha256(), 0
        tell = ByteProgress(self.progress, f"downloading {self.name}", small_bytes=0)
        space.check(0, size or 0)
        with _writing(self.target):
            file = self.target.open("wb")
        with file:
            while block := self._read(response):
                if not done:
                    self.check_head(block)
                state.update(block)
                done += len(block)
                space.check(done, done)
                with _writing(self.target):
                    file.write(block)
                    file.flush()
                tell(done, size)
        if not done:
            self.check_head(b"")
        return state.hexdigest(), done

    def _read(self, response: http.client.HTTPResponse) -> bytes:
        with self._network():
            return response.read(_BLOCK_BYTES)

    @contextlib.contextmanager
    def _network(self) -> Iterator[None]:
        """Explains errors of the network; around nothing else, since disks have the same."""
        try:
            yield
        except (OSError, http.client.HTTPException, UnicodeError) as error:
            raise _explain(error, self.name, self.by_hand, self.patience.timeout_secs) from error


def _explain(error: Exception, name: str, by_hand: str, timeout_secs: float) -> Exception:
    """Returns what to raise for an error of the network."""
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, TimeoutError):
        return _TryAgainError(
            errors.DownloadError(f"{name} sent nothing for {timeout_secs:g} seconds", remedy=_LATER)
        )
    if isinstance(reason, _CUT):
        kind = type(reason).__name__
        return _TryAgainError(
            errors.DownloadError(f"{name} ended the connection: {kind}", remedy=_LATER)
        )
    if isinstance(reason, ssl.SSLCertVerificationError):
        return errors.DownloadError(
            f"the certificate of {name} cannot be verified: {reason.verify_message}",
            remedy="Set SSL_CERT_FILE to a file with the certificates of the authorities that"
            " you trust.",
        )
    what = getattr(reason, "strerror", None) or reason
    return errors.DownloadError(f"{name} cannot be reached: {what}", remedy=by_hand)


def _check_status(response: http.client.HTTPResponse, where: str) -> None:
    status = response.status
    if status == 200:
        return
    remedy = _LATER if status in _PASSING else "Check the URL."
    if status in _LOGIN:
        remedy = "If it needs a login, download the archive yourself, and pass the file."
    what = f"{status} {http.client.responses.get(status, '')}".rstrip()
    error = errors.DownloadError(f"{where} answered {what}", remedy=remedy)
    if status in _PASSING:
        raise _TryAgainError(error, _read_pause(response.headers.get("Retry-After")))
    raise error


def _read_pause(text: str | None) -> float | None:
    """The seconds of a header Retry-After; dates are left to the usual pauses."""
    if text is None or not text.strip().isdecimal() or len(text) > 9:
        return None
    return min(float(text), _LONGEST_PAUSE_SECS)


class _Space:
    """The space that is left on the disk, which is looked at now and then."""

    def __init__(self, target: pathlib.Path, name: str) -> None:
        self._target = target
        self._name = name
        self._look_at = 0

    def check(self, done: int, size: int) -> None:
        """Checks that a file may have a size, and that some space would be left beside it.

        Args:
          done: The number of bytes of it that there are.
          size: The number of bytes that it is known to have, at least.

        Raises:
          UnsafeModuleError: if it would be too large.
          DestinationError: if there is no space.
        """
        if size > limits.MAX_UNPACKED_BYTES:
            raise errors.UnsafeModuleError(
                f"{self._name} sends more than {limits.MAX_UNPACKED_BYTES:,} bytes",
                remedy="Download it yourself if you trust it, and pass the file.",
            )
        if done < self._look_at:
            return
        self._look_at = done + _LOOK_AT_SPACE_BYTES
        with _writing(self._target):
            free = shutil.disk_usage(self._target.parent).free
        if size - done + limits.MIN_FREE_BYTES > free:
            raise errors.DestinationError(
                f"there is too little space to download {self._name}: it has {size:,} bytes or"
                f" more, and {free:,} are free at {self._target.parent.parent}",
                remedy="Free some space, or set TMPDIR to a folder on another filesystem.",
            )


@contextlib.contextmanager
def _writing(target: pathlib.Path) -> Iterator[None]:
    """Keeps errors of the disk apart from those of the network."""
    try:
        yield
    except OSError as error:
        raise errors.unwritable(
            target, error, "Free some space, or set TMPDIR to a folder on another filesystem."
        ) from error
