-- The second step of a sign-in. Authenticator apps (RFC 6238): one for each person.
CREATE TABLE totp_secrets (
    user_id TEXT NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    -- Encrypted.
    sealed BLOB NOT NULL,
    -- The newest time step of which a code was taken: that one and those before it are worth nothing.
    last_step INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER
) STRICT;

-- What is left of somebody's recovery codes: one that is used goes.
CREATE TABLE recovery_codes (
    -- SHA-256 of the code and whose it is.
    hash BLOB NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE
) STRICT;
CREATE INDEX recovery_codes_user_id ON recovery_codes (user_id);

-- Who took the first step in which browser, and is signed in nowhere yet.
CREATE TABLE second_steps (
    browser_session BLOB NOT NULL PRIMARY KEY REFERENCES browser_sessions (hash) ON DELETE CASCADE,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- The first step was counted like a failure, and the first try of the second one is counted with it.
    counted INTEGER NOT NULL CHECK (counted IN (0, 1)),
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX second_steps_user_id ON second_steps (user_id);
