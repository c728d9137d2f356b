"""What does the API answer, as JSON Schema? Prints the OpenAPI components that TypeScript types are made of."""

import json
import sys
from typing import Any

from footfall.base.clock import SystemClock
from footfall.settings import Settings
from footfall.web.api import build_app


class Unasked:
    """Stands where the application's parts stand; describing the application asks none of them anything."""

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"the schema must not depend on {name}")


def schemas() -> dict[str, Any]:
    """The OpenAPI document with nothing in it but the schemas."""
    parts: Any = Unasked()
    whole = build_app(parts, parts, Settings(), SystemClock(), models=parts, similar=parts).openapi_schema.to_schema()
    return {
        "openapi": whole["openapi"],
        "info": {"title": "Footfall", "version": "0"},
        "paths": {},
        "components": {"schemas": whole["components"]["schemas"]},
    }


if __name__ == "__main__":
    json.dump(schemas(), sys.stdout, indent=1, sort_keys=True)
    sys.stdout.write("\n")
