"""Who may do what? The table of roles, and the one function that everything asks."""

from enum import StrEnum

from footfall.ports import Principal
from footfall.web.errors import NotAllowed, NotLoggedIn


class Permission(StrEnum):
    """What a route needs of whoever asks; every route names exactly one."""

    PUBLIC = "public"
    """Anybody, without a credential."""
    SELF = "self"
    """Anybody with a credential, about themselves."""
    READ = "read"
    UNDO_MERGE = "undo_merge"
    REPLAY = "replay"
    """Try failed events again."""
    MODELS = "models"
    """Train, promote and roll back models."""
    ADMIN = "admin"
    """Sites, users, tokens, the audit log."""
    METRICS = "metrics"
    DECIDE = "decide"
    """``POST /v1/decide`` for a shop's back end."""


_READER = frozenset({Permission.SELF, Permission.READ, Permission.METRICS})
ALLOWED: dict[str, frozenset[Permission]] = {
    "viewer": _READER,
    "agent": _READER | {Permission.UNDO_MERGE},
    "marketer": _READER | {Permission.REPLAY},
    "analyst": _READER | {Permission.REPLAY, Permission.MODELS},
    "admin": _READER | {Permission.UNDO_MERGE, Permission.REPLAY, Permission.MODELS, Permission.ADMIN},
    "server": frozenset({Permission.SELF, Permission.DECIDE}),
    "machine": frozenset({Permission.METRICS}),
}
"""By role. ``server`` is a site's server key, ``machine`` a request from this machine itself without a credential."""


def authorise(principal: Principal | None, permission: Permission, site: int | None = None) -> None:
    """Pass if this principal may do this (at this site, when one is named); else ``NotLoggedIn`` or ``NotAllowed``."""
    if permission is Permission.PUBLIC:
        return
    if principal is None:
        raise NotLoggedIn("Log in, or send `Authorization: Bearer TOKEN`.")
    if permission not in ALLOWED.get(principal.role, frozenset()):
        raise NotAllowed(f"The role {principal.role} doesn't allow this ({permission}). Ask an admin.")
    if site is not None and not reaches(principal, site):
        raise NotAllowed("There is no such site, or you have no access to it.", code="site_not_allowed")


def reaches(principal: Principal, site: int) -> bool:
    """Whether the principal has access to this site at all."""
    return principal.sites is None or site in principal.sites
