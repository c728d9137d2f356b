"""Which settings hold here? Reads them from flags, environment, ``footfall.toml`` and defaults, in that order.

:mod:`footfall.settings` says which there are; this module finds their values and renders their documentation.
It reads one file and nothing else: flags and environment are handed in.
"""

import difflib
import json
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import msgspec

from footfall.base.errors import BadInput
from footfall.settings import Settings

FILE_NAME = "footfall.toml"
"""Name of the settings file in a data folder."""


class Knob(msgspec.Struct, frozen=True):
    """One setting, as its documentation and the command line need it."""

    name: str
    """Field of :class:`~footfall.settings.Settings` and key in ``footfall.toml``."""
    variable: str
    """Environment variable."""
    flag: str
    """Command-line flag."""
    type: Any
    """Type without its limits: ``int``, ``float``, ``bool``, ``str``, ``tuple[str, ...]`` or ``dict[str, float]``."""
    checked_type: Any
    """The same with its limits, for :func:`msgspec.convert`."""
    default: Any
    allowed: str
    """What may be given, in words."""
    about: str
    """One sentence."""


@cache
def knobs() -> tuple[Knob, ...]:
    """Every setting, in the order in which :class:`~footfall.settings.Settings` declares them.

    >>> port = next(k for k in knobs() if k.name == "port")
    >>> port.variable, port.flag, port.default, port.allowed
    ('FOOTFALL_PORT', '--port', 8700, 'whole number, 0 to 65535')
    """
    hints = get_type_hints(Settings, include_extras=True)
    found = []
    for field in msgspec.structs.fields(Settings):
        hint = hints[field.name]
        metas = [meta for meta in getattr(hint, "__metadata__", ()) if isinstance(meta, msgspec.Meta)]
        plain = get_args(hint)[0] if metas else hint
        default = field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
        found.append(
            Knob(
                name=field.name,
                variable=f"FOOTFALL_{field.name.upper()}",
                flag="--" + field.name.replace("_", "-"),
                type=plain,
                checked_type=hint,
                default=default,
                allowed=_allowed(plain, metas[0] if metas else msgspec.Meta()),
                about=next((meta.description for meta in metas if meta.description), ""),
            )
        )
    return tuple(found)


def load(data: Path | None, flags: Mapping[str, Any], environ: Mapping[str, str]) -> Settings:
    """The settings that hold for a data folder.

    ``flags`` maps names of settings to values, where ``None`` is "not given"; ``environ`` is read for
    ``FOOTFALL_<NAME>``. In flags and environment lists are separated by commas (``a,b``)
    and rates are written ``EUR=1.08,GBP=1.2``.
    Raises :class:`~footfall.base.errors.BadInput` that names the setting, where its value stood, and what is allowed.

    >>> load(None, {"port": None}, {"FOOTFALL_PORT": "9000", "FOOTFALL_CURRENCIES": "EUR=1.08"}).currencies
    {'EUR': 1.08}
    """
    by_name = {knob.name: knob for knob in knobs()}
    path = None if data is None else data / FILE_NAME
    in_file = {} if path is None else _read(path)
    for place, names in ((str(path), in_file), ("the command line", flags)):
        for name in names:
            if name not in by_name:
                raise BadInput(f"There is no setting `{name}` ({place}).{_nearest(name, by_name)}", code="bad_setting")
    values: dict[str, Any] = {}
    for knob in by_name.values():
        if flags.get(knob.name) is not None:
            values[knob.name] = _convert(knob, flags[knob.name], knob.flag)
        elif knob.variable in environ:
            values[knob.name] = _convert(knob, environ[knob.variable], knob.variable)
        elif knob.name in in_file:
            values[knob.name] = _convert(knob, in_file[knob.name], str(path))
    return Settings(**values)


def unknown_variables(environ: Mapping[str, str], others: frozenset[str] = frozenset()) -> list[str]:
    """Variables that begin like a setting's but set nothing, less the ``others`` that have a meaning elsewhere."""
    known = {knob.variable for knob in knobs()} | others
    return sorted(name for name in environ if name.startswith("FOOTFALL_") and name not in known)


def sample() -> str:
    """A ``footfall.toml`` that names every setting with its default, each line commented out.

    Commented out, because a default that is written down would no longer follow a newer version.
    """
    lines = [
        "# Settings of this data folder. Take the # off a line to change it; a restart applies it.",
        "# A command-line flag goes before an environment variable, that before this file, that before the default.",
    ]
    tables = [knob for knob in knobs() if get_origin(knob.type) is dict]
    for knob in knobs():
        if knob not in tables:
            lines += ["", f"# {knob.about} ({knob.allowed}; {knob.variable})", f"#{knob.name} = {_toml(knob.default)}"]
    for knob in tables:
        lines += ["", f"# {knob.about} ({knob.allowed}; {knob.variable})", f"#[{knob.name}]"]
        lines += [f"#{key} = {_toml(value)}" for key, value in knob.default.items()]
    return "\n".join(lines) + "\n"


def table() -> str:
    """The table of ``docs/settings.md``, one row a setting.

    >>> table().splitlines()[3]  # doctest: +ELLIPSIS
    '| `port` | `--port` | `FOOTFALL_PORT` | `8700` | whole number, 0 to 65535 | Port to listen on; 0 takes ...'
    """
    rows = [
        "| line of `footfall.toml` | flag | environment | default | allowed | what it does |",
        "|---|---|---|---|---|---|",
    ]
    for knob in knobs():
        cells = (f"`{knob.name}`", f"`{knob.flag}`", f"`{knob.variable}`", f"`{_toml(knob.default)}`")
        rows.append("| " + " | ".join((*cells, knob.allowed, knob.about.replace("|", "\\|"))) + " |")
    return "\n".join(rows) + "\n"


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except tomllib.TOMLDecodeError as e:
        raise BadInput(f"{path} isn't valid TOML: {e}. Mend that line, or delete it.", code="bad_settings_file") from e
    except UnicodeDecodeError as e:
        raise BadInput(f"{path} isn't UTF-8 text: save it as UTF-8.", code="bad_settings_file") from e
    except OSError as e:
        raise BadInput(f"{path} can't be read: {e.strerror}.", code="bad_settings_file") from e


def _convert(knob: Knob, value: Any, place: str) -> Any:
    """``value`` in the setting's type and limits; texts of flags and environment are taken apart first."""
    given = value
    if isinstance(value, str) and get_origin(knob.type) is tuple:
        value = tuple(_parts(value))
    elif isinstance(value, str) and get_origin(knob.type) is dict:
        value = dict(_pairs(value))
    elif isinstance(value, str) and knob.type is not str:
        value = value.strip().replace("_", "")
    try:
        return msgspec.convert(value, knob.checked_type, strict=False)
    except msgspec.ValidationError as e:
        raise BadInput(
            f"`{knob.name}` can't be {json.dumps(given, default=str)} ({place}). Allowed: {knob.allowed}.",
            code="bad_usage" if place == knob.flag else "bad_setting",
            detail={"setting": knob.name, "place": place, "allowed": knob.allowed, "reason": str(e)},
        ) from e


def _parts(text: str) -> Iterator[str]:
    return (part for part in map(str.strip, text.split(",")) if part)


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    for part in _parts(text):
        key, _, value = part.partition("=")
        yield key.strip(), value.strip()


def _nearest(name: str, names: Mapping[str, Knob]) -> str:
    near = difflib.get_close_matches(name, names, n=1)
    return f" Did you mean `{near[0]}`?" if near else " See docs/settings.md for all settings."


def _allowed(plain: Any, meta: msgspec.Meta) -> str:
    if get_origin(plain) is tuple:
        return "list of texts; in flags and environment separated by commas"
    if get_origin(plain) is dict:
        return "table of numbers above 0 by three-letter code; in flags and environment `EUR=1.08,GBP=1.2`"
    if plain is bool:
        return "true or false"
    if plain is str:
        return f"text like {meta.examples[0]}" if meta.examples else "text"
    words = "whole number" if plain is int else "number"
    if meta.ge is not None and meta.le is not None:
        return f"{words}, {meta.ge:g} to {meta.le:g}"
    return words if meta.ge is None else f"{words}, {meta.ge:g} or more"


def _toml(value: Any) -> str:
    """A default as TOML; JSON's texts and lists are TOML's too."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + " }" if value else "{}"
    return json.dumps(value, ensure_ascii=False)
