"""Schema 1: tasks, versions, aliases and their history."""

import sqlalchemy as sa
from alembic import context, op

from multitap_registry.column_types import UtcDateTime

revision = "1"
down_revision = None


def upgrade() -> None:
    """Make the tables; `at` of the configuration is when."""
    meta = op.create_table(
        "meta",
        sa.Column(
            "id", sa.Integer, sa.CheckConstraint("id = 1"), primary_key=True, autoincrement=False
        ),
        sa.Column("schema_version", sa.Integer, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
    )
    _create_tasks_and_versions()
    _create_aliases()
    at = context.config.attributes["at"]
    op.bulk_insert(meta, [{"id": 1, "schema_version": 1, "created_at": at}])


def downgrade() -> None:
    """Drop the tables."""
    for table in ("alias_history", "aliases", "versions", "tasks", "meta"):
        op.drop_table(table)


def _create_tasks_and_versions() -> None:
    op.create_table(
        "tasks",
        sa.Column("name", sa.String(63), primary_key=True),
        sa.Column(
            "next_version", sa.Integer, sa.CheckConstraint("next_version >= 1"), nullable=False
        ),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
    )
    op.create_table(
        "versions",
        sa.Column("task", sa.String(63), sa.ForeignKey("tasks.name"), primary_key=True),
        sa.Column("version", sa.Integer, sa.CheckConstraint("version >= 1"), primary_key=True),
        sa.Column(
            "state",
            sa.String(16),
            sa.CheckConstraint("state IN ('ready', 'deleted')"),
            nullable=False,
        ),
        sa.Column("digest", sa.String(71), nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("spec", sa.Text, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
    )
    op.create_index("ix_versions_digest", "versions", ["digest"])
    op.create_index(
        "versions_ready_digest",
        "versions",
        ["task", "digest"],
        unique=True,
        sqlite_where=sa.text("state = 'ready'"),
        postgresql_where=sa.text("state = 'ready'"),
    )


def _create_aliases() -> None:
    op.create_table(
        "aliases",
        sa.Column("task", sa.String(63), primary_key=True),
        sa.Column("alias", sa.String(32), primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.ForeignKeyConstraint(["task", "version"], ["versions.task", "versions.version"]),
    )
    op.create_table(
        "alias_history",
        sa.Column("task", sa.String(63), sa.ForeignKey("tasks.name"), primary_key=True),
        sa.Column("alias", sa.String(32), primary_key=True),
        sa.Column("move", sa.Integer, primary_key=True),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("from_version", sa.Integer),
        sa.Column("to_version", sa.Integer),
        sa.Column("reason", sa.Text),
    )
