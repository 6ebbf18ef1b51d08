"""Requests by HTTP and HTTPS that follow redirects within bounds, and send nothing secret.

The client is Python's own, as in tensorflow_hub. `requests`, which TensorFlow brings, would look up
passwords in `~/.netrc`, and unpack what a server calls compressed, so that a digest would not be
that of the bytes that came. Certificates are verified, by the authorities that OpenSSL knows or
SSL_CERT_FILE names; proxies are those of the environment (`https_proxy`, `no_proxy`).
"""

from __future__ import annotations

import http.client
import ssl
import string
import urllib.parse
import urllib.request
from typing import cast

from converter import errors, limits
from converter.sources.urls import find_fault, public_url
from converter.version import __version__

_REDIRECTS = (301, 302, 303, 307, 308)
_TRUST = "Do not use this server unless you know why it does so."


def get(url: str, timeout_secs: float) -> http.client.HTTPResponse:
    """Requests a URL, and follows redirects; returns the last response, whatever its status is.

    Args:
      url: A URL of HTTP or HTTPS in which `find_fault` finds none.
      timeout_secs: How long to wait for a connection, and for each next bytes of the response.

    Raises:
      UnsafeModuleError: if a redirect leads to another protocol, or from HTTPS to HTTP.
      DownloadError: if a redirect leads nowhere, or there are too many.
      OSError: if the network fails; a `urllib.error.URLError` may hold the reason.
      http.client.HTTPException: if the server does not speak HTTP.
      UnicodeError: if no host can have this name.
    """
    opener, place = _make_opener(), url
    for _ in range(limits.MAX_REDIRECTS + 1):
        response = opener.open(place, timeout=timeout_secs)
        if response.status not in _REDIRECTS:
            return cast("http.client.HTTPResponse", response)
        with response:
            place = _follow(place, response.headers.get("Location"))
    raise errors.DownloadError(
        f"{public_url(url)} redirects more than {limits.MAX_REDIRECTS} times, the last time to"
        f" {public_url(place)}",
        remedy="Check the URL: `curl -IL URL` shows all redirects.",
    )


def _make_opener() -> urllib.request.OpenerDirector:
    # Nothing else: no handler of files or FTP, of passwords or cookies; and without those of
    # redirects and errors, each response comes back as it is.
    opener = urllib.request.OpenerDirector()
    opener.addheaders = [("User-Agent", f"tf1hub/{__version__}")]
    opener.add_handler(urllib.request.ProxyHandler())
    opener.add_handler(urllib.request.HTTPHandler())
    opener.add_handler(urllib.request.HTTPSHandler(context=ssl.create_default_context()))
    return opener


def _follow(url: str, location: str | None) -> str:
    """Returns the URL that a response from `url` redirects to."""
    if not location:
        raise errors.DownloadError(
            f"{public_url(url)} redirects without saying where to", remedy="Check the URL."
        )
    # Servers send spaces and letters of any alphabet; http.client reads bytes as Latin-1.
    quoted = urllib.parse.quote(location, encoding="iso-8859-1", safe=string.punctuation)
    try:
        target = urllib.parse.urljoin(url, quoted)
        scheme = urllib.parse.urlsplit(target).scheme
    except ValueError as error:
        raise _leads_nowhere(url, quoted, str(error)) from error
    if scheme not in ("http", "https"):
        raise errors.UnsafeModuleError(
            f"{public_url(url)} redirects to {public_url(target)}, expected http or https",
            remedy=_TRUST,
        )
    if scheme == "http" and urllib.parse.urlsplit(url).scheme == "https":
        raise errors.UnsafeModuleError(
            f"{public_url(url)} redirects to {public_url(target)}, which is not encrypted: anybody"
            " on the way could replace it",
            remedy="Pass the second URL, if you trust the network.",
        )
    fault = find_fault(target)
    if fault is not None:
        raise _leads_nowhere(url, target, fault)
    return target


def _leads_nowhere(url: str, target: str, fault: str) -> errors.DownloadError:
    return errors.DownloadError(
        f"{public_url(url)} redirects to {public_url(target)}, which is not a URL: {fault}",
        remedy="Check the URL.",
    )
