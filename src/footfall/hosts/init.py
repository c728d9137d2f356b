"""What does a new data folder hold, and what must its owner be told once?"""

import contextlib
import os
import signal
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType

import msgspec

from footfall import config
from footfall.adapters.definitions import create, is_created, open_definitions
from footfall.adapters.wal import sync_folder
from footfall.base.errors import BadInput, Missing, Unavailable
from footfall.ports import Site
from footfall.settings import Settings

_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}


class Made(msgspec.Struct, frozen=True):
    """What is shown once and kept nowhere in this form."""

    site: str
    write_key: str
    """May only write events; it stands in the shop's pages."""
    server_key: str
    """For the shop's back end."""
    token: str
    """An admin's, for the API."""
    login_url: str
    """Logs the first admin in, once, within a day."""


def init(data: Path, site: str, settings: Settings) -> Made:
    """Make a data folder: one site, one admin, and a ``footfall.toml`` with every default as a comment.

    Raises ``BadInput`` (``already_created``) if there is one already.
    """
    try:
        created = create(data, site_name=site)
    except BadInput as error:
        if error.code != "already_created":
            raise
        raise BadInput(
            f"{data} is set up already. `footfall serve --data {data}` starts it, and "
            f"`footfall login --data {data}` makes a new link to log in.",
            code=error.code,
        ) from error
    _write_sample(data / config.FILE_NAME)
    return Made(
        created.site.name,
        created.write_key,
        created.server_key,
        created.token,
        address(settings) + created.login_url,
    )


def is_made(data: Path) -> bool:
    """Whether :func:`init` was here."""
    return is_created(data)


def login_url(data: Path, email: str, settings: Settings) -> str:
    """A new one-time link for a user, by default the first active admin; raises ``Missing``."""
    definitions = open_definitions(data)
    try:
        users = [user for user in definitions.users() if not user.is_archived]
        found = [user for user in users if (user.email == email.lower() if email else user.role == "admin")]
        if not found:
            raise Missing(f"There is no user {email}; there are {', '.join(user.email for user in users)}.")
        return f"{address(settings)}/login?token={definitions.add_login_link(found[0].id, by='command line')}"
    finally:
        definitions.close()


def site_named(sites: Sequence[Site], name: str) -> Site:
    """The site of this name, or the only one; raises ``BadInput`` or ``Missing`` with the names there are."""
    open_sites = [site for site in sites if not site.is_archived]
    names = ", ".join(site.name for site in open_sites)
    if not name:
        if len(open_sites) != 1:
            raise BadInput(f"Say which site with --site; there are {names}.")
        return open_sites[0]
    for site in open_sites:
        if site.name == name:
            return site
    raise Missing(f"There is no site {name}; there are {names}.")


def address(settings: Settings) -> str:
    """Where a browser on this machine, or behind ``public_url``, finds the server."""
    if settings.public_url:
        return settings.public_url.rstrip("/")
    host = _ANY_ADDRESS.get(settings.host, settings.host)
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"


def with_free_port(settings: Settings) -> Settings:
    """The settings with the port that will be listened on; raises ``Unavailable`` if it can't be had."""
    with door(settings.host, settings.port, "--port") as probe:
        return msgspec.structs.replace(settings, port=probe.getsockname()[1])


@contextlib.contextmanager
def door(host: str, port: int, flag: str) -> Iterator[socket.socket]:
    """A bound port, or ``Unavailable`` with the flag that names another."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind((host, port))
        except OSError as error:
            raise Unavailable(
                f"{host}:{port} can't be had ({error.strerror}): stop what uses it, or choose another with {flag}.",
                code="port_in_use",
            ) from error
        yield door


def end_at_sigterm() -> None:
    """Let SIGTERM end this process as Ctrl-C does, so that what must be closed is closed."""

    def leave(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, leave)


def _write_sample(path: Path) -> None:
    if path.exists():
        return
    beside = path.with_suffix(".new")
    with beside.open("w", encoding="utf-8") as file:
        file.write(config.sample())
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    sync_folder(path.parent)
