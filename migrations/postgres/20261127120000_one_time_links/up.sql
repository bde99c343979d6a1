-- The link by which the first administrator is made: one at most.
CREATE TABLE setup_links (
    slot BIGINT NOT NULL PRIMARY KEY CHECK (slot = 1),
    -- SHA-256 of the secret in the link.
    hash BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

-- The link by which somebody chooses a password: one for each, the last that was made.
CREATE TABLE password_links (
    user_id TEXT NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    -- SHA-256 of the secret in the link.
    hash BYTEA NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX password_links_expires_at ON password_links (expires_at);
