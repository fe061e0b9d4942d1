"""The store in SQL, for SQLite and PostgreSQL."""

from auth.store.sql.store import SqlStore as SqlStore
from auth.store.sql.store import open_store as open_store
