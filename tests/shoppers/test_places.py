"""An address of a shopper tells where the shopper lives, through the same lookup as any other address."""

from pathlib import Path
from random import Random

from footfall.events.geo import Geo
from footfall.shoppers.places import PLACES, data_centre, some_address, some_place, write_places


def test_every_place_is_found_again_by_its_truncated_address(tmp_path: Path) -> None:
    write_places(tmp_path / "places.mmdb")
    geo = Geo(str(tmp_path / "places.mmdb"))
    rng = Random(1)
    for place in (*PLACES, data_centre()):
        address = some_address(rng, place)
        found = geo.place(None, "", "", "", f"{address.rpartition('.')[0]}.0", "Asia/Tokyo")
        assert (found.country, found.region, found.city) == (place.country, place.region, place.city)
    geo.close()


def test_addresses_are_of_the_range_that_belongs_to_nobody(tmp_path: Path) -> None:
    write_places(tmp_path / "places.mmdb")
    geo = Geo(str(tmp_path / "places.mmdb"))
    assert all(some_address(Random(n), place).startswith(("198.18.", "198.19.")) for n in range(9) for place in PLACES)
    assert geo.place(None, "", "", "", "203.0.113.7", "").country == ""
    geo.close()


def test_most_live_in_the_country_with_the_most_weight() -> None:
    rng = Random(2)
    countries = [some_place(rng).country for _ in range(2_000)]
    assert 0.5 < countries.count("US") / len(countries) < 0.8
    assert len(set(countries)) >= 10
