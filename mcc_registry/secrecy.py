"""What looks like a secret, by its form or by its name, and texts without it; imports nothing of ours.

Forms are those under which the services named hand out their keys. A form is looked for only where its marker occurs,
so that ordinary answers cost a few look-ups in short texts; repetitions that could be tried again at every place are bounded.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

HIDDEN = "(not shown)"
"""What stands for a secret wherever a text is shown or written."""

_START = r"(?<![A-Za-z0-9])"

FORMS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("Hugging Face", ("hf_", "api_org_"), _START + r"(?:hf|api_org)_[A-Za-z0-9]{20,}"),
    ("GitHub", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), _START + r"gh[pousr]_[A-Za-z0-9]{20,}"),
    ("GitHub", ("github_pat_",), _START + r"github_pat_\w{20,}"),
    ("GitLab", ("glpat-", "gldt-", "glrt-", "glptt-"), _START + r"gl(?:pat|dt|rt|ptt)-[\w\-]{16,}"),
    ("Slack", ("xox", "xapp-"), _START + r"(?:xox[a-z]-(?=[\w\-]{0,80}\d)[\w\-]{10,}|xapp-\d-[\w\-]{10,})"),
    ("AWS key id", ("AKIA", "ASIA", "ABIA", "ACCA"), _START + r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])"),
    ("NVIDIA", ("nvapi-",), _START + r"nvapi-[\w\-]{20,}"),
    ("Google", ("AIza", "ya29."), _START + r"(?:AIza[\w\-]{30,}|ya29\.[\w\-]{20,})"),
    (
        "an API key",
        ("sk-",),
        _START + r"sk-(?:(?:proj|svcacct|admin|ant|or)-[\w\-]{16,}|(?=[\w\-]{0,80}[A-Za-z0-9]{20})[\w\-]{20,})",
    ),
    ("an API key", ("gsk_", "xai-", "pplx-"), _START + r"(?:gsk_|xai-|pplx-)[A-Za-z0-9]{20,}"),
    ("Stripe", ("sk_", "rk_"), _START + r"[rs]k_(?:live|test)_[A-Za-z0-9]{16,}"),
    ("Replicate", ("r8_",), _START + r"r8_[A-Za-z0-9]{30,}"),
    ("Databricks", ("dapi",), _START + r"dapi[0-9a-f]{32}"),
    ("Docker Hub", ("dckr_pat_",), _START + r"dckr_pat_[\w\-]{16,}"),
    ("Vault", ("hvs.",), _START + r"hvs\.[\w\-]{20,}"),
    ("a JSON web token", ("eyJ",), _START + r"eyJ[\w\-]{10,2000}\.[\w\-]{10,}(?:\.[\w\-]*){0,3}"),
    ("a private key", ("PRIVATE KEY",), r"-{4,5} ?BEGIN [A-Z0-9 ]*PRIVATE KEY(?s:.*?-{4,5} ?END [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-*|.*)"),
    ("a login in an address", (":/",), r"(?<=://)[^\s/@:\"']{0,200}:[^\s/@\"']{1,500}(?=@)|(?<=\w:/)[^\s/@:\"']{1,200}:[^\s/@\"']{1,500}(?=@)"),
    (
        "a signed address",
        ("?", "&"),
        r"(?i:(?<=[?&])(?:x-amz-signature|x-amz-security-token|signature|sig|access_token|api_?key|token)=[^&\s\"']{8,})",
    ),
    (
        "an authorisation header",
        ("earer ", "EARER ", "asic ", "BASIC "),
        r"(?i:\b(?:bearer|basic)\s+(?=[A-Za-z0-9._~+/\-]{0,200}[0-9])[A-Za-z0-9._~+/\-]{16,}=*)",
    ),
)  # fmt: skip
"""Whose it is, what occurs in every text of this form, and the form."""

_ASSIGNED = (
    r"(?i:(?<![A-Za-z])(?:[\w\-]{0,40}(?:password|passwd|passphrase|secret|api[_\-]?key|access[_\-]?key|private[_\-]?key"
    r"|(?:access|auth|hf|api|session|secret|bearer|refresh|id)[_\-]?token)|pwd)"
    r"[\"']?\s{0,3}[:=]\s{0,3}(?=[^\s,;}\]])[\"']?[^\s,;\"'&}\]]{3,})"
)
_ASSIGNMENT_MARKERS = ("pass", "pwd", "secret", "key", "token")

_ARN = r"arn:aws[a-z\-]*:[^\s\"',;}\]]+"
_RANDOM_40 = r"(?<![A-Za-z0-9/+])(?<![A-Za-z0-9][_.\-])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=]|[_.\-][A-Za-z0-9])"
"""An AWS secret key is 40 characters of base 64; a commit id is 40 too, but hexadecimal."""

_NAME = (
    r"(^|_)(TOKENS?|SECRETS?|PASS|PWDS?|CREDENTIALS?|CREDS|AUTH|BEARER|COOKIE)$|(PASSWORDS?|PASSWD|PASSPHRASE|APIKEYS?)$"
    r"|(^|_)(API|ACCESS|PRIVATE|SECRET|SIGNING|ENCRYPTION|AUTH|MASTER|LICENSE|ACCOUNT|SSH)_KEYS?(_ID|_BASE)?$|(^|_)AUTHORIZATION$"
)
_NAME_ENDS = r"(_?[0-9]+|_(VALUE|B64|BASE64|PLAIN|PROD|DEV|STAGING|TEST|LIVE|OLD|NEW|BACKUP))$"
_NO_SECRET_NAME = (
    r"(^|_)(ARN|TOKENIZER)$|^(PWD|OLDPWD)$"
    r"|(?<!ACCESS)(?<!API)(?<!AUTH)(?<!HF)(?<!SECRET)(?<!SESSION)(?<!BEARER)_TOKENS$"
    r"|(^|_)(BOS|EOS|PAD|UNK|SEP|CLS|MASK|IMAGE|IMG|AUDIO|VIDEO|STOP|START|END|BEGIN|SPECIAL|THINK|THINKING|TOOL|CALL|CTC|TEXT"
    r"|MAX|MIN|NUM|PER|NEXT|NEW|LAST|FIRST|BLANK)_TOKEN$|^MAX_TOKENS$|^(PAD|EOS|BOS)TOKEN$"
)
_KEY_NAME = r"(^|_)KEY(S|_.*)?$"
_NO_KEY = r"[0-9a-f]{40}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_PATH = r"(/|\./|\.\./|~/?|file:/|s3://)[^\n]*|[\w\-.]+(/[\w\-.]+)*\.(json|ya?ml|toml|txt|pem|crt|key|env|ini|cfg)"
_SWITCHES = ("true", "false", "yes", "no", "0", "1", "on", "off", "none", "null", "auto", "")
_SHORTEST = 8


def holds_secret(text: str) -> bool:
    """Whether a text contains something of the form of a secret, whatever it is called.

    Example:
        >>> holds_secret("s3://bucket/key"), holds_secret("redis://:pa55word@host/0")
        (False, True)
    """
    return next(_places(text), None) is not None


def without_secrets(text: str) -> str:
    """The text with everything that has the form of a secret replaced.

    Example:
        >>> without_secrets("connect to redis://:pa55word@host/0")
        'connect to redis://(not shown)@host/0'
    """
    places = sorted(_places(text))
    if not places:
        return text
    parts, at = [], 0
    for start, end in places:
        if end <= at:
            continue
        if start >= at:
            parts += [text[at:start], HIDDEN]
        at = end
    return "".join([*parts, text[at:]])


def _places(text: str) -> Iterator[tuple[int, int]]:
    """Where secrets are in a text; places may overlap."""
    if len(text) < _SHORTEST:
        return
    for _, markers, form in FORMS:
        if any(marker in text for marker in markers):
            for hit in re.finditer(form, text, re.ASCII):
                yield hit.span()
    lowered = text.lower()
    if (":" in text or "=" in text) and any(marker in lowered for marker in _ASSIGNMENT_MARKERS):
        # An ARN names a secret and is none; the text keeps its length so that places stay right.
        plain = re.sub(_ARN, lambda arn: " " * len(arn[0]), text, flags=re.ASCII)
        for hit in re.finditer(_ASSIGNED, plain, re.ASCII):
            if not _is_harmless(re.split(r"[:=]", hit[0], maxsplit=1)[1].strip(" \"'")):
                yield hit.span()
    if len(text) >= 40:
        for hit in re.finditer(_RANDOM_40, text, re.ASCII):
            if _is_random(hit[0]):
                yield hit.span()


def _is_harmless(value: str) -> bool:
    """Whether what stands behind a secret's name is a switch, a place to look, or already hidden."""
    return (
        value.lower() in _SWITCHES
        or value.startswith(("(not", "$"))
        or re.fullmatch(_PATH, value, re.ASCII) is not None
    )


def _is_random(word: str) -> bool:
    """Whether a word changes between small, capital, digit and sign as often as random base 64 does; names do not."""
    if word.startswith("/") and word.count("/") > 1:
        return False  # a path
    kinds = [_kind(c) for c in word]
    if not {"d", "u", "l"} <= set(kinds):
        return False
    changes = sum(a != b for a, b in pairwise(kinds))
    return changes >= len(word) * 3 // 8 and _entropy(word) > 4


def _kind(sign: str) -> str:
    return "d" if sign.isdigit() else "u" if sign.isupper() else "l" if sign.islower() else "s"


def _entropy(text: str) -> float:
    counts = Counter(text)
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts.values())


def is_secret_name(name: str) -> bool:
    """Whether a variable or key of this name holds a secret: its last words say so.

    Example:
        >>> [is_secret_name(n) for n in ("HF_TOKEN", "apiKey", "max_num_batched_tokens", "eos_token", "HF_TOKEN_PATH")]
        [True, True, False, False, False]
    """
    upper = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).upper().replace("-", "_").replace(".", "_")
    while (shorter := re.sub(_NAME_ENDS, "", upper)) != upper and shorter:
        upper = shorter
    return re.search(_NAME, upper) is not None and re.search(_NO_SECRET_NAME, upper) is None


def looks_secret(name: str, value: Any, _depth: int = 0) -> bool:
    """Whether a variable's name or value looks like a secret.

    Names: the last words say so (``HF_TOKEN``, ``MY_API_KEY``); counts of tokens (``MAX_NUM_BATCHED_TOKENS``), places
    (``HF_TOKEN_PATH``) and ARNs do not. Values: well-known forms, or a long random word under a name that mentions a
    key. The keys and values inside mappings and lists are looked at alike.

    Args:
        name: the name of the variable, setting or key.
        value: its value as YAML gives it.
    """
    if isinstance(value, Mapping):
        return _depth < 100 and any(looks_secret(str(k), v, _depth + 1) for k, v in value.items())
    if isinstance(value, (list, tuple)):
        return _depth < 100 and any(looks_secret(name, v, _depth + 1) for v in value)
    if value is None or isinstance(value, bool):
        return False
    if isinstance(value, int) and value.bit_length() > 64:
        return False  # refused for its size; Python does not write such numbers in decimal
    text = str(value)
    if text == HIDDEN or holds_secret(text):
        return True
    if is_secret_name(name):
        return not _is_reference(name, text)
    return re.search(_KEY_NAME, name.upper()) is not None and _is_key(text)


def _is_key(text: str) -> bool:
    """Whether the value of something called a key is a long random word, and no path, address, ARN, UUID or commit."""
    if (
        not re.fullmatch(r"[A-Za-z0-9+/_=.\-]{24,}", text, re.ASCII)
        or re.fullmatch(_PATH, text, re.ASCII)
        or re.fullmatch(_NO_KEY, text, re.ASCII)
    ):
        return False
    words = [[_kind(c) for c in word] for word in re.findall(r"[A-Za-z0-9]+", text)]
    changes = sum(a != b for word in words for a, b in pairwise(word))
    return changes * 6 >= len(text) and _entropy(text) > 3.5


def _is_reference(name: str, text: str) -> bool:
    """Whether the value under a secret's name is no secret: a switch, an ARN, a count of tokens, or a file."""
    stripped = text.strip()
    if stripped.lower() in _SWITCHES or re.fullmatch(_ARN, stripped, re.ASCII):
        return True
    upper = name.upper()
    if "TOKEN" in upper and re.fullmatch(r"-?[0-9]{1,6}", stripped):
        return True
    return ("CREDENTIAL" in upper or "AUTH" in upper) and re.fullmatch(_PATH, stripped, re.ASCII) is not None
