"""P: what rclone's messages mean: why outputs are not delivered, and what to do about it."""

from __future__ import annotations

import re
from typing import NamedTuple

_LONGEST = 300


class Problem(NamedTuple):
    """Why a file is not delivered. `reason` completes "cannot deliver to X: "."""

    reason: str
    remedy: str


CHANGED = Problem("it changed while it was copied", "nothing to do: it is delivered once it no longer changes")
DIFFERENT = Problem(
    "what arrived is not what was sent: size or hash differ",
    "nothing to do: it is sent again; for a bucket with AWS KMS set RCLONE_S3_SERVER_SIDE_ENCRYPTION=aws:kms",
)
UNREADABLE = Problem("it cannot be read", "give the services' user the right to read it")
RCLONE_MISSING = Problem(
    "rclone is not in this image",
    "use the image tag that ends in -rclone, or as root: apt-get update && apt-get install -y rclone; "
    "then: podkeeper restart outputs",
)
NO_HUB = Problem(
    "hf:// needs the Hub's own upload protocol, which rclone does not speak",
    "use s3://BUCKET/PREFIX or a remote of rclone; to copy by hand: "
    "uvx --from huggingface_hub hf upload OWNER/NAME /comfyui/output . --repo-type dataset",
)
_CREDENTIALS = Problem(
    "the destination refuses the credentials",
    "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or RCLONE_CONFIG, and that they may write there",
)
_MISSING = Problem("the bucket or folder does not exist", "make it, or correct OUTPUTS_TO; the pod makes no bucket")
_FULL = Problem("the destination has no room", "make room there, or raise its quota")
_BUSY = Problem("the destination is busy or broken", "nothing to do: it is tried again; if it stays, ask the provider")
_NETWORK = Problem("the destination cannot be reached", "check the address and the pod's network; it is tried again")
_REMOTE = Problem(
    "rclone has no remote of that name", "set RCLONE_CONFIG to an rclone.conf that has the remote of OUTPUTS_TO"
)
_CONFIG = Problem("rclone cannot read the configuration", "check RCLONE_CONFIG: `rclone config show` prints a good one")
_REGION = Problem("the bucket is in another region", "set AWS_REGION to the bucket's region")
_TAKEN = Problem(
    "another program has just written a file of that name there", "nothing to do: it is delivered by another name"
)

#: The first that matches counts. The words are those of rclone 1.60 and the S3 error codes
#: (docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html); `(?i)`: in any case.
_MEANING = (
    (
        _REMOTE,
        re.compile(r"(?i)didn't find section in config file|couldn't find type|unknown type|didn't find backend"),
    ),
    (
        _CONFIG,
        re.compile(r"(?i)failed to load config|couldn't decrypt configuration|error reading config|unable to decr"),
    ),
    (_TAKEN, re.compile(r"(?i)immutable file modified")),
    (
        _REGION,
        re.compile(r"(?i)AuthorizationHeaderMalformed|PermanentRedirect|incorrect region|BucketRegionError|code: 301"),
    ),
    (
        _FULL,
        re.compile(
            r"(?i)quota|EntityTooLarge|status code: 507|507 Insufficient|no space left|disk full|insufficient storage"
            r"|insufficient space|InsufficientCapacity"
        ),
    ),
    (
        _MISSING,
        re.compile(r"(?i)NoSuchBucket|directory not found|bucket does(?:n't| not) exist|no such file or directory"),
    ),
    (
        _CREDENTIALS,
        re.compile(
            r"(?i)AccessDenied|Forbidden|InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken|InvalidToken"
            r"|Unauthorized|status code: 40[13]|NoCredentialProviders|permission denied|invalid_grant"
            r"|unable to authenticate|couldn't fetch token|empty token|RequestTimeTooSkewed"
        ),
    ),
    (
        _BUSY,
        re.compile(r"(?i)SlowDown|ServiceUnavailable|InternalError|code: (?:5\d\d|429)|TooManyRequests|rate limit"),
    ),
    (
        _NETWORK,
        re.compile(
            r"(?i)no such host|connection refused|connection reset|dial tcp|timeout|EOF|broken pipe|unreachable"
            r"|TLS|x509|RequestError|deadline exceeded|connection closed|couldn't connect|in time$"
        ),
    ),
)
#: What differs from one attempt to the next: a condition that is the same must read the same.
_CHANGING = re.compile(
    r"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d |,? ?(?:request|host) ?id: [^,\s]*|Attempt \d+/\d+ |(?<![\d.:])\d[\d.]*:\d+->",
    re.IGNORECASE,
)


def problem_of(message: str) -> Problem:
    """What an error of rclone's means; its own words follow where they say more."""
    text = _CHANGING.sub("", " ".join(message.split()))[:_LONGEST].rstrip(" ,")
    known = next((problem for problem, pattern in _MEANING if pattern.search(text)), None)
    if known is None:
        return Problem(f"rclone: {text}" if text else "rclone failed without a word", "see: podkeeper logs outputs")
    return Problem(f"{known.reason} ({text})" if text else known.reason, known.remedy)
