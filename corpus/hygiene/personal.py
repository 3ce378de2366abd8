"""E-mail and IP addresses, phone and card numbers of real people and machines, as far as a text can tell.

Documentation is full of what was made to be shown: names and addresses that standards reserve for examples,
test numbers of payment services, versions that are written like addresses. All of those stay.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

import phonenumbers

from corpus.hygiene.finding import Finding
from corpus.hygiene.wordlist import words_of_text

EMAIL, IP, PHONE, CARD = "EMAIL_ADDRESS", "IP_ADDRESS", "PHONE_NUMBER", "CARD_NUMBER"

_EMAIL = re.compile(
    r"(?<![\w.%+@/:=-])[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@((?:[A-Za-z0-9-]{1,63}\.){1,5}[A-Za-z]{2,18})(?![\w@:/-])"
)
_RESERVED_TLD = words_of_text(
    """
    example test invalid localhost local internal lan home corp
    """
)
_FILE_TLD = words_of_text(
    """
    png jpg jpeg gif svg webp ico js ts css py rb go md txt html java json xml yaml yml so dll exe zip
    service socket target timer mount
    """
)
# Second-level names that documentation uses as if they were reserved.
_SAMPLE_NAMES = words_of_text(
    """
    example domain mydomain yourdomain your-domain my-domain somedomain company mycompany yourcompany
    your-company acme foo bar foobar baz test testing sample email abc xyz contoso fabrikam host
    hostname server yourserver mail site yoursite mysite website yourwebsite somewhere nowhere provider
    whatever blah x y z a b c d organization yourorg myorg org corp bigcorp megacorp initech widgets
    bank school university
    """
)
_SAMPLE_USERS = re.compile(
    r"your[a-z._-]*|(?:john|jane)[._-]?doe|(?:my|some|the)[._-]?(?:name|email|e-mail|mail|user|address|account)|x{3,}|username|user_name|"
    r"e?mail[._-]?address|name|email|someone|somebody|nobody|git|foo|bar",
    re.IGNORECASE,
)

_MESSAGE_ID = re.compile(r"[0-9.]{12,}")  # of a mail, which no person is reached by

_IPV4 = re.compile(r"(?<![\w.:+-])(?:\d{1,3}\.){3}\d{1,3}(?![\w-]|\.\d|\.\w)")
_VERSION_BEFORE = re.compile(
    r"(?:versions?|released?|ver|rev|revision|build|driver|firmware|sections?|chapter|§|v|"
    r"update|patch|oid|rfc|clause|figure|table|agent|[<>=~^]=?|==|\w/)[\s:.\"'(=]*$",
    re.IGNORECASE,
)
_PUBLIC_RESOLVERS = words_of_text(
    """
    8.8.8.8 8.8.4.4 1.1.1.1 1.0.0.1 9.9.9.9 149.112.112.112 208.67.222.222 208.67.220.220
    """
)
# Where no number is as high, it is a version or the number of a section; the first octet of versions is low.
_LEAST_OCTET, _LOW_FIRST, _LEAST_BESIDE_LOW = 32, 10, 100
_SHOWN_IPV4 = re.compile(
    r"(\d+)(?:\.\1){3}|12\.34\.56\.78|123\.45\.67\.\d+|1?11\.22\.33\.\d+|98\.76\.54\.\d+"
)
_SHOWN_IPV6 = re.compile(r"3ffe:.*|2001:4860:4860::.*|2606:4700:4700::.*|2620:fe::.*", re.IGNORECASE)
_IPV6 = re.compile(r"(?<![\w:.])[23][0-9A-Fa-f]{3}:(?:[0-9A-Fa-f]{0,4}:){1,6}[0-9A-Fa-f]{0,4}(?![\w:]|\.\d)")

_PHONE = re.compile(
    r"(?<![\w.+/#=-])(?:\+(?:\(\d{1,3}\)|\d)(?:[ .\-()/]{0,2}\d){7,14}"  # international
    r"|(?:1[-. ])?(?:\(\d{3}\) ?|\d{3}[-.])\d{3}[-.]\d{4})(?![\w/-]|\.\d)"  # North American
)
_PHONE_NAMED = re.compile(
    r"(?:\b(?:(?:tele)?phone|tel|mobile|cell|fax|hotline|call (?:us|me)|whatsapp)(?: number| no)?\.?:? {0,2})"
    r"(\(?0\d{1,5}\)?(?:[ .\-/]{0,2}\d){5,9}|\d{3}[ ]\d{3}[ ]\d{4})(?![\w/-]|\.\d)",
    re.IGNORECASE,
)
_REGIONS = ("US", "GB", "DE", "FR", "AU", "IN", "IT", "ES", "NL", "JP", "CN")
# Numbers that regulators keep for films and examples, and rows of digits.
_FICTION = re.compile(
    r"\+1\d{3}555\d{4}|\+4416\d{2}960\d{3}|\+44113496\d{4}|\+441\d{2}496\d{4}|\+447700900\d{3}|"
    r"\+442079460\d{3}|\+44808157\d{4}|\+61[2378]5550\d{4}|\+61491570\d{3}|\+3319900\d{4}|"
    r"\+1(\d)\1{9}|\+\d{1,3}(?:0000000|1111111)\d*|\+\d*?(?:123456|987654)\d*"
)

_CARD = re.compile(
    r"(?<![\w.+#/-])(?:"
    r"(?:4\d{3}|5[1-5]\d{2}|2[2-7]\d{2}|6011|65\d{2}|64[4-9]\d|35\d{2})([ -]?)\d{4}\1\d{4}\1\d{4}|"
    r"3[47]\d{2}([ -]?)\d{6}\2\d{5}|3(?:0[0-5]|[68]\d)\d([ -]?)\d{6}\3\d{4})(?![\w-]|\.\d)"
)
# Test numbers of payment services: published, and valid by their check digit.
_TEST_CARDS = words_of_text(
    """
    4111111111111111 4012888888881881 4222222222222220 4005519200000004 4009348888881881
    4012000033330026 4012000077777777 4217651111111119 4500600000000061 4917610000000000
    4917300800000000 4484070000000000 4571736000000000 4462030000000000 4988080000000000
    5105105105105100 5111111111111118 5555555555554444 5555341244441115 5200828282828210
    5454545454545454 5424000000000015 5431111111111111 5399999999999999 5577000055770004
    2223003122003222 2222400070000005 2223000048400011 2223520443560010 2222990905257051
    378282246310005 371449635398431 378734493671000 370000000000002 343434343434343 374251018720018
    6011111111111117 6011000990139424 6011000000000012 6011601160116611 6011981111111113 30569309025904
    38520000023237 3056930009020004 36227206271667 36259600000004 3530111333300000 3566002020360505
    3566111111111113 3569990010095841 6500000000000002 4539578763621486 5425233430109903
    4263982640269299 4917484589897107 4001919257537193 4007702835532454 374245455400126
    6362970000457013
    """
)
_SHOWN_CARD = re.compile(r"0{6}|(\d)\1{7}|(\d\d)\2{5}|1234567")


def emails(text: str) -> Iterator[Finding]:
    if "@" not in text:
        return
    for found in _EMAIL.finditer(text):
        if not _is_sample_mail(found.group().partition("@")[0], found.group(1).lower().split(".")):
            yield Finding(*found.span(), EMAIL)


def _is_sample_mail(user: str, domain: list[str]) -> bool:
    names = set(domain[:-1])
    tld = domain[-1]
    return (
        tld in _RESERVED_TLD
        or tld in _FILE_TLD
        or any(name in _SAMPLE_NAMES or "example" in name or "yourdomain" in name for name in names)
        or _SAMPLE_USERS.fullmatch(user) is not None
        or _MESSAGE_ID.fullmatch(user) is not None
    )


def ip_addresses(text: str) -> Iterator[Finding]:
    for found in _IPV4.finditer(text):
        if _is_public_host(
            found.group(), text[max(0, found.start() - 24) : found.start()], text[found.end() :][:3]
        ):
            yield Finding(*found.span(), IP)
    for found in _IPV6.finditer(text) if text.count(":") > 3 else ():
        value = found.group()
        whole = value.count(":") == 7 or "::" in value
        if (
            whole
            and _address(value) is not None
            and not _SHOWN_IPV6.match(value)
            and not text[found.end() :].startswith("/")
        ):
            yield Finding(*found.span(), IP)


def _is_public_host(value: str, before: str, after: str) -> bool:
    octets = [int(part) for part in value.split(".")]
    least = _LEAST_BESIDE_LOW if octets[0] < _LOW_FIRST else _LEAST_OCTET
    if max(octets) < least or octets[3] == 0 or value in _PUBLIC_RESOLVERS or _SHOWN_IPV4.fullmatch(value):
        return False
    return (
        _VERSION_BEFORE.search(before) is None and not re.match(r"/\d", after) and _address(value) is not None
    )


def _address(value: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address of a machine on the public net; None for reserved, private and documentation ranges."""
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return None
    return address if address.is_global and not address.is_multicast else None


def phone_numbers(text: str) -> Iterator[Finding]:
    """Numbers that their plan allows: with a country code, North American, or under a word such as phone."""
    for found in _PHONE.finditer(text):
        if _is_phone(found.group(), ("US",)):
            yield Finding(*found.span(), PHONE)
    for found in _PHONE_NAMED.finditer(text):
        if _is_phone(found.group(1), _REGIONS):
            yield Finding(*found.span(1), PHONE)


def _is_phone(value: str, regions: tuple[str, ...]) -> bool:
    for region in regions:
        try:
            number = phonenumbers.parse(value, region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            return _FICTION.fullmatch(f"+{number.country_code}{number.national_number}") is None
    return False


def card_numbers(text: str) -> Iterator[Finding]:
    for found in _CARD.finditer(text):
        digits = re.sub(r"\D", "", found.group())
        if digits not in _TEST_CARDS and not _SHOWN_CARD.search(digits) and luhn(digits):
            yield Finding(*found.span(), CARD)


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others (ISO/IEC 7812-1)."""
    doubled = (int(digit) * (1 + at % 2) for at, digit in enumerate(reversed(digits)))
    return sum(value - 9 * (value > 9) for value in doubled) % 10 == 0
