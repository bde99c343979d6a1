-- Clients that their operator or a document describes, more grants, and keys that rotate.

-- One of configured, metadata_document, dynamic.
ALTER TABLE clients ADD COLUMN registration TEXT NOT NULL DEFAULT 'dynamic';
-- A JSON list: how the client may prove itself besides token_endpoint_auth_method.
ALTER TABLE clients ADD COLUMN other_auth_methods TEXT;
-- Its public keys: a JWK set, or where it is.
ALTER TABLE clients ADD COLUMN jwks TEXT;
ALTER TABLE clients ADD COLUMN jwks_uri TEXT;
-- The most it may be granted, and a JSON list of the resources it may ask for. Null: no limit.
ALTER TABLE clients ADD COLUMN scope TEXT;
ALTER TABLE clients ADD COLUMN resources TEXT;
ALTER TABLE clients ADD COLUMN may_introspect INTEGER NOT NULL DEFAULT 0 CHECK (may_introspect IN (0, 1));
-- Everything it registered, as JSON, to be read back by it.
ALTER TABLE clients ADD COLUMN metadata TEXT;
-- SHA-256 of what it registered: the same registration again gives the same client.
ALTER TABLE clients ADD COLUMN fingerprint BLOB;
CREATE UNIQUE INDEX clients_fingerprint ON clients (fingerprint);
-- SHA-256 of its registration access token.
ALTER TABLE clients ADD COLUMN management_hash BLOB;
-- Until when the document of the client need not be fetched again.
ALTER TABLE clients ADD COLUMN fresh_until INTEGER;
CREATE INDEX clients_registration_issued_at ON clients (registration, issued_at);

ALTER TABLE pending_authorizations ADD COLUMN client_id TEXT;
CREATE INDEX pending_authorizations_client_id ON pending_authorizations (client_id);

-- SQLite cannot drop a NOT NULL, so the table is made anew: user_id is null when a client acts for itself.
CREATE TABLE new_grants (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT REFERENCES users (id) ON DELETE CASCADE,
    -- No foreign key: not every client is registered in the clients table.
    client_id TEXT NOT NULL,
    resource TEXT NOT NULL,
    scope TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER,
    last_used_at INTEGER,
    auth_method TEXT,
    status_index INTEGER,
    name TEXT
) STRICT;
INSERT INTO new_grants
    SELECT id, user_id, client_id, resource, scope, created_at, expires_at, revoked_at, last_used_at, NULL, NULL, NULL FROM grants;
DROP TABLE grants;
ALTER TABLE new_grants RENAME TO grants;
CREATE INDEX grants_user_id ON grants (user_id);
CREATE INDEX grants_client_id ON grants (client_id);
CREATE UNIQUE INDEX grants_status_index ON grants (status_index);
CREATE INDEX grants_expires_at ON grants (expires_at);
CREATE INDEX grants_revoked ON grants (expires_at, status_index) WHERE revoked_at IS NOT NULL;

-- Hands out the places in the status list: never one twice, also after a rollback.
CREATE TABLE status_indices (
    status_index INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    allocated_at INTEGER NOT NULL
) STRICT;

-- Authorization requests that a client pushed (RFC 9126), as the form it sent.
CREATE TABLE pushed_authorization_requests (
    hash BLOB NOT NULL PRIMARY KEY,
    client_id TEXT NOT NULL,
    parameters TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX pushed_authorization_requests_expires_at ON pushed_authorization_requests (expires_at);

-- Devices that wait for somebody to type their code (RFC 8628).
CREATE TABLE device_authorizations (
    hash BLOB NOT NULL PRIMARY KEY,
    -- Without the dash, in capitals.
    user_code TEXT NOT NULL UNIQUE,
    client_id TEXT NOT NULL,
    resource TEXT NOT NULL,
    scope TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    -- In seconds; grows when the device asks too often.
    poll_interval INTEGER NOT NULL,
    last_polled_at INTEGER,
    -- Once allowed.
    grant_id TEXT REFERENCES grants (id) ON DELETE CASCADE,
    denied_at INTEGER,
    consumed_at INTEGER
) STRICT;
CREATE INDEX device_authorizations_grant_id ON device_authorizations (grant_id);
CREATE INDEX device_authorizations_expires_at ON device_authorizations (expires_at);

-- Assertions that clients proved themselves with (RFC 7523 §3), so that none works twice: SHA-256 of client and jti.
CREATE TABLE used_assertions (
    hash BLOB NOT NULL PRIMARY KEY,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX used_assertions_expires_at ON used_assertions (expires_at);

-- Whether pkcs8 is encrypted.
ALTER TABLE signing_keys ADD COLUMN sealed INTEGER NOT NULL DEFAULT 0 CHECK (sealed IN (0, 1));
-- When a published key begins to sign, and until when a key that signed is published.
ALTER TABLE signing_keys ADD COLUMN activates_at INTEGER;
ALTER TABLE signing_keys ADD COLUMN needed_until INTEGER;

CREATE INDEX refresh_tokens_expires_at ON refresh_tokens (expires_at);
