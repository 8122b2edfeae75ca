"""The page of `fanline check --preview`: messages as people see them, on any screen."""

import json
import subprocess

import pytest
from axe_playwright_python.sync_playwright import Axe

from screen import screenshots
from world import FANLINE

SIZES = [(390, 844), (1280, 800)]
URL = "https://example.com/{}.png"
PICTURE = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 600 400">
<rect width="600" height="400" fill="#7fb069"/><circle cx="420" cy="140" r="70" fill="#ffd43b"/>
<path d="M0 400 220 170 380 320 470 250 600 400" fill="#3d6b35"/></svg>"""


def link(label):
    return {"type": "uri", "label": label, "uri": "https://example.com/"}


def column(name, text):
    picture = {"thumbnailImageUrl": URL.format("shop"), "title": name, "text": text}
    return picture | {"actions": [link("Open"), link("To the map")]}


def text(words, **more):
    return {"type": "text", "text": words, **more}


def line_of(left, right):
    """A line of a receipt."""
    parts = [text(left, flex=3, wrap=True, size="sm"), text(right, flex=1, align="end", size="sm")]
    return {"type": "box", "layout": "horizontal", "margin": "md", "contents": parts}


RECEIPT = {
    "type": "bubble",
    "header": {
        "type": "box",
        "layout": "vertical",
        "backgroundColor": "#0b6e4f",
        "contents": [text("RECEIPT {{ code }}", color="#ffffff", weight="bold")],
    },
    "hero": {
        "type": "image",
        "url": URL.format("hero"),
        "size": "full",
        "aspectRatio": "20:9",
        "aspectMode": "cover",
    },
    "body": {
        "type": "box",
        "layout": "vertical",
        "contents": [
            text("{{ name }}，謝謝您！", weight="bold", size="xl", wrap=True),
            line_of("Oolong tea from the mountain, 2 packs", "$24"),
            {"type": "separator", "margin": "lg"},
            line_of("Total", "$24"),
        ],
    },
    "footer": {
        "type": "box",
        "layout": "vertical",
        "spacing": "sm",
        "contents": [
            {"type": "button", "style": style, "action": link(label)}
            for style, label in [("primary", "Pay"), ("secondary", "Later"), ("link", "Help")]
        ],
    },
}
SMALL = {
    "type": "bubble",
    "size": "micro",
    "body": {
        "type": "box",
        "layout": "vertical",
        "contents": [text("One of several bubbles", wrap=True), text("¥300", color="#888888")],
    },
}
REPLIES = [
    {"type": "action", "action": {"type": "message", "label": label, "text": label}}
    for label in ("Yes", "No", "To the shop", "Another day", "ขอบคุณ", "今度また")
]
CAMPAIGNS = {
    "plain": [
        text(
            "早安 {{ name }}！🎄\nYour code is {{ code }}. See https://example.com/a/long/address"
        ),
        text(
            "Line's own face: $ ",
            emojis=[{"index": 17, "productId": "5ac1bfd5040ab15980c9b435", "emojiId": "001"}],
        ),
        {"type": "sticker", "packageId": "446", "stickerId": "1988"},
        {
            "type": "image",
            "originalContentUrl": URL.format("photo"),
            "previewImageUrl": URL.format("photo"),
        },
        text(
            "คุณมาไหม",
            sender={"name": "The tea shop"},
            quickReply={"items": REPLIES},
        ),
    ],
    "cards": [
        {
            "type": "template",
            "altText": "a",
            "template": column("Buttons", "What do you want to do today?"),
        },
        {
            "type": "template",
            "altText": "a",
            "template": {
                "type": "confirm",
                "text": "Do you come, {{ name }}?",
                "actions": [link("Yes"), link("No")],
            },
        },
        {
            "type": "template",
            "altText": "a",
            "template": {
                "type": "carousel",
                "columns": [column(name, f"The shop in {name}") for name in ("北", "南", "東")],
            },
        },
        {"type": "flex", "altText": "a", "contents": RECEIPT},
        {
            "type": "flex",
            "altText": "a",
            "contents": {"type": "carousel", "contents": [SMALL] * 4},
        },
    ],
    "media": [
        {
            "type": "video",
            "originalContentUrl": "https://example.com/a.mp4",
            "previewImageUrl": URL.format("video"),
        },
        {"type": "audio", "originalContentUrl": "https://example.com/a.m4a", "duration": 61000},
        {
            "type": "location",
            "title": "Our shop <3",
            "address": "台北市信義區 5",
            "latitude": 25.0,
            "longitude": 121.5,
        },
        {
            "type": "template",
            "altText": "a",
            "template": {
                "type": "image_carousel",
                "columns": [
                    {"imageUrl": URL.format(name), "action": link(name)} for name in ("Tea", "Cup")
                ],
            },
        },
        {
            "type": "imagemap",
            "baseUrl": "https://example.com/map",
            "altText": "Map of {{ name }}",
            "baseSize": {"width": 1040, "height": 700},
            "actions": [],
        },
    ],
}
CAMPAIGNS["cards"][0]["template"]["type"] = "buttons"
ROWS = [("Ann", "XM-1"), ("", "XM-2"), ("อรุณี " * 12 + "W" * 60, "XM-" + "0" * 40)]


@pytest.fixture(scope="session")
def previews(tmp_path_factory):
    """A page for each campaign, as a file."""
    folder = tmp_path_factory.mktemp("previews")
    rows = [f"U{number:032x},{name},{code}" for number, (name, code) in enumerate(ROWS)]
    (folder / "list.csv").write_text("\n".join(["to,name,code", *rows, ""]))
    for name, messages in CAMPAIGNS.items():
        campaign = {"campaign": name, "channel": "line", "recipients": "list.csv"}
        (folder / f"{name}.json").write_text(json.dumps(campaign | {"messages": messages}))
        command = [FANLINE, "check", f"{name}.json", "--preview", f"{name}.html"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done
    return folder


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: str(size[0]))
@pytest.mark.parametrize("name", CAMPAIGNS)
def test_a_preview_fits_its_screen_and_everybody_can_read_it(
    open_page, previews, name, size, scheme
):
    width, height = size
    viewport = {"width": width, "height": height}
    # axe needs a script of its own, which the page's policy forbids.
    options = {"viewport": viewport, "color_scheme": scheme, "bypass_csp": True}
    page = open_page("about:blank", **options)
    page.route(
        "https://example.com/**",
        lambda route: route.fulfill(body=PICTURE, content_type="image/svg+xml"),
    )
    page.goto((previews / f"{name}.html").as_uri())
    assert page.locator("section").count() == 3
    page.screenshot(path=screenshots() / f"preview-{name}-{width}-{scheme}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    # Nothing but a row of cards goes over the edge of its phone.
    over = page.evaluate(
        """() => [...document.querySelectorAll("section *")].filter(one => {
            const edge = one.closest("section").getBoundingClientRect().right;
            return !one.closest(".cards, .quick") && one.getBoundingClientRect().right > edge + 1;
        }).map(one => one.outerHTML)"""
    )
    assert over == []
    # The colours of a Flex Message are its author's and LINE's.
    found = Axe().run(page, context={"exclude": [".flex"]}).response["violations"]
    serious = [one for one in found if one["impact"] in ("serious", "critical")]
    assert not serious, [(one["id"], [n["html"] for n in one["nodes"]]) for one in serious]


def test_a_preview_without_its_pictures_names_them_and_asks_for_nothing_else(open_page, previews):
    page = open_page("about:blank")
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.route("https://**", lambda route: route.abort())
    address = (previews / "plain.html").as_uri()
    page.goto(address)
    assert set(asked) == {address, URL.format("photo")}
    assert page.get_by_alt_text(URL.format("photo")).first.is_visible()
