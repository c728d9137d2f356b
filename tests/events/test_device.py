"""User agents name device, system and browser."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.base.codes import Browser, Device, Os
from footfall.events.device import DeviceInfo, device_of

APPLE = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
GOOGLE = "AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("user_agent", "device", "os", "browser"),
    [
        (
            f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {GOOGLE} Chrome/125.0.0.0 Safari/537.36",
            Device.DESKTOP,
            Os.WINDOWS,
            Browser.CHROME,
        ),
        (
            f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {APPLE} Version/17.4 Safari/605.1.15",
            Device.DESKTOP,
            Os.MACOS,
            Browser.SAFARI,
        ),
        (
            "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:126.0) Gecko/20100101 Firefox/126.0",
            Device.DESKTOP,
            Os.LINUX,
            Browser.FIREFOX,
        ),
        (
            f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {GOOGLE} Chrome/124.0.0.0 Safari/537.36 Edg/124.0",
            Device.DESKTOP,
            Os.CHROME_OS,
            Browser.EDGE,
        ),
        (
            f"Mozilla/5.0 (Linux; Android 14; Pixel 8) {GOOGLE} Chrome/125.0.0.0 Mobile Safari/537.36",
            Device.MOBILE,
            Os.ANDROID,
            Browser.CHROME,
        ),
        (
            f"Mozilla/5.0 (Linux; Android 14; SM-X700) {GOOGLE} SamsungBrowser/24.0 Chrome/117.0.0.0 Safari/537.36",
            Device.TABLET,
            Os.ANDROID,
            Browser.SAMSUNG,
        ),
        (
            f"Mozilla/5.0 (iPad; CPU OS 16_5 like Mac OS X) {APPLE} Version/16.5 Mobile/15E148 Safari/604.1",
            Device.TABLET,
            Os.IOS,
            Browser.SAFARI,
        ),
        (
            f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) {APPLE} Mobile/15E148 Instagram 320.0.0.0",
            Device.MOBILE,
            Os.IOS,
            Browser.IN_APP,
        ),
        (
            f"Mozilla/5.0 (SMART-TV; LINUX; Tizen 6.0) {GOOGLE} 76.0.3809.146/6.0 TV Safari/537.36",
            Device.TV,
            Os.OTHER,
            Browser.SAFARI,
        ),
        (
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            Device.BOT,
            Os.UNKNOWN,
            Browser.OTHER,
        ),
        (
            f"Mozilla/5.0 (X11; Linux x86_64) {GOOGLE} HeadlessChrome/125.0.0.0 Safari/537.36",
            Device.BOT,
            Os.LINUX,
            Browser.OTHER,
        ),
        ("curl/8.5.0", Device.SERVER, Os.UNKNOWN, Browser.UNKNOWN),
        ("analytics-python/2.3.2", Device.SERVER, Os.UNKNOWN, Browser.UNKNOWN),
        ("node-fetch/1.0 (+https://github.com/bitinn/node-fetch)", Device.SERVER, Os.UNKNOWN, Browser.UNKNOWN),
        ("", Device.UNKNOWN, Os.UNKNOWN, Browser.UNKNOWN),
        ("A" * 10_000, Device.UNKNOWN, Os.UNKNOWN, Browser.UNKNOWN),
    ],
)
def test_a_user_agent_names_what_it_is(user_agent, device, os, browser):
    assert device_of(user_agent) == DeviceInfo(device, os, browser)


@given(st.one_of(st.text(max_size=200), st.text(alphabet="MozilaBt/5.0 (;)AndroidiPhnebotTV-", max_size=300)))
def test_any_text_gives_known_codes(user_agent):
    found = device_of(user_agent)
    assert (found.device in set(Device), found.os in set(Os), found.browser in set(Browser)) == (True, True, True)
