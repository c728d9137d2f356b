# ruff: noqa: E501  (paths of drawings)
"""What does a product look like, and the pages' large pictures? SVG made of the drawings, with a room around them."""

import hashlib
from functools import lru_cache
from pathlib import Path

from footfall_shop import assortment, drawings, scenes
from footfall_shop.assortment import COLOURS, Product
from footfall_shop.drawings import SHAPES, Brush

N_VIEWS = 3
"""Views of a product: in front of a wall, close up, and where it will be used."""
_SOURCES = (__file__, drawings.__file__, scenes.__file__, assortment.__file__)
VERSION = hashlib.sha256(b"".join(Path(str(source)).read_bytes() for source in _SOURCES)).hexdigest()[:10]
"""Part of every picture's address, so that a browser may keep it for ever."""

_WALLS = {
    "women": ("#f1e6da", "#e4d3c2", "#d9c4af"),
    "men": ("#e9e7df", "#d8d6cb", "#c8c4b5"),
    "house": ("#f2ead9", "#e6d9bf", "#d8c7a6"),
    "outdoor": ("#e6eadd", "#d3dac6", "#bfc9ae"),
}
_LOW = {
    "sneaker", "slipon", "chukka", "bowl", "cups", "saute", "saucepan", "blanket", "enamel", "sunhat", "cap", "casserole",
}  # fmt: skip
"""Shapes that leave much wall above them, so that they stand further back."""
_FOCUS = {"women": (60, 40), "men": (60, 40), "house": (100, 130), "outdoor": (90, 90)}
_FOCUS_OF_SHAPE = {
    "sneaker": (20, 160), "slipon": (20, 170), "chukka": (30, 150), "cushion": (60, 70), "arclamp": (120, 40), "tarp": (90, 80),
    "pan": (30, 90), "cap": (60, 100), "sunhat": (60, 110), "enamel": (60, 150), "blanket": (60, 140),
}  # fmt: skip


def picture_path(product: Product, colour: str = "", view: int = 1) -> str:
    """Address of a picture that never changes."""
    return f"/pictures/{VERSION}/{product.slug}-{colour or product.colours[0]}-{view}.svg"


def scene_path(name: str) -> str:
    """Address of a page's large picture."""
    return f"/pictures/{VERSION}/scene-{name}.svg"


@lru_cache(maxsize=1024)
def draw(product: Product, colour: str, view: int) -> str:
    """The picture, SVG of 400 x 500 units; ``colour`` is one of the product's, ``view`` from 1 to ``N_VIEWS``."""
    brush = Brush(COLOURS[colour], product.pattern)
    thing = SHAPES[product.shape](brush)
    department = product.category.split("/")[0]
    light, wall, floor = _WALLS[department]
    is_hanging = product.shape == "pendant"
    lift = 64 if product.shape in _LOW else 10
    shadow = "" if is_hanging else f'<ellipse cx="200" cy="{432 - lift}" rx="150" ry="13" fill="url(#k)"/>'
    if view == 2:
        x, y = _FOCUS_OF_SHAPE.get(product.shape, _FOCUS[department])
        inside = f'<rect width="400" height="500" fill="{wall}"/><g transform="translate({-x * 1.9:.0f} {-y * 1.9 - 20:.0f}) scale(1.9)">{thing}</g>'
    elif view == 3:
        room = scenes.room_of(product.category)
        size, left, top = scenes.place_in(product.shape, product.category)
        ground = "" if is_hanging or top < 100 else '<ellipse cx="200" cy="374" rx="150" ry="12" fill="url(#k)"/>'
        hanger = scenes.HANGER if scenes.is_hung(product.shape) else ""
        inside = f'{room}{hanger}<g transform="translate({left} {top}) scale({size})">{ground}{thing}</g>'
    else:
        inside = (
            f'<rect width="400" height="500" fill="url(#w)"/><path d="M0 {404 - lift}Q200 {396 - lift} 400 {404 - lift}V500H0Z" fill="{floor}" opacity=".55"/>'
            f'{shadow}<g transform="translate(0 {0 if is_hanging else 56 - lift})">{thing}</g>'
        )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 500" width="400" height="500"><defs>{brush.defs()}'
        f'<radialGradient id="w" cx=".35" cy=".3" r=".9"><stop offset="0" stop-color="{light}"/><stop offset="1" stop-color="{wall}"/></radialGradient>'
        '<radialGradient id="k"><stop offset="0" stop-color="#2a1d0c" stop-opacity=".38"/><stop offset="1" stop-color="#2a1d0c" stop-opacity="0"/></radialGradient>'
        f"</defs>{inside}</svg>"
    )


def named(name: str) -> str | None:
    """The picture of this file name (without the ending), or ``None``."""
    if name.startswith("scene-"):
        painted = scenes.SCENES.get(name.removeprefix("scene-"))
        return scenes.paint(name.removeprefix("scene-")) if painted else None
    rest, _, view = name.rpartition("-")
    slug, _, colour = rest.rpartition("-")
    product = next((product for product in assortment.PRODUCTS if product.slug == slug), None)
    if product is None or colour not in product.colours or view not in ("1", "2", "3"):
        return None
    return draw(product, colour, int(view))
