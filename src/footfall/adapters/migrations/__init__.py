"""How do old definitions become current ones? Alembic's steps, run whenever definitions are opened."""
