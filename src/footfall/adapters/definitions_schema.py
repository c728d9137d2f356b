"""Which tables hold the definitions? The current layout; ``migrations/`` holds the steps that lead to it.

Tokens, keys and cookies stand here as SHA-256 of 128 random bits or more, passwords as argon2. Times are epoch ms UTC.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

sites = Table(
    "sites",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("name", String(100), nullable=False, unique=True),
    Column("write_key", String(64), nullable=False, unique=True),
    Column("server_key_hash", String(64), nullable=False, unique=True),
    Column("origins", JSON, nullable=False),
    Column("is_archived", Boolean(create_constraint=False), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
)

users = Table(
    "users",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("email", String(254), nullable=False, unique=True),
    Column("name", String(100), nullable=False),
    Column("role", String(16), nullable=False),
    Column("sites", JSON(none_as_null=True)),
    Column("password_hash", String(256)),
    Column("is_archived", Boolean(create_constraint=False), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
)

login_links = Table(
    "login_links",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("user_id", Integer, ForeignKey("users.id"), nullable=False, index=True),
    Column("expires_ms", BigInteger, nullable=False),
    Column("used_ms", BigInteger),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("secret_hash", String(64), nullable=False, unique=True),
    Column("user_id", Integer, ForeignKey("users.id"), nullable=False, index=True),
    Column("csrf", String(64), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Column("revoked_ms", BigInteger),
    sqlite_autoincrement=True,
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(100), nullable=False),
    Column("secret_hash", String(64), nullable=False, unique=True),
    Column("role", String(16), nullable=False),
    Column("sites", JSON(none_as_null=True)),
    Column("created_ms", BigInteger, nullable=False),
    Column("revoked_ms", BigInteger),
)

audit = Table(
    "audit",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("time_ms", BigInteger, nullable=False),
    Column("actor", String(300), nullable=False),
    Column("action", String(64), nullable=False),
    Column("site", Integer, nullable=False),
    Column("detail", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)

audit_head = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("n_rows", Integer, nullable=False),
    Column("hash", String(64), nullable=False),
)
"""One row: the chain's length and last hash, so that rows cut off its end are missed; also every writer's lock."""

imports = Table(
    "imports",
    metadata,
    Column("site", Integer, ForeignKey("sites.number"), primary_key=True),
    Column("content_hash", String(128), primary_key=True),
    Column("file_name", Text, nullable=False),
    Column("time_ms", BigInteger, nullable=False),
    Column("result", JSON, nullable=False),
)
Index("ix_imports_site_time_ms", imports.c.site, imports.c.time_ms)

secrets = Table(
    "secrets",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", LargeBinary, nullable=False),
)
