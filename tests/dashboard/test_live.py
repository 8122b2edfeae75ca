"""A run under way: the page follows it, and its buttons stop and start the simulated LINE."""

import re
import time

from playwright.sync_api import expect

from screen import USER_ID
from world import wait_until

ACCEPTED = re.compile(r"[1-9][\d,]* accepted")


def test_the_page_follows_the_run(open_page, live):
    page = open_page(live.address)
    expect(page.locator("#link")).to_have_text("Live")
    expect(page.locator(".equation")).to_have_text(ACCEPTED)
    reached = live.accepted()
    shown = f"""() => Number(document.querySelector('.equation').textContent
        .match(/([\\d,]+) accepted/)[1].replaceAll(',', '')) >= {reached}"""
    page.wait_for_function(shown)
    assert not USER_ID.search(page.content())


def test_what_one_page_changes_the_others_show_within_four_seconds(open_page, live):
    first, second = open_page(live.address), open_page(live.address)
    for page in (first, second):
        expect(page.locator("#link")).to_have_text("Live")
        expect(page.locator(".state")).to_have_text("open")
    first.get_by_role("button", name="Pause").click()
    expect(first.locator(".state")).to_have_text("paused")
    expect(second.locator(".state")).to_have_text("paused", timeout=4_000)


def test_pause_by_button_stops_line_and_resume_goes_on(open_page, live):
    page = open_page(live.address)
    wait_until(lambda: live.accepted() > 0, 60)
    page.get_by_role("button", name="Pause").click()
    expect(page.locator(".state")).to_have_text("paused")
    # The last request departs 1.3 seconds after the command, and is answered after that.
    time.sleep(3)
    stopped = live.accepted()
    time.sleep(3)
    assert live.accepted() == stopped
    page.get_by_role("button", name="Resume").click()
    expect(page.locator(".state")).to_have_text("open")
    wait_until(lambda: live.accepted() > stopped, 60)


def test_everything_works_without_javascript(open_page, live):
    page = open_page(live.address, java_script_enabled=False)
    # The page reloads itself until the run has begun.
    expect(page.locator(".equation")).to_have_text(ACCEPTED)
    page.get_by_role("button", name="Pause").click()
    expect(page.locator(".state")).to_have_text("paused")
    page.get_by_role("link", name="Cancel the run").click()
    page.get_by_label("type the run’s name").fill("coupon")
    page.get_by_role("button", name="Cancel the run").click()
    expect(page.locator(".state")).to_have_text("cancelled")


def test_everything_works_with_the_keyboard_alone(open_page, live):
    page = open_page(live.address)
    pause = page.get_by_role("button", name="Pause")
    expect(pause).to_be_visible()
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.trim()") == "Pause":
            break
    expect(pause).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".state")).to_have_text("paused")
