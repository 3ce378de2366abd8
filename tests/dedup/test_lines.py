from hypothesis import given
from hypothesis import strategies as st

from corpus.dedup.lines import key, keys, strip

COOKIES = "We use cookies to give you the best experience on our site."
MENU = ["Home", "Products", "Log in"]
BODY = [
    "The resize call changes the size of an image and keeps its colours as they are.",
    "It takes two numbers.",
]


def repeated(*lines: str) -> frozenset[int]:
    return frozenset(key(" ".join(line.split())) for line in lines)


def cleaned(lines: list[str], *hot: str) -> list[str]:
    return strip("\n".join(lines), repeated(*hot))[0].split("\n")


def test_menus_at_the_head_and_notices_at_the_foot_go():
    assert cleaned([*MENU, "", *BODY, "", COOKIES], *MENU, COOKIES) == BODY


def test_a_sentence_amid_the_text_goes_and_a_short_heading_stays():
    page = [BODY[0], "", COOKIES, "", "Parameters", "width and height of the new image in pixels", BODY[1]]
    assert cleaned(page, COOKIES, "Parameters") == [page[0], "", *page[4:]]
    assert cleaned(["Description", *BODY], "Description") == ["Description", *BODY]


def test_code_tables_and_headings_stay_though_they_repeat():
    code = ["```", "import the_client_library_of_this_service as client", COOKIES, "```"]
    table = ["| Name | Type of the value that is returned by the call |", "|---|---|", "| id | int |"]
    bare = ["Name | Type of the value that is returned by it", "--- | ---", "id | int"]
    others = [
        "## What you need to know before you call this function",
        "    pip install the package and then run the setup of it",
        "$ curl the address of the service and read what it says",
        "client.images.resize(width, height) returns the new image",
        "the name of the field\tand the type of the field, in a row",
    ]
    page = [*BODY, *code, *table, "", *bare, *others, BODY[0]]
    assert cleaned(page, *code, *table, *bare, *others) == page


def test_a_page_is_left_whole_rather_than_cut_to_less_than_half():
    page = [COOKIES, MENU[0], "Short text."]
    text, seen = strip("\n".join(page), repeated(COOKIES, MENU[0]))
    assert text == "\n".join(page)
    assert [removed for _, _, removed in seen] == [False, False]


def test_the_report_says_of_each_line_whether_it_went():
    page = "\n".join([*MENU, *BODY, "Products", BODY[0]])
    _, seen = strip(page, repeated("Products", *MENU))
    assert {line: removed for _, line, removed in seen} == dict.fromkeys(MENU, True)


def test_lines_of_scripts_without_spaces_are_long_sooner():
    notice = "本网站使用缓存来为您提供最好的浏览体验，请您同意。"
    body = ["这个函数返回一个新的图像对象，其宽度和高度由两个参数给出，颜色保持不变。" * 2] * 2
    assert cleaned([body[0], notice, body[1]], notice) == body


LINES = st.lists(st.sampled_from([*MENU, COOKIES, *BODY, "", "    x = 1", "```", "| a | b |"]), max_size=14)


@given(LINES)
def test_what_stays_stays_in_order_and_nothing_is_invented(lines):
    text = "\n".join(lines)
    out, seen = strip(text, repeated(*MENU, COOKIES))
    rest = iter(lines)
    assert all(line in rest for line in out.split("\n") if line)
    assert {hashed for hashed, _, _ in seen} <= keys(text)
    kept = [line for line in lines if line and line not in (*MENU, COOKIES)]
    assert [line for line in out.split("\n") if line and line not in (*MENU, COOKIES)] == kept


@given(LINES)
def test_nothing_changes_where_nothing_repeats(lines):
    assert strip("\n".join(lines), frozenset()) == ("\n".join(lines), [])


def test_hostile_lines_take_no_longer_than_others():
    """With a quadratic pattern each of these would run for minutes."""
    size = 300_000
    hostile = ["|--|" + " " * size + "x", "a." * size, "|" * size, "-" * size + "|" + ":" * size, "`" * size]
    text, _ = strip("\n".join(hostile), repeated(*(" ".join(line.split()) for line in hostile)))
    assert len(text) > size
