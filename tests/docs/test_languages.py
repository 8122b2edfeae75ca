"""The README in each language has the same headings, commands, links and errors."""

import re

import pytest

from world import ROOT

ENGLISH = "README.md"
LANGUAGES = ["README.zh-TW.md", "README.ja.md", "README.th.md"]
BLOCK = re.compile(r"^```.*?^```$", re.M | re.S)
# A target of a link that is not the page in another language.
LINK = re.compile(r"\]\(((?!README)[^)]+)\)")
CODE = re.compile(r"(``.+?``|`[^`]+`)")


def text(page):
    return (ROOT / page).read_text(encoding="utf-8")


def headings(page):
    """The level of each heading, and its number where it has one."""
    prose = BLOCK.sub("", text(page))
    return re.findall(r"^(#+ \d*)", prose, re.M)


def tables(page):
    """For each row of a table what stands in code, which no language translates."""
    rows = [line for line in text(page).splitlines() if line.startswith("|")]
    return [CODE.findall(row) for row in rows]


def first_cells(page):
    """The first cells of the table of common errors."""
    rows = [line for line in text(page).splitlines() if line.startswith("| `")]
    return [row[2:].split(" | ")[0].strip("` ") for row in rows]


def sources():
    """What the code may print, as one text: each string as the compiler reads it."""
    files = [file for file in ROOT.glob("*/src/**/*.rs") if "target" not in file.parts]
    return re.sub(r"\\\n\s*", "", "\n".join(file.read_text(encoding="utf-8") for file in files))


@pytest.mark.parametrize("page", LANGUAGES)
def test_a_page_has_the_headings_the_commands_and_the_links_of_the_english_one(page):
    assert headings(page) == headings(ENGLISH)
    assert BLOCK.findall(text(page)) == BLOCK.findall(text(ENGLISH))
    assert sorted(set(LINK.findall(text(page)))) == sorted(set(LINK.findall(text(ENGLISH))))


@pytest.mark.parametrize("page", LANGUAGES)
def test_a_page_has_the_tables_of_the_english_one(page):
    rows = zip(tables(page), tables(ENGLISH), strict=True)
    assert [(its, ours) for its, ours in rows if its[:1] != ours[:1]] == []
    assert first_cells(page) == first_cells(ENGLISH)


@pytest.mark.parametrize("page", [ENGLISH, *LANGUAGES])
def test_each_page_leads_to_the_others(page):
    others = {ENGLISH, *LANGUAGES} - {page}
    first_lines = text(page).split("\n##")[0]
    assert {other for other in others if f"]({other})" in first_lines} == others


def test_the_english_page_is_short_enough_to_be_read():
    assert len(text(ENGLISH).splitlines()) < 200


def test_fanline_prints_each_sentence_of_the_table_of_errors():
    table = text(ENGLISH).split("## Common errors")[1].split("\n## ")[0]
    cells = [line[2:].split(" | ")[0].strip("` ") for line in table.splitlines()]
    sentences = [cell for cell in cells if cell and not cell.startswith(("-", "fanline says"))]
    assert len(sentences) > 9
    printed = sources()
    for sentence in sentences:
        # The code has a place for a value here.
        parts = [part for part in re.split(r"`[^`]*`?|UTF-8", sentence) if part.strip()]
        assert all(part.strip() in printed for part in parts), sentence


def test_links_to_files_lead_somewhere():
    for page in [ENGLISH, *LANGUAGES]:
        for target in LINK.findall(text(page)):
            if "://" not in target:
                assert (ROOT / target.partition("#")[0]).is_file(), f"{page}: {target}"
