"""What has happened in a site so far? The past of a data folder, opened to read beside a server that may be writing."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from footfall.adapters.definitions import open_definitions
from footfall.adapters.lake_snapshot import lake_of_the_moment
from footfall.adapters.records import undone_merges_in
from footfall.base.errors import Missing
from footfall.events.facts import FactsShelf
from footfall.hosts.init import is_made, site_named
from footfall.ports import Lake, Site


class Past(NamedTuple):
    """What :func:`footfall.training_set.make_rows` takes."""

    site: Site
    lake: Lake
    shelf: FactsShelf
    splits: tuple[int, ...]
    """Keys of merges that were taken back."""


@contextlib.contextmanager
def past_of(data: Path, site_name: str) -> Iterator[Past]:
    """The past of a site (by name, or the only one), as of now; nothing in the folder is locked or changed.

    Raises ``Missing`` if there is no such folder, site or lake, ``BadInput`` if several sites and none is named.
    """
    if not is_made(data):
        raise Missing(
            f"{data} holds no shop: make one with `footfall init --data {data}`, and `footfall import` history."
        )
    definitions = open_definitions(data)
    try:
        site = site_named(definitions.sites(), site_name)
    finally:
        definitions.close()
    splits = tuple(merge.key_a ^ merge.key_b for merge in undone_merges_in(data / "records.db"))
    with lake_of_the_moment(data) as lake:
        yield Past(site, lake, FactsShelf(data / "facts"), splits)
