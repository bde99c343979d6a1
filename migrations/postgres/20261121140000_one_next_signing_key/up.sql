-- Of the keys that do not sign now, one at most is about to: servers that rotate at the same time agree on it.
CREATE UNIQUE INDEX signing_keys_one_next ON signing_keys (active) WHERE NOT active AND activates_at IS NOT NULL;
