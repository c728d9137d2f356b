"""A whole application over a data folder, for the tests of everything behind the login."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from litestar import Litestar
from litestar.testing import TestClient
from tests.web.memory_models import MemoryModels
from tests.web.memory_profiles import NOW_MS, MemoryProfiles, failed_event, live_row, merge_row

from footfall.adapters.definitions import SqlDefinitions, create, open_definitions
from footfall.base.clock import ManualClock
from footfall.settings import Settings
from footfall.web.api import build_app
from footfall.web.live import Pace
from footfall.web.pages import Pages

PASSWORD = "a few unrelated words"


class House:
    """Two sites: 1 "shop" with visitor v1 (ada), 2 "other" with v2 (bob); each with a failed event and a merge."""

    def __init__(self, data: Path, settings: Settings, pages: Pages | None, pace: Pace | None) -> None:
        self.clock = ManualClock(NOW_MS)
        self.created = create(data, clock=self.clock)
        self.definitions: SqlDefinitions = open_definitions(data, clock=self.clock)
        self.definitions.add_site("other", ["https://other.example"], by="test")
        self.profiles = MemoryProfiles()
        self.models = MemoryModels()
        for site, visitor, label in ((1, "v1", "ada"), (2, "v2", "bob")):
            self.profiles.add(site, live_row(visitor, label, NOW_MS), NOW_MS)
            self.profiles.open_failed[site] = [failed_event(10 * site, "bad_json")]
            self.profiles.open_merges[site] = {site: merge_row(site, visitor, "old")}
        self.app: Litestar = build_app(
            self.definitions,
            self.profiles,
            settings,
            self.clock,
            pages=pages,
            pace=pace,
            models=self.models,
            similar=self.profiles,
        )

    def token(self, role: str, sites: list[int] | None = None) -> dict[str, str]:
        """Headers of a new API token."""
        _, secret = self.definitions.add_token(f"{role} of a test", role, sites, by="test")
        return {"Authorization": f"Bearer {secret}"}

    @property
    def admin(self) -> dict[str, str]:
        """Headers of the admin token that setting up made."""
        return {"Authorization": f"Bearer {self.created.token}"}

    @property
    def link(self) -> str:
        """The one-time token of the first admin."""
        return self.created.login_url.removeprefix("/login?token=")

    def client(self, base_url: str = "http://shop.test", address: str = "203.0.113.9") -> "TestClient[Litestar]":
        """A browser without cookies, at this address."""
        client = TestClient(self.app, base_url=base_url)
        client.headers["X-Forwarded-For"] = address
        return client


@contextmanager
def house(
    data: Path, settings: Settings | None = None, pages: Pages | None = None, pace: Pace | None = None
) -> Iterator[House]:
    """A house that is closed at the end. The test client's peer is no address, so nothing it says is believed."""
    made = House(data, settings or Settings(), pages, pace)
    try:
        yield made
    finally:
        made.definitions.close()
