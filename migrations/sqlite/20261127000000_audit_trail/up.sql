-- The audit trail: what was asked for through the resource servers, by whom, and what was decided. Rows stand for themselves, and
-- outlive the users, clients and grants that they name.
CREATE TABLE audit_events (
    -- Made by whoever saw the call, so that what is sent twice is kept once; in the order of time.
    id TEXT NOT NULL PRIMARY KEY,
    at INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    request_id TEXT,
    resource TEXT,
    issuer TEXT,
    subject TEXT,
    client_id TEXT,
    api_key TEXT,
    mcp_method TEXT,
    mcp_name TEXT,
    needed TEXT,
    held TEXT,
    reason TEXT,
    dry_run TEXT,
    status INTEGER,
    latency_us INTEGER,
    -- How many events this one stands for, which could not be kept.
    lost INTEGER
) STRICT;
CREATE INDEX audit_events_at ON audit_events (at, id);
CREATE INDEX audit_events_subject ON audit_events (subject, at, id);
CREATE INDEX audit_events_client_id ON audit_events (client_id, at, id);
CREATE INDEX audit_events_mcp_name ON audit_events (mcp_name, at, id);
