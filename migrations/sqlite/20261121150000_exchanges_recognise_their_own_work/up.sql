-- Which request consumed a code (SHA-256 of the refresh token made for it): one whose connection broke while committing
-- finds out here whether it had succeeded.
ALTER TABLE authorization_codes ADD COLUMN consumed_by BLOB;
