"""What is particular to definitions in a file: the folder, its mode, migrations, what a thief of it finds."""

import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from footfall.adapters.definitions import SqlDefinitions, create, is_created, open_definitions
from footfall.adapters.definitions_schema import metadata
from footfall.base.errors import BadInput, Missing, Unavailable


def _tamper(data: Path, sql: str) -> None:
    connection = sqlite3.connect(data / "definitions.db")
    connection.execute(sql)
    connection.commit()
    connection.close()


def test_a_folder_is_created_once_and_opened_often(tmp_path: Path) -> None:
    data = tmp_path / "deep" / "data"
    assert not is_created(data)
    with pytest.raises(Missing):
        open_definitions(data)
    created = create(data, site_name="demo")
    assert is_created(data)
    with pytest.raises(BadInput):
        create(data)
    for _ in range(2):
        definitions = open_definitions(data)
        assert definitions.principal_of_bearer(created.token) is not None
        definitions.close()


def test_nobody_else_on_the_machine_can_read_it(tmp_path: Path) -> None:
    data = tmp_path / "data"
    create(data)
    assert data.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in data.iterdir())


def test_the_files_hold_no_secret_that_was_handed_out(tmp_path: Path) -> None:
    data = tmp_path / "data"
    created = create(data)
    definitions = open_definitions(data)
    session = definitions.add_session(1)
    raw = b"".join(path.read_bytes() for path in data.iterdir())
    definitions.close()
    link = created.login_url.split("=")[1]
    for secret in (created.server_key, created.token, link, session.secret):
        assert secret.encode() not in raw
    assert created.write_key.encode() in raw


def test_two_folders_share_no_secret(tmp_path: Path) -> None:
    first, second = create(tmp_path / "a"), create(tmp_path / "b")
    assert first.write_key != second.write_key
    assert first.token != second.token
    keys = set()
    for name in ("a", "b"):
        definitions = open_definitions(tmp_path / name)
        keys.add(definitions.secret("visitor_id_key"))
        definitions.close()
    assert len(keys) == 2


def test_the_migrations_lead_to_exactly_the_layout_that_the_code_expects(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'definitions.db'}"
    SqlDefinitions(url).close()
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_definitions_of_a_newer_version_are_left_alone(tmp_path: Path) -> None:
    data = tmp_path / "data"
    create(data)
    _tamper(data, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(Unavailable, match="newer Footfall"):
        open_definitions(data)


def test_a_file_that_is_no_database_is_told_apart(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "definitions.db").write_bytes(b"not a database at all, " * 100)
    with pytest.raises(Unavailable):
        open_definitions(data)


@pytest.mark.parametrize(
    ("sql", "broken_at"),
    [
        ("UPDATE audit SET actor = 'nobody' WHERE number = 2", 2),
        ("UPDATE audit SET detail = '{}' WHERE number = 1", 1),
        ("DELETE FROM audit WHERE number = 3", 3),
        ("DELETE FROM audit WHERE number = (SELECT max(number) FROM audit)", 4),
        ("UPDATE audit_head SET n_rows = 3", 4),
    ],
)
def test_a_changed_or_missing_audit_row_is_found(tmp_path: Path, sql: str, broken_at: int) -> None:
    data = tmp_path / "data"
    create(data)
    _tamper(data, sql)
    definitions = open_definitions(data)
    check = definitions.verify_audit()
    definitions.close()
    assert (check.is_whole, check.broken_at) == (False, broken_at)


def test_a_site_made_by_another_process_is_seen_after_a_refresh(tmp_path: Path) -> None:
    data = tmp_path / "data"
    create(data)
    here, there = open_definitions(data), open_definitions(data)
    site, _ = there.add_site("other", [], by="cli")
    assert here.site_of_write_key(site.write_key) is None
    here.refresh()
    assert here.site_of_write_key(site.write_key) == site
    here.close()
    there.close()
