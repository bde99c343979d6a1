-- SHA-256 of what was typed to be sent a code, by which messages are counted; none for codes of before.
ALTER TABLE email_codes ADD COLUMN asked_as BLOB;
