"""Whatever visitors, clients and referrers write into any field is text on the dashboard, and never runs."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect
from tests.browser.dashboards import dashboard
from tests.browser.foresight import SampleModels
from tests.browser.profiles import SampleProfiles

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PAYLOADS = [
    "<script>hit(1)</script>",
    '"><img src=x onerror=hit(2)>',
    "'><svg onload=hit(3)>",
    "javascript:hit(4)",
    "JaVaScRiPt:hit(5)//",
    "data:text/html,<script>parent.hit(6)</script>",
    "</textarea></title></style></script><script>hit(7)</script>",
    "{{constructor.constructor('hit(8)')()}}",
    "${hit(9)}",
    "<iframe srcdoc='<script>parent.hit(10)</script>'>",
    "<a href='javascript:hit(11)' autofocus onfocus=hit(12)>x</a>",
    "<math><mtext><table><mglyph><style><img src onerror=hit(13)>",
    "\u202e\u0000<b onmouseover=hit(14)>",
    "__proto__",
    "constructor",
]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_payload_in_every_field_of_every_view_does_not_run(
    payload: str, tmp_path: Path, context: BrowserContext
) -> None:
    hits: list[str] = []
    context.expose_function("hit", lambda n: hits.append(str(n)))
    context.on("dialog", lambda dialog: (hits.append(dialog.message), dialog.dismiss()))
    errors: list[str] = []
    with dashboard(tmp_path, SampleProfiles(lambda _: payload), SampleModels(lambda _: payload)) as board:
        board.models.alarm()
        board.let_in(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        visitor = board.profiles.rows[0]["visitor_id"]
        page.goto(board.url)
        expect(page.locator("[data-visitor]").first).to_be_visible()
        board.profiles.change(visitor, label=payload, section=payload + "/x", url=payload)
        expect(page.locator(".lit-odd").first).to_be_visible()
        page.goto(f"{board.url}/visitors/{visitor}")
        expect(page.locator(".timeline .item").first).to_be_visible()
        expect(page.locator(".alike-shared li").first).to_be_visible()
        page.check("text=Scrolls and pauses too")
        for summary in page.locator(".features summary").all()[:2]:
            summary.click()
        schemes = page.locator("a").evaluate_all("links => links.map(link => link.protocol)")
        assert set(schemes) <= {"http:", "https:"}
        for path in ("/models", "/models/5"):
            page.goto(board.url + path)
            expect(page.locator(".figures").first).to_be_visible()
            expect(page.locator(".alarms li")).to_have_text(re.compile(r"since"))
        page.goto(f"{board.url}/failed")
        expect(page.locator(".failure").first).to_be_visible()
        for summary in page.locator("summary").all():
            summary.click()
        assert page.locator("main script, main iframe, main img, main object, main style, main [onerror]").count() == 0
        page.goto(f"{board.url}/?q={payload}")
        expect(page.locator("h1")).to_be_visible()
        page.evaluate("location.hash = '#x'")
        context.close()
    assert hits == []
    assert errors == []
