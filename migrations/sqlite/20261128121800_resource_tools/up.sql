-- Which tools lie behind each scope of a resource, as its sidecar said last: for the consent page, and nothing is decided by it.
CREATE TABLE resource_tools (
    resource TEXT NOT NULL PRIMARY KEY,
    -- A JSON list.
    tools TEXT NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
