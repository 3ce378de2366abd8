"""Promises of redaction: what is planted goes, what standards and services made to be shown stays.

No value here is anybody's: they are drawn at random, or put together so that no scanner takes them for real.
"""

from __future__ import annotations

import base64
import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.hygiene.personal import luhn
from corpus.hygiene.redaction import TYPES, redact

RNG = random.Random(11)
ALNUM = string.ascii_letters + string.digits


def drawn(count: int, alphabet: str = ALNUM) -> str:
    return "".join(RNG.choices(alphabet, k=count))


def card(prefix: str, length: int) -> str:
    digits = prefix + drawn(length - len(prefix) - 1, "23456789")
    return next(digits + last for last in string.digits if luhn(digits + last))


def pem(kind: str = "RSA PRIVATE", size: int = 600) -> str:
    body = base64.encodebytes(RNG.randbytes(size)).decode()
    return f"-----BEGIN {kind} KEY-----\n{body}-----END {kind} KEY-----"


PLANTED = {
    "API_KEY": [
        "AKIA" + "Q7ZT4MPX2LKW9RVD",
        "ghp_" + drawn(36),
        "github_pat_" + drawn(22) + "_" + drawn(59),
        "glpat-" + drawn(20),
        "xoxb-" + drawn(12, "23456789") + "-" + drawn(12, "23456789") + "-" + drawn(24),
        "sk_live_" + drawn(24),
        "AIza" + drawn(35),
        "SG." + drawn(22) + "." + drawn(43),
        "npm_" + drawn(36),
        "hf_" + drawn(34, string.ascii_letters),
        "sk-proj-" + drawn(48),
        "eyJ" + drawn(20) + ".eyJ" + drawn(40) + "." + drawn(43),
    ],
    "PRIVATE_KEY": [pem(), pem("EC PRIVATE", 120), pem("OPENSSH PRIVATE"), pem("PRIVATE")],
    "EMAIL_ADDRESS": [
        "maria.kestrel@" + drawn(9, string.ascii_lowercase) + ".net",
        "t.oduya+x@sub.q7hvmk2.co.uk",
    ],
    "IP_ADDRESS": ["93.184.216.119", "203.5.77.198", "2a02:26f0:6c00:1b3::3114"],
    "PHONE_NUMBER": ["+49 6182 7865-99", "(202) 224-6193", "415-362-8841", "+44 1223 250114"],
    "CARD_NUMBER": [card("4539", 16), card("5412", 16), card("3712", 15)],
}


@pytest.mark.parametrize(
    ("kind", "value"), [(kind, value) for kind, values in PLANTED.items() for value in values]
)
def test_planted_values_are_replaced_by_their_type(kind: str, value: str) -> None:
    done = redact(f"Before it, see {value} and after it.")
    assert done.text == f"Before it, see <{kind}> and after it."
    assert done.counts == {kind: 1}


@pytest.mark.parametrize(
    "template",
    [
        "aws_secret_access_key = {}",
        'api_key: "{}"',
        '"client_secret": "{}",',
        "Authorization: Bearer {}",
        "?apikey={}&a=1",
    ],
)
def test_random_values_under_a_telling_name_are_replaced(template: str) -> None:
    value = "q7ZrT4mPx2LkW9vDb8Nc3HsJy5Gf6EuA1oKi0RtB"
    assert redact(template.format(value)).text == template.format("<API_KEY>")


@pytest.mark.parametrize(
    "text",
    [
        "api_key = YOUR_API_KEY",
        'token="<your-token-here-1234567890>"',
        "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE",
        "aws_secret_access_key=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "export API_KEY=${SOME_VARIABLE_OF_THE_SHELL}",
        "token = get_token_from_environment_variable_or_file",
        "secret: kubernetes/production/database-credentials-v2",
        "sha256 " + "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "commit token: da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "key = 123e4567-e89b-12d3-a456-426614174000",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA...\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN PUBLIC KEY-----\nMFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAK\n-----END PUBLIC KEY-----",
        "Mail alice@example.com, bob@mail.example.org, c@host.test, jane.doe@q7hvmk2xw.net or you@yourdomain.com.",
        "Message-ID: <142480216486.20800.16526388040877946887@mta7.q7hvmk2xw.net>",
        "git clone git@github.com:acme/tool.git; npm i pkg@latest.js; scp me@host.local:/x; icon@2x.png",
        "Listen on 127.0.0.1, 10.0.3.7, 192.168.1.20 or 0.0.0.0; examples 192.0.2.44, 198.51.100.7, 203.0.113.9.",
        "Use 8.8.8.8 or 2001:4860:4860::8888; documented 2001:db8::17; mask 255.255.255.0; net 151.101.64.0/22.",
        "Release 1.2.3.4 of libfoo; version 104.12.55.200; Chrome/120.0.6099.71; kernel 2.6.37.6; section 4.10.2.33",
        "Call 555-0142, (202) 555-0173, +1 415 555 0101, 123-456-7890 or 020 7946 0018.",
        "Pay with 4111 1111 1111 1111, 4242-4242-4242-4242, 378282246310005 or 5555555555554444.",
        "Order 4539148803436468 has no valid check digit; tweet 1489201843627708418; pi 3.14159265358979323846",
        "const MAX = 18446744073709551615; time 1700000000000; 2024-03-19 12:30:45.123456",
    ],
)
def test_samples_placeholders_versions_and_digests_stay(text: str) -> None:
    assert redact(text).text == text


def test_each_type_can_be_switched_off() -> None:
    text = "\n".join(values[0] for values in PLANTED.values())
    for kind in TYPES:
        done = redact(text, [name for name in TYPES if name != kind])
        assert PLANTED[kind][0] in done.text
        assert set(done.counts) == set(TYPES) - {kind}


def test_all_findings_of_a_text_are_counted_by_type() -> None:
    text = " ; ".join(value for values in PLANTED.values() for value in values)
    done = redact(text)
    assert dict(done.counts) == {kind: len(values) for kind, values in PLANTED.items()}
    assert not any(value in done.text for values in PLANTED.values() for value in values)


def test_redacting_again_changes_nothing() -> None:
    once = redact(" ; ".join(value for values in PLANTED.values() for value in values)).text
    assert redact(once).text == once


@given(st.text(max_size=300))
def test_any_text_comes_back_with_nothing_but_findings_replaced(text: str) -> None:
    done = redact(text)
    assert bool(done.counts) == (done.text != text)


@pytest.mark.parametrize(
    "hostile",
    ["a@" * 50_000, "1" * 200_000, "1.1." * 50_000, "token=" * 30_000, "+1" * 50_000, "-----BEGIN RSA PRIVATE KEY-----" * 3000, "a." * 50_000 + "@", "eyJ" * 50_000, ":" * 100_000 + "2001:" * 20_000, "(202) " * 30_000],
)  # fmt: skip
def test_hostile_texts_are_read_in_linear_time(hostile: str) -> None:
    redact(hostile)  # a quadratic pattern would not end within the life of the test run
