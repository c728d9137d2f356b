"""How do I run the shop on its own? ``python examples/shop/app.py http://127.0.0.1:8700 WRITE_KEY [PORT]``."""

import sys

import uvicorn

from footfall_shop.app import build

__all__ = ["build"]

if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(f"usage: python {sys.argv[0]} TRACKER_URL WRITE_KEY [PORT]   (both are printed by `footfall init`)")
    uvicorn.run(build(sys.argv[1], sys.argv[2]), port=int(sys.argv[3]) if len(sys.argv) > 3 else 8701)
