-- Migrations are append-only, and the release before must still run on the new schema.
-- Times are Unix seconds. Secrets are stored as their SHA-256; passwords as argon2id.

CREATE TABLE users (
    id TEXT NOT NULL PRIMARY KEY,
    username TEXT NOT NULL UNIQUE,
    password_hash TEXT,
    created_at BIGINT NOT NULL,
    disabled_at BIGINT
);

CREATE TABLE browser_sessions (
    hash BYTEA NOT NULL PRIMARY KEY,
    -- Null until somebody signs in.
    user_id TEXT REFERENCES users (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    authenticated_at BIGINT,
    last_seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX browser_sessions_user_id ON browser_sessions (user_id);
CREATE INDEX browser_sessions_expires_at ON browser_sessions (expires_at);

CREATE TABLE clients (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT,
    -- JSON lists of text.
    redirect_uris TEXT NOT NULL,
    grant_types TEXT NOT NULL,
    token_endpoint_auth_method TEXT NOT NULL,
    secret_hash BYTEA,
    client_uri TEXT,
    issued_at BIGINT NOT NULL
);

CREATE TABLE pending_authorizations (
    hash BYTEA NOT NULL PRIMARY KEY,
    -- No foreign key: at sign-in the row moves to a new session. One that outlives its session can be consumed by nobody.
    browser_session BYTEA NOT NULL,
    request TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX pending_authorizations_browser_session ON pending_authorizations (browser_session);
CREATE INDEX pending_authorizations_expires_at ON pending_authorizations (expires_at);

CREATE TABLE grants (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- No foreign key: not every client is registered in the clients table.
    client_id TEXT NOT NULL,
    resource TEXT NOT NULL,
    scope TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT,
    last_used_at BIGINT
);
CREATE INDEX grants_user_id ON grants (user_id);
CREATE INDEX grants_client_id ON grants (client_id);

CREATE TABLE authorization_codes (
    hash BYTEA NOT NULL PRIMARY KEY,
    grant_id TEXT NOT NULL REFERENCES grants (id) ON DELETE CASCADE,
    client_id TEXT NOT NULL,
    redirect_uri TEXT NOT NULL,
    code_challenge TEXT NOT NULL,
    scope TEXT NOT NULL,
    resource TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    consumed_at BIGINT,
    failures BIGINT NOT NULL
);
CREATE INDEX authorization_codes_grant_id ON authorization_codes (grant_id);
CREATE INDEX authorization_codes_expires_at ON authorization_codes (expires_at);

CREATE TABLE refresh_tokens (
    hash BYTEA NOT NULL PRIMARY KEY,
    grant_id TEXT NOT NULL REFERENCES grants (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    spent_at BIGINT,
    -- The next token of the chain, encrypted under a key that only the holder of this one can derive.
    successor BYTEA
);
CREATE INDEX refresh_tokens_grant_id ON refresh_tokens (grant_id);
-- A chain of tokens never forks: whatever races, the database refuses a second unspent token.
CREATE UNIQUE INDEX refresh_tokens_one_unspent_per_grant ON refresh_tokens (grant_id) WHERE spent_at IS NULL;

CREATE TABLE signing_keys (
    kid TEXT NOT NULL PRIMARY KEY,
    algorithm TEXT NOT NULL,
    pkcs8 BYTEA NOT NULL,
    active BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL
);
-- Servers that start for the first time together agree on one key.
CREATE UNIQUE INDEX signing_keys_one_active ON signing_keys (active) WHERE active;
