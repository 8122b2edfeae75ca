"""The pages of runs that have ended: how they look, who can read them, what they never say."""

import http.server
import threading
import urllib.parse

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from screen import MARKUP, USER_ID, screenshots

RUN = "/run?at=0&run=ended"
PAGES = {
    "runs": "/",
    "run": RUN,
    "redrive": "/redrive?at=0&run=ended",
    "resend": "/resend?at=0&run=ended",
    "change": f"/change?at=0&run={urllib.parse.quote(MARKUP)}&do=cancel",
}
SIZES = [(390, 844), (1280, 800)]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: str(size[0]))
@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_its_screen_and_everybody_can_read_it(open_page, ended, name, size, scheme):
    width, height = size
    viewport = {"width": width, "height": height}
    # axe needs a script of its own, which the page's policy forbids.
    options = {"viewport": viewport, "color_scheme": scheme, "bypass_csp": True}
    page = open_page(ended.address, **options)
    page.goto(ended.url + PAGES[name])
    expect(page.locator("h1")).to_be_visible()
    page.screenshot(path=screenshots() / f"{name}-{width}-{scheme}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    found = Axe().run(page).response["violations"]
    serious = [one for one in found if one["impact"] in ("serious", "critical")]
    assert not serious, [(one["id"], [n["html"] for n in one["nodes"]]) for one in serious]


def test_names_and_words_from_outside_stay_text(open_page, ended):
    page = open_page(ended.address)
    page.get_by_role("link", name=MARKUP).click()
    expect(page.locator("h1")).to_have_text(MARKUP)
    expect(page.locator("[role=status]").last).to_contain_text("<script>")
    # The same parts come once more as events, and are put into the page by its script.
    expect(page.locator("#link")).to_have_text("Live")
    assert page.locator("img, main script").count() == 0
    assert page.evaluate("window.hacked === undefined")
    assert page.complaints == []


def test_no_answer_names_a_recipient(open_page, ended):
    page = open_page(ended.address)
    paths = [*PAGES.values(), "/missing", "/style.css", "/app.js"]
    texts = [page.request.get(ended.url + path).text() for path in paths]
    assert "Got nothing" in texts[0]
    events = """address => new Promise(resolve => {
        const source = new EventSource(address);
        source.onmessage = event => { source.close(); resolve(event.data); };
    })"""
    page.goto(ended.url + RUN)
    texts.append(page.evaluate(events, RUN.replace("/run", "/events")))
    for text in texts:
        assert not USER_ID.search(text)


class EvilServer:
    """A page on another port of this machine: the same site for a browser, and another origin."""

    def __init__(self, body):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def test_a_page_on_another_port_can_neither_press_a_button_nor_read(open_page, ended):
    page = open_page(ended.address)
    page.goto(ended.url + PAGES["change"])
    token = page.locator("input[name=form]").get_attribute("value")
    action = ended.url + PAGES["change"].partition("&do=")[0]
    # Even with the form's token: it stands for one that leaked.
    form = f"""<form method=post action='{action.replace("'", "&#39;")}'>
        <input name=form value={token}><input name=do value=resume></form>"""
    with EvilServer(form) as evil:
        page.goto(evil.url)
        with page.expect_navigation() as pressed:
            page.evaluate("document.forms[0].submit()")
        assert pressed.value.status == 403
        page.goto(evil.url)
        read = page.evaluate(
            """async address => {
                try { return await (await fetch(address, {credentials: "include"})).text(); }
                catch (error) { return "refused"; }
            }""",
            ended.url + RUN,
        )
        assert read == "refused"
        framed = page.evaluate(
            """address => new Promise(resolve => {
                const frame = document.createElement("iframe");
                frame.onload = () => resolve(frame.contentDocument === null);
                frame.src = address;
                document.body.append(frame);
            })""",
            ended.url + RUN,
        )
        assert framed
        assert "coupon" not in page.content()
    page.goto(ended.url + PAGES["change"].replace("/change", "/run").partition("&do=")[0])
    expect(page.locator(".state")).to_have_text("paused")
