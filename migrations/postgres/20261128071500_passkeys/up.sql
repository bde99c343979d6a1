-- Passkeys (Web Authentication Level 3).
CREATE TABLE passkeys (
    -- The credential ID.
    id BYTEA NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- What its owner calls it.
    name TEXT NOT NULL,
    -- The public key and what was said at registration, as JSON.
    credential TEXT NOT NULL,
    -- The signature counter: it never goes back.
    counter BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT
);
CREATE INDEX passkeys_user_id ON passkeys (user_id);

-- What a browser was asked to sign or to make, once: the last question of each session.
CREATE TABLE passkey_ceremonies (
    browser_session BYTEA NOT NULL PRIMARY KEY REFERENCES browser_sessions (hash) ON DELETE CASCADE,
    -- The challenge, and what the answer is for, as JSON.
    state TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
