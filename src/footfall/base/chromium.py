"""Where is a browser on this machine, and how is it started without a screen?"""

import os
import shutil

ARGUMENTS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
INSTALL = "apt-get update && apt-get install -y chromium"
_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


def chromium() -> str:
    """Path of a Chromium or Chrome (``FOOTFALL_CHROMIUM``, or the first on the PATH), or empty."""
    return os.environ.get("FOOTFALL_CHROMIUM") or next((path for name in _NAMES if (path := shutil.which(name))), "")
