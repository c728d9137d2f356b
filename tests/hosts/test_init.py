"""A new data folder is made once, with keys that are shown once."""

import tomllib
from pathlib import Path

import pytest

from footfall import config
from footfall.adapters.definitions import open_definitions
from footfall.base.errors import BadInput, Missing
from footfall.hosts.init import address, init, is_made, login_url
from footfall.settings import Settings


def test_a_new_folder_has_a_site_an_admin_and_sample_settings(tmp_path: Path) -> None:
    data = tmp_path / "deep" / "data"
    assert not is_made(data)
    made = init(data, "my-shop", Settings(port=9000))
    assert is_made(data)
    assert made.site == "my-shop"
    assert made.login_url.startswith("http://127.0.0.1:9000/login?token=")
    definitions = open_definitions(data)
    site = definitions.site_of_write_key(made.write_key)
    principal = definitions.principal_of_bearer(made.token)
    server = definitions.principal_of_bearer(made.server_key)
    user = definitions.login_link(made.login_url.partition("token=")[2])
    definitions.close()
    assert site is not None
    assert site.name == "my-shop"
    assert principal is not None
    assert principal.role == "admin"
    assert server is not None
    assert server.kind == "server"
    assert user is not None
    assert tomllib.loads((data / "footfall.toml").read_text()) == {}
    assert config.load(data, {}, {}) == Settings()


def test_a_folder_is_not_made_twice_and_settings_stay(tmp_path: Path) -> None:
    (tmp_path / "footfall.toml").write_text("port = 9001\n")
    init(tmp_path, "shop", Settings())
    assert (tmp_path / "footfall.toml").read_text() == "port = 9001\n"
    with pytest.raises(BadInput, match="footfall login --data") as caught:
        init(tmp_path, "shop", Settings())
    assert caught.value.code == "already_created"


def test_a_new_link_replaces_the_one_before(tmp_path: Path) -> None:
    first = init(tmp_path, "shop", Settings()).login_url
    second = login_url(tmp_path, "", Settings())
    definitions = open_definitions(tmp_path)
    assert definitions.login_link(first.partition("token=")[2]) is None
    assert definitions.login_link(second.partition("token=")[2]) is not None
    definitions.close()


def test_a_link_for_nobody_says_who_there_is(tmp_path: Path) -> None:
    init(tmp_path, "shop", Settings())
    with pytest.raises(Missing, match=r"There is no user x@y\.example; there are admin@localhost"):
        login_url(tmp_path, "x@y.example", Settings())


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        (Settings(), "http://127.0.0.1:8700"),
        (Settings(host="0.0.0.0", port=80), "http://127.0.0.1:80"),
        (Settings(host="::1"), "http://[::1]:8700"),
        (Settings(public_url="https://see.shop.example/"), "https://see.shop.example"),
    ],
)
def test_the_address_is_one_that_a_browser_can_open(settings: Settings, url: str) -> None:
    assert address(settings) == url
