-- The link by which the first administrator is made: one at most.
CREATE TABLE setup_links (
    slot INTEGER NOT NULL PRIMARY KEY CHECK (slot = 1),
    -- SHA-256 of the secret in the link.
    hash BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

-- The link by which somebody chooses a password: one for each, the last that was made.
CREATE TABLE password_links (
    user_id TEXT NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    -- SHA-256 of the secret in the link.
    hash BLOB NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX password_links_expires_at ON password_links (expires_at);
