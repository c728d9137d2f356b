"""Places come from the client, the CDN, the address, the time zone, in this order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.base.errors import BadInput
from footfall.events.geo import Geo, Place, country_code, country_of_zone, utc_offset_min
from footfall.events.wire import Location

JULY_MS = 1_720_000_000_000
JANUARY_MS = 1_705_000_000_000
NOWHERE = Geo("")


@pytest.fixture(scope="module")
def city_file(shared_data):
    return str(shared_data / "geoip_maxmind_test" / "GeoLite2-City-Test.mmdb")


def test_the_client_goes_before_the_cdn_and_the_cdn_before_the_time_zone():
    germany = Location(country="Germany", region="DE-SH", city=" Kiel ")
    assert NOWHERE.place(germany, "US", "CA", "Fresno", "", "Asia/Tokyo") == Place("DE", "SH", "Kiel")
    assert NOWHERE.place(None, "us", "ca", "Fresno", "", "Asia/Tokyo") == Place("US", "CA", "Fresno")
    assert NOWHERE.place(None, "", "", "", "", "Asia/Tokyo") == Place("JP")
    assert NOWHERE.place(None, "", "", "", "", "") == Place()


def test_a_later_source_fills_in_if_it_agrees_on_the_country():
    assert NOWHERE.place(Location(country="US"), "US", "CA", "Fresno", "", "") == Place("US", "CA", "Fresno")
    assert NOWHERE.place(Location(country="DE"), "US", "CA", "Fresno", "", "") == Place("DE")
    assert NOWHERE.place(Location(country="US", region="NY"), "US", "CA", "Fresno", "", "") == Place("US", "NY")


def test_a_city_without_a_country_and_unknown_countries_are_nothing():
    assert NOWHERE.place(Location(city="Kiel"), "XX", "", "", "", "") == Place()
    assert NOWHERE.place(Location(country=49, city="Kiel"), "T1", "", "", "", "") == Place()


def test_an_address_is_looked_up_by_what_is_left_of_it(city_file):
    places = Geo(city_file)
    assert places.place(None, "", "", "", "2001:480:10::", "") == Place("US", "CA", "San Diego")
    assert places.place(None, "", "", "", "216.160.83.56", "") == Place("US", "WA", "Milton")
    assert places.place(None, "GB", "", "", "216.160.83.56", "") == Place("GB")
    assert places.place(None, "", "", "", "no address", "US/Pacific") == Place("US")
    places.close()


def test_a_file_that_cannot_be_read_is_refused_with_what_to_do(tmp_path):
    broken = tmp_path / "broken.mmdb"
    broken.write_bytes(b"no database")
    for path in (str(broken), str(tmp_path / "missing.mmdb")):
        with pytest.raises(BadInput, match="leave the setting empty"):
            Geo(path)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("de", "DE"),
        ("DEU", "DE"),
        ("germany", "DE"),
        ("United States", "US"),
        ("USA", "US"),
        ("UK", "GB"),
        ("Korea", "KR"),
    ]
    + [("Bosnia and Herzegovina", "BA"), ("", ""), ("XX", ""), ("Atlantis", ""), (49, ""), (None, "")],
)
def test_a_country_is_a_code_or_an_english_name(value, code):
    assert country_code(value) == code


@pytest.mark.parametrize(
    ("zone", "code"),
    [
        ("Europe/Vienna", "AT"),
        ("Europe/Stockholm", "SE"),
        ("Asia/Calcutta", "IN"),
        ("Asia/Kolkata", "IN"),
        ("US/Pacific", "US"),
    ]
    + [
        ("Europe/Kiev", "UA"),
        ("Europe/Kyiv", "UA"),
        ("America/Argentina/Salta", "AR"),
        ("UTC", ""),
        ("Etc/GMT+5", ""),
        ("", ""),
    ],
)
def test_a_time_zone_tells_its_country(zone, code):
    assert country_of_zone(zone) == code


@pytest.mark.parametrize(
    ("zone", "time", "minutes"),
    [
        ("Europe/Berlin", JULY_MS, 120),
        ("Europe/Berlin", JANUARY_MS, 60),
        ("Asia/Kathmandu", JULY_MS, 345),
        ("UTC-05:30", JULY_MS, -330),
        ("+0200", JULY_MS, 120),
        ("UTC", JULY_MS, 0),
        ("", JULY_MS, 0),
        ("Nowhere/Else", JULY_MS, 0),
        ("../../etc/passwd", JULY_MS, 0),
        ("Europe", JULY_MS, 0),
        ("Europe/Berlin", 10**20, 0),
    ],
)
def test_local_time_follows_the_zone(zone, time, minutes):
    assert utc_offset_min(zone, time) == minutes


@given(st.text(max_size=80), st.text(max_size=80), st.integers(-(2**62), 2**62))
def test_no_text_raises(one, other, time):
    assert abs(utc_offset_min(one, time)) <= 26 * 60
    place = NOWHERE.place(Location(country=one, city=other), other, one, one, other, one)
    assert place.country or place == Place()
