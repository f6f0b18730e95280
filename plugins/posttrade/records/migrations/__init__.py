"""The history of the facts' tables: Alembic revisions that run the SQL files beside them."""
