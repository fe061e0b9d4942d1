"""The PostgreSQL of the store's tests, for whole servers."""

from tests.support.postgres import fragile_postgres as fragile_postgres
from tests.support.postgres import postgres as postgres
