"""What must Segment's and RudderStack's browser SDKs be told so that they send to us, and to nobody else?"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from footfall.ports import Site
from footfall.web import envelope

_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(?::[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](?::[0-9]{1,5})?")
_EPOCH = "1970-01-01T00:00:00.000Z"


def base_url(public_url: str, scheme: str, headers: Mapping[bytes, bytes], *, is_proxy_trusted: bool) -> str:
    """How the browser reaches this server: the setting, or else what the request (or our own proxy) says."""
    if public_url:
        return public_url.rstrip("/")
    asked = envelope.asked(scheme, headers, is_proxy_trusted=is_proxy_trusted)
    return f"{asked.scheme}://{asked.host if _HOST.fullmatch(asked.host) else 'localhost'}"


def segment_settings(site: Site, url: str) -> bytes:
    """JSON for ``analytics-next``: our address for events, no third-party destinations, no metrics to Segment."""
    scheme, _, host = url.partition("://")
    settings: dict[str, Any] = {
        "integrations": {
            "Segment.io": {
                "apiKey": site.write_key,
                "apiHost": f"{host}/v1",
                "protocol": scheme,
                "unbundledIntegrations": [],
                "addBundledMetadata": False,
                "maybeBundledConfigIds": {},
                "versionSettings": {"version": "4.4.7", "componentTypes": ["browser"]},
            }
        },
        "plan": {
            "track": {"__default": {"enabled": True, "integrations": {}}},
            "identify": {"__default": {"enabled": True}},
            "group": {"__default": {"enabled": True}},
        },
        "edgeFunction": {},
        "analyticsNextEnabled": True,
        "middlewareSettings": {},
        "enabledMiddleware": {},
        "metrics": {"sampleRate": 0, "host": f"{host}/v1"},
        "legacyVideoPluginsEnabled": False,
        "remotePlugins": [],
    }
    return msgspec.json.encode(settings)


def rudder_source(site: Site, url: str) -> bytes:
    """JSON for RudderStack's ``analytics-js``: an enabled source without device-mode destinations."""
    source: dict[str, Any] = {
        "id": str(site.number),
        "name": site.name,
        "writeKey": site.write_key,
        "enabled": True,
        "workspaceId": "footfall",
        "destinations": [],
        "connections": [],
        "dataplanes": {},
        "config": {"statsCollection": {"errors": {"enabled": False}, "metrics": {"enabled": False}}},
        "sourceDefinition": {"name": "Javascript"},
        "dataPlaneUrl": url,
        "createdAt": _EPOCH,
        "updatedAt": _EPOCH,
    }
    return msgspec.json.encode({"source": source, "updatedAt": _EPOCH})
