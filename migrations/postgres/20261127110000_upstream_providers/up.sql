-- Sign-in at OpenID providers. Somebody who was sent to one and is expected back, once, in the same browser.
CREATE TABLE upstream_sign_ins (
    -- SHA-256 of the parameter state.
    hash BYTEA NOT NULL PRIMARY KEY,
    -- No foreign key: at a sign-in in another tab the row moves to the new session.
    browser_session BYTEA NOT NULL,
    provider TEXT NOT NULL,
    -- Encrypted: the nonce, the PKCE verifier, and the transaction that the sign-in is for.
    sealed BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX upstream_sign_ins_browser_session ON upstream_sign_ins (browser_session);
CREATE INDEX upstream_sign_ins_expires_at ON upstream_sign_ins (expires_at);

-- Who somebody is at a provider. The issuer and not its name in the configuration: names change, and pass to others.
CREATE TABLE upstream_identities (
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (issuer, subject)
);
CREATE INDEX upstream_identities_user_id ON upstream_identities (user_id);
