-- From which network its client last came for a token, shortened as the sources of audit events are.
ALTER TABLE grants ADD COLUMN last_used_from TEXT;
