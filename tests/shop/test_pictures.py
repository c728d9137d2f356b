"""Every picture is drawn, is well-formed SVG, and asks the browser for nothing else."""

import re
from xml.etree import ElementTree

import pytest

from footfall_shop.catalogue import PRODUCTS
from footfall_shop.pictures import N_VIEWS, draw, named, picture_path
from footfall_shop.scenes import SCENES, paint


def check(text: str) -> None:
    root = ElementTree.fromstring(text)
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    assert set(re.findall(r"url\(#([^)]+)\)", text)) <= set(ids)
    assert not re.search(r"href|script|<image|style=|url\((?!#)", text)


def test_every_product_has_every_view_in_every_colour() -> None:
    for product in PRODUCTS:
        drawn = {draw(product, colour, view) for colour in product.colours for view in range(1, N_VIEWS + 1)}
        assert len(drawn) == len(product.colours) * N_VIEWS
        for text in drawn:
            check(text)


@pytest.mark.parametrize("name", SCENES)
def test_wide_pictures_are_whole(name: str) -> None:
    check(paint(name))


def test_names_of_pictures_lead_to_them_and_others_nowhere() -> None:
    product = PRODUCTS[0]
    assert named(picture_path(product, "rust", 2).rpartition("/")[2].removesuffix(".svg")) == draw(product, "rust", 2)
    assert named("scene-home") == paint("home")
    for name in (
        "coastal-runner-plum-1",
        "coastal-runner-sky-0",
        "coastal-runner-sky-4",
        "coastal-runner",
        "scene-none",
        "",
        "-",
        "../app",
    ):
        assert named(name) is None
