"""Writes the findings of a scan as a SARIF log.

Source: SARIF 2.1.0, https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

import hashlib
import re
import urllib.parse
from collections.abc import Iterable
from typing import Any

from converter.printable import printable
from converter.safety.findings import Finding, Severity, describe_place, describe_runs
from converter.safety.op_table import Kind
from converter.version import __version__

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"

_LEVELS: dict[Severity, str] = {
    "info": "none",
    "low": "note",
    "medium": "warning",
    "high": "error",
}
# From 0 to 10, as code hosts sort alerts by it.
_SECURITY_SEVERITIES = {
    Kind.RUNS_CODE: "9.5",
    Kind.NETWORK: "8.5",
    Kind.WRITES_FILES: "8.5",
    Kind.READS_FILES: "7.5",
}
_OTHER_SEVERITY = "5.0"


def make_sarif(findings: Iterable[Finding], location: str) -> dict[str, Any]:
    """Makes a SARIF log of one run.

    Args:
      findings: What to report.
      location: The URI of the model's directory; "" if files have no URI but their names.
    """
    rules = [kind for kind in Kind if not kind.is_allowed or kind is Kind.OWN_ASSETS]
    numbers = {kind.value: number for number, kind in enumerate(rules)}
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "tf1hub scan",
                        "semanticVersion": __version__,
                        "rules": [_make_rule(kind) for kind in rules],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "results": [_make_result(f, location, numbers[f.kind]) for f in findings],
            }
        ],
    }


def _make_rule(kind: Kind) -> dict[str, Any]:
    return {
        "id": _rule_id(kind.value),
        "shortDescription": {"text": f"An op of a model {_say_kind(kind)}."},
        "defaultConfiguration": {"level": "error" if kind in _SECURITY_SEVERITIES else "warning"},
        "properties": {
            "tags": ["security"],
            "security-severity": _SECURITY_SEVERITIES.get(kind, _OTHER_SEVERITY),
        },
    }


def _say_kind(kind: Kind) -> str:
    phrases = {
        Kind.NETWORK: "uses the network",
        Kind.DENIAL_OF_SERVICE: "can exhaust the machine",
        Kind.INTERNAL: "is internal to TensorFlow",
        Kind.UNKNOWN: "is unknown to this version",
        Kind.OWN_ASSETS: "reads a file that is not an asset of the model",
    }
    return phrases.get(kind, kind.value)


def _rule_id(kind: str) -> str:
    return kind.replace(" ", "-")


def _make_result(finding: Finding, location: str, rule_index: int) -> dict[str, Any]:
    place = describe_place(finding)
    identity = f"{finding.file}\0{place}\0{finding.op}\0{finding.kind}"
    return {
        "ruleId": _rule_id(finding.kind),
        "ruleIndex": rule_index,
        "kind": "informational" if finding.severity == "info" else "fail",
        "level": _LEVELS[finding.severity],
        "message": {"text": _say(f"{finding.op} {finding.reason}; {describe_runs(finding)}.")},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": _file_uri(location, finding.file)},
                    # The files are binary, but code hosts ask for a line.
                    "region": {"startLine": 1},
                },
                "logicalLocations": [{"fullyQualifiedName": printable(place), "kind": "member"}],
            }
        ],
        "partialFingerprints": {
            "place/v1": hashlib.sha256(identity.encode(errors="surrogatepass")).hexdigest()
        },
        "properties": {"severity": finding.severity, "runs": list(finding.runs)},
    }


def _say(text: str) -> str:
    """A text that shows as it is: brackets of a name could make a link (section 3.11.6)."""
    return re.sub(r"[\[\]\\]", r"\\\g<0>", printable(text))


def _file_uri(location: str, file: str) -> str:
    return f"{location.rstrip('/')}/{file}" if location else urllib.parse.quote(file)
