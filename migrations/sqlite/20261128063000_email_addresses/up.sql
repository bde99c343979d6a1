-- Where messages to somebody go: one address for each, in small letters, and nobody has that of another.
CREATE TABLE email_addresses (
    user_id TEXT NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    address TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
) STRICT;

-- Strangers can have links sent to somebody, and none of them may end one that was sent before: there may be several.
CREATE TABLE more_password_links (
    -- SHA-256 of the secret in the link.
    hash BLOB NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
INSERT INTO more_password_links (hash, user_id, created_at, expires_at)
    SELECT hash, user_id, created_at, expires_at FROM password_links;
DROP TABLE password_links;
ALTER TABLE more_password_links RENAME TO password_links;
CREATE INDEX password_links_user_id ON password_links (user_id);
CREATE INDEX password_links_expires_at ON password_links (expires_at);
