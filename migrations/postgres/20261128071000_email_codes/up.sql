-- Codes to sign in with that were sent by e-mail: one in each browser, the last that was asked for.
CREATE TABLE email_codes (
    browser_session BYTEA NOT NULL PRIMARY KEY REFERENCES browser_sessions (hash) ON DELETE CASCADE,
    -- Nobody, where nobody is called so: then no code is right, and everything else is the same.
    user_id TEXT REFERENCES users (id) ON DELETE CASCADE,
    -- SHA-256 of what was typed, by which wrong codes are counted.
    account BYTEA NOT NULL,
    -- SHA-256 of the code and the secret of the browser session.
    code BYTEA NOT NULL,
    failures BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX email_codes_user_id ON email_codes (user_id);
