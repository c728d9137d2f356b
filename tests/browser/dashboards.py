"""A whole server with sample visitors behind it: the real API, login and policy, so that only the profiles are made up.

``python -m tests.browser.dashboards [PORT]`` starts one to develop the dashboard against, and prints a login link.
"""

import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from playwright.sync_api import BrowserContext
from tests.browser.foresight import SampleModels, SampleSimilar
from tests.browser.profiles import SampleProfiles
from tests.browser.serving import serve

from footfall.adapters.definitions import SqlDefinitions, create, open_definitions
from footfall.base.clock import SystemClock
from footfall.settings import Settings
from footfall.web.api import build_app
from footfall.web.live import Pace


@dataclass
class Dashboard:
    """A running server and the way in."""

    url: str
    login_path: str
    profiles: SampleProfiles
    models: SampleModels
    similar: SampleSimilar
    definitions: SqlDefinitions

    def let_in(self, context: BrowserContext) -> None:
        """Sign the admin in without the form."""
        session = self.definitions.add_session(self.definitions.users()[0].id)
        host = urlsplit(self.url).hostname or ""
        context.add_cookies([{"name": "footfall_session", "value": session.secret, "domain": host, "path": "/"}])


@contextmanager
def dashboard(data: Path, profiles: SampleProfiles, models: SampleModels | None = None) -> Iterator[Dashboard]:
    """Serve the dashboard over these profiles and models."""
    made = create(data)
    definitions = open_definitions(data)
    models = models or SampleModels()
    similar = SampleSimilar(profiles)
    app: Any = build_app(
        definitions, profiles, Settings(), SystemClock(), pace=Pace(interval_s=0.1), models=models, similar=similar
    )
    with serve(app) as url:
        yield Dashboard(url, made.login_url, profiles, models, similar, definitions)
    definitions.close()


def main() -> None:
    """Serve a lively sample until interrupted."""
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8700
    profiles = SampleProfiles()
    with tempfile.TemporaryDirectory() as folder:
        made = create(Path(folder))
        definitions = open_definitions(Path(folder))
        print(f"http://127.0.0.1:{port}{made.login_url}")
        stop = threading.Event()

        def move() -> None:
            n = 0
            while not stop.wait(1.5):
                n += 1
                row = profiles.rows[n % len(profiles.rows)]
                cart = {"n_items": row["cart"]["n_items"] + n % 2, "value": row["cart"]["value"] + 59.0 * (n % 2)}
                session = row["session"] | {"n_events": row["session"]["n_events"] + 1}
                share = min(0.98, (row["propensity"]["session"] or 0.05) * (1.4 if n % 2 else 0.8))
                propensity = row["propensity"] | {"session": share, "week": min(0.99, share * 1.2)}
                profiles.change(row["visitor_id"], cart=cart, session=session, propensity=propensity)
                if n % 7 == 0:
                    profiles.arrive(f"Visitor {n:04x}")

        threading.Thread(target=move, daemon=True).start()
        similar = SampleSimilar(profiles)
        app = build_app(definitions, profiles, Settings(), SystemClock(), models=SampleModels(), similar=similar)
        uvicorn.run(app, port=port, log_level="warning")
        stop.set()
        definitions.close()


if __name__ == "__main__":
    main()
