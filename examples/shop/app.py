"""How do I run the shop on its own? ``python examples/shop/app.py http://127.0.0.1:8700 WRITE_KEY``; see ``--help``."""

import argparse
from pathlib import Path

import uvicorn

from footfall_shop.app import build

__all__ = ["build"]


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description="Alder & Finch, a small shop with Footfall's tracker on it.")
    parser.add_argument("server_url", help="address of the Footfall server, such as http://127.0.0.1:8700")
    parser.add_argument("write_key", help="printed by `footfall init`")
    parser.add_argument("--port", type=int, default=8701)
    parser.add_argument("--install", choices=["tag", "data-layer"], default="tag", help="how the tracker is installed")
    parser.add_argument("--own-domain", action="store_true", help="serve the tracker through the shop, below /ff/")
    parser.add_argument("--ask-first", action="store_true", help="ask visitors before anything is stored or sent")
    parser.add_argument("--legacy-order", action="store_true", help="write the older dataLayer shape of an order too")
    parser.add_argument("--database", type=Path, help="file for carts, accounts and orders; else they are forgotten")
    chosen = parser.parse_args()
    shop = build(
        "/ff" if chosen.own_domain else chosen.server_url,
        chosen.write_key,
        install=chosen.install,
        is_consent_required=chosen.ask_first,
        database=chosen.database,
        upstream_url=chosen.server_url,
        legacy_order=chosen.legacy_order,
    )
    uvicorn.run(shop, port=chosen.port)


if __name__ == "__main__":
    main()
