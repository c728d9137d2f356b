"""What do shoppers hold in their hands? Phones, computers and tablets, as user agents and screens tell them."""

from random import Random

import msgspec

_WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
_CHROME = f"{_WEBKIT} Chrome/126.0.0.0"
_SAFARI = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
_IPHONE = f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) {_SAFARI}"
_WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
_MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
_GALAXY = f"Mozilla/5.0 (Linux; Android 14; SAMSUNG SM-S921B) {_WEBKIT}"


class Model(msgspec.Struct, frozen=True):
    """A device and browser; ``screen`` is width, height, density, then width and height of a page in it."""

    user_agent: str
    screen: tuple[int, int, float, int, int]
    weight: float = 1


PHONES = (
    Model(f"{_IPHONE} Version/17.5 Mobile/15E148 Safari/604.1", (390, 844, 3, 390, 664), 9),
    Model(f"{_IPHONE} CriOS/126.0.6478.54 Mobile/15E148 Safari/604.1", (393, 852, 3, 393, 659), 2),
    Model(
        f"{_IPHONE} Mobile/15E148 Instagram 337.0.3.23.54 (iPhone14,5; iOS 17_5_1; en_US; en; scale=3.00; 1170x2532)",
        (390, 844, 3, 390, 690),
        2,
    ),
    Model(f"Mozilla/5.0 (Linux; Android 14; Pixel 8) {_CHROME} Mobile Safari/537.36", (412, 915, 2.625, 412, 732), 6),
    Model(f"{_GALAXY} SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36", (360, 780, 3, 360, 612), 4),
    Model("Mozilla/5.0 (Android 14; Mobile; rv:127.0) Gecko/127.0 Firefox/127.0", (412, 892, 2.625, 412, 756), 1),
)
COMPUTERS = (
    Model(f"{_WINDOWS} {_CHROME} Safari/537.36", (1920, 1080, 1, 1903, 945), 8),
    Model(f"{_WINDOWS} {_CHROME} Safari/537.36 Edg/126.0.2592.68", (1536, 864, 1.25, 1519, 722), 4),
    Model(f"{_MAC} {_CHROME} Safari/537.36", (1440, 900, 2, 1440, 789), 4),
    Model(f"{_MAC} {_SAFARI} Version/17.5 Safari/605.1.15", (1512, 982, 2, 1512, 862), 4),
    Model(
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0", (1366, 768, 1, 1349, 633), 2
    ),
    Model("Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0", (1920, 1200, 1, 1905, 1050), 1),
)
TABLETS = (
    Model(
        f"Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) {_SAFARI} Version/17.5 Mobile/15E148 Safari/604.1",
        (820, 1180, 2, 820, 1106),
        3,
    ),
    Model(f"Mozilla/5.0 (Linux; Android 13; SM-X710) {_CHROME} Safari/537.36", (753, 1205, 2, 753, 1093)),
)
CRAWLER = Model(
    f"Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) {_CHROME} Mobile Safari/537.36"
    " (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    (412, 732, 2.625, 412, 732),
)
DISGUISED = Model(f"Mozilla/5.0 (X11; Linux x86_64) {_CHROME} Safari/537.36", (800, 600, 1, 800, 600))
"""Says that it is a person's Chrome, with a screen nobody has had for years."""


def some_model(rng: Random, models: tuple[Model, ...]) -> Model:
    """One of them, by weight."""
    return rng.choices(models, [model.weight for model in models])[0]
