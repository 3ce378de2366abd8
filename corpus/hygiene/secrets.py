"""API keys, tokens and private keys in texts.

Known formats are those of the services' own documentation and of detect-secrets' detectors. That library
itself reads line by line with each of them, where here a literal rules most out. Values without a format of
their own are taken for secrets only where they are assigned to a name that says so and look random.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from corpus.hygiene.finding import Finding, is_placeholder, looks_random

API_KEY, PRIVATE_KEY = "API_KEY", "PRIVATE_KEY"

# (texts of which one must be there, format). The value is group 1, where there is one.
_FORMATS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("AKIA", "ASIA", "ABIA", "ACCA", "A3T"), r"\b(?:A3T[A-Z0-9]|ABIA|ACCA|AKIA|ASIA)[0-9A-Z]{16}\b"),
    (("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"\bgh[pousr]_[A-Za-z0-9]{36,251}\b"),
    (("github_pat_",), r"\bgithub_pat_[A-Za-z0-9_]{60,90}\b"),
    (("glpat-", "gldt-", "glft-", "glsoat-", "glrt-"), r"\bgl(?:pat|dt|ft|soat|rt)-[A-Za-z0-9_\-]{20,50}"),
    (("xox",), r"\bxox[abeposr]-(?:\d+-)+[A-Za-z0-9]{10,}"),
    (("hooks.slack.com",), r"hooks\.slack\.com/services/(T\w{8,}/B\w{8,}/\w{20,})"),
    (("k_live_",), r"\b[rs]k_live_[0-9A-Za-z]{20,247}\b"),
    (("AIza",), r"\bAIza[0-9A-Za-z_\-]{35}(?![0-9A-Za-z_\-])"),
    (("GOCSPX-",), r"\bGOCSPX-[A-Za-z0-9_\-]{28}(?![0-9A-Za-z_\-])"),
    (("ya29.",), r"\bya29\.[0-9A-Za-z_\-]{30,}"),
    (("T3BlbkFJ",), r"\bsk-[A-Za-z0-9_\-]*[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}"),
    (("sk-proj-", "sk-ant-", "sk-svcacct-", "sk-or-"), r"\bsk-(?:proj|ant|svcacct|or)-[A-Za-z0-9_\-]{32,}"),
    (("SG.",), r"\bSG\.[A-Za-z0-9_\-]{22}\.[A-Za-z0-9_\-]{43}(?![A-Za-z0-9_\-])"),
    (("SK",), r"\bSK[0-9a-f]{32}\b"),
    (("-us",), r"\b[0-9a-f]{32}-us[0-9]{1,2}\b"),
    (("npm_",), r"\bnpm_[A-Za-z0-9]{36}\b"),
    (("pypi-Ag",), r"\bpypi-Ag[A-Za-z0-9_\-]{70,}"),
    (("hf_",), r"\bhf_[A-Za-z]{34}\b"),
    (("dop_v1_", "doo_v1_", "dor_v1_"), r"\bdo[por]_v1_[a-f0-9]{64}\b"),
    (("dapi",), r"\bdapi[a-f0-9]{32}\b"),
    (("shpat_", "shpss_", "shpca_", "shppa_"), r"\bshp(?:at|ss|ca|pa)_[a-fA-F0-9]{32}\b"),
    (("sq0csp-", "sq0atp-"), r"\bsq0(?:csp|atp)-[0-9A-Za-z\-_]{22,43}"),
    (("AccountKey=",), r"AccountKey=([A-Za-z0-9+/=]{86,88})"),
    ((":AA",), r"\b\d{8,10}:AA[0-9A-Za-z_\-]{33}(?![0-9A-Za-z_\-])"),
    (("eyJ",), r"\beyJ[A-Za-z0-9_\-]{10,}\.eyJ[A-Za-z0-9_\-]{10,}\.[A-Za-z0-9_\-]{20,}"),
    (("xapp-",), r"\bxapp-\d-[A-Z0-9]+-\d+-[a-f0-9]{32,}"),
    (("lin_api_", "ntn_", "figd_", "pscale_"), r"\b(?:lin_api_|ntn_|figd_|pscale_tkn_)[A-Za-z0-9_\-]{36,}"),
    (("AGE-SECRET-KEY-1",), r"AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}"),
)  # fmt: skip
_COMPILED = tuple((literals, re.compile(pattern)) for literals, pattern in _FORMATS)
_DISCORD = re.compile(r"\b[MNO][A-Za-z\d_\-]{23,25}\.[A-Za-z\d_\-]{6}\.[A-Za-z\d_\-]{27,38}(?![A-Za-z\d_\-])")

_NAMED = re.compile(
    r"(?:api[_-]?key|apikey|access[_-]?key(?:[_-]?id)?|access[_-]?token|auth[_-]?token|secret[_-]?key|secret|"
    r"client[_-]?secret|refresh[_-]?token|private[_-]?token|token|passwd|password|x-api-key|"
    r"bearer)[\"'`]?\]?(?:\s{0,3}(?::=|=>|=|:)\s{0,3}|\s)[\"'`]?(?:bearer\s)?"
    r"([A-Za-z0-9_\-+/]{20,200}={0,2})(?![A-Za-z0-9_\-+/.(\[])",
    re.IGNORECASE,
)
_NAMING = ("key", "token", "secret", "passw", "bearer")
_DIGEST = re.compile(r"(?:[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128})", re.IGNORECASE)
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_WORDS = re.compile(r"[a-z]{5,}|[A-Z]{5,}|[A-Z][a-z]{4,}")

_PEM = re.compile(
    r"-----BEGIN (?P<kind>[A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?)-----"
    r"(?P<body>[^-]{1,20000})-----END (?P=kind)-----"
)
_SHORT_PEM = 64  # characters of base64 in the shortest real key, Ed25519 in PKCS 8


def api_keys(text: str) -> Iterator[Finding]:
    """Keys and tokens of known formats, then random values under a name that says what they are."""
    for literals, pattern in _COMPILED:
        if any(literal in text for literal in literals):
            for found in pattern.finditer(text):
                group = 1 if found.lastindex else 0
                if _is_live(found.group(group)):
                    yield Finding(*found.span(group), API_KEY)
    for found in _DISCORD.finditer(text) if _may_be_discord(text) else ():
        if _is_live(found.group()):
            yield Finding(*found.span(), API_KEY)
    lower = text.lower()
    if any(word in lower for word in _NAMING):
        for found in _NAMED.finditer(text):
            if _is_secret_value(found.group(1)):
                yield Finding(*found.span(1), API_KEY)


def private_keys(text: str) -> Iterator[Finding]:
    """Whole private keys in PEM; one that is shortened with dots is an illustration."""
    if "PRIVATE KEY" not in text:
        return
    for found in _PEM.finditer(text):
        body = found.group("body")
        solid = re.sub(r"\\[nr]|\s", "", body)
        if len(solid) >= _SHORT_PEM and "..." not in body and looks_random(solid):
            yield Finding(*found.span(), PRIVATE_KEY)


def _may_be_discord(text: str) -> bool:
    return "discord" in text or "Discord" in text


def _is_live(value: str) -> bool:
    """Whether a value of a known format may be a real one."""
    if is_placeholder(value):
        return False
    return looks_random(value, 2.8) or value.startswith("hf_")  # those are letters alone


def _is_secret_value(value: str) -> bool:
    """Whether a value without a known format looks like a key, and like no identifier, path or digest."""
    if is_placeholder(value) or not looks_random(value) or _DIGEST.fullmatch(value) or _UUID.search(value):
        return False
    words = sum(map(len, _WORDS.findall(value)))
    return words < len(value) / 3 and value.count("/") <= max(1, len(value) // 8)
