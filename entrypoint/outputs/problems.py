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
#: (docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html).
_MEANING = (
    (_REMOTE, r"didn't find section in config file|couldn't find (?:type|section)|unknown type|didn't find backend"),
    (_CONFIG, r"config file.{0,200}(?:failed|error|couldn't)|(?:failed|error).{0,100}config|password.{0,40}config"),
    (_TAKEN, r"immutable file modified"),
    (_REGION, r"AuthorizationHeaderMalformed|PermanentRedirect|incorrect region|status code: 301|BucketRegionError"),
    (
        _FULL,
        r"QuotaExceeded|EntityTooLarge|status code: 507|507 Insufficient|storageQuota|no space left|disk full"
        r"|quota|insufficient (?:storage|space)|InsufficientCapacity",
    ),
    (_MISSING, r"NoSuchBucket|directory not found|bucket (?:does not|doesn't) exist|no such file or directory"),
    (
        _CREDENTIALS,
        r"AccessDenied|Forbidden|InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken|InvalidToken|Unauthorized"
        r"|status code: 40[13]|NoCredentialProviders|permission denied|invalid_grant|unable to authenticate"
        r"|couldn't fetch token|empty token|RequestTimeTooSkewed",
    ),
    (_BUSY, r"SlowDown|ServiceUnavailable|InternalError|status code: (?:5\d\d|429)|TooManyRequests|rate limit"),
    (
        _NETWORK,
        r"no such host|connection refused|connection reset|dial tcp|i/o timeout|timeout|EOF|broken pipe|unreachable"
        r"|TLS|x509|RequestError|deadline exceeded|connection closed|couldn't connect",
    ),
)
_PATTERNS = tuple((problem, re.compile(pattern, re.IGNORECASE)) for problem, pattern in _MEANING)


#: What differs from one attempt to the next: a condition that is the same must read the same.
_CHANGING = re.compile(
    r"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d |,? ?(?:request|host) ?id: [^,\s]*|Attempt \d+/\d+ |[\d.]+:\d+->",
    re.IGNORECASE,
)


def problem_of(message: str) -> Problem:
    """What an error of rclone's means; its own words follow where they say more."""
    text = _CHANGING.sub("", " ".join(message.split()))[:_LONGEST].rstrip(" ,")
    known = next((problem for problem, pattern in _PATTERNS if pattern.search(text)), None)
    if known is None:
        return Problem(f"rclone: {text}" if text else "rclone failed without a word", "see: podkeeper logs outputs")
    return Problem(f"{known.reason} ({text})" if text else known.reason, known.remedy)
