-- The browser session in which an authorization was asked for: another one now means that somebody signed in since.
ALTER TABLE pending_authorizations ADD COLUMN began_in BYTEA;
-- The refresh token that the request got that consumed the device code, or would have got: a request that was committed
-- without learning of it recognises itself.
ALTER TABLE device_authorizations ADD COLUMN consumed_by BYTEA;
