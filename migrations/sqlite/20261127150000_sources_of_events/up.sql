-- From where it was done: a network and no address, since it is kept for long.
ALTER TABLE audit_events ADD COLUMN source TEXT;
