//! The one diesel schema, true for both databases. A test compares it with what the migrations make.

diesel::table! {
    users (id) {
        id -> Text,
        username -> Text,
        password_hash -> Nullable<Text>,
        created_at -> BigInt,
        disabled_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    browser_sessions (hash) {
        hash -> Binary,
        user_id -> Nullable<Text>,
        created_at -> BigInt,
        authenticated_at -> Nullable<BigInt>,
        last_seen_at -> BigInt,
        expires_at -> BigInt,
    }
}

diesel::table! {
    clients (id) {
        id -> Text,
        name -> Nullable<Text>,
        redirect_uris -> Text,
        grant_types -> Text,
        token_endpoint_auth_method -> Text,
        secret_hash -> Nullable<Binary>,
        client_uri -> Nullable<Text>,
        issued_at -> BigInt,
    }
}

diesel::table! {
    pending_authorizations (hash) {
        hash -> Binary,
        browser_session -> Binary,
        request -> Text,
        created_at -> BigInt,
        expires_at -> BigInt,
    }
}

diesel::table! {
    grants (id) {
        id -> Text,
        user_id -> Text,
        client_id -> Text,
        resource -> Text,
        scope -> Text,
        created_at -> BigInt,
        expires_at -> BigInt,
        revoked_at -> Nullable<BigInt>,
        last_used_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    authorization_codes (hash) {
        hash -> Binary,
        grant_id -> Text,
        client_id -> Text,
        redirect_uri -> Text,
        code_challenge -> Text,
        scope -> Text,
        resource -> Text,
        created_at -> BigInt,
        expires_at -> BigInt,
        consumed_at -> Nullable<BigInt>,
        failures -> BigInt,
    }
}

diesel::table! {
    refresh_tokens (hash) {
        hash -> Binary,
        grant_id -> Text,
        created_at -> BigInt,
        expires_at -> BigInt,
        spent_at -> Nullable<BigInt>,
        successor -> Nullable<Binary>,
    }
}

diesel::table! {
    signing_keys (kid) {
        kid -> Text,
        algorithm -> Text,
        pkcs8 -> Binary,
        active -> Bool,
        created_at -> BigInt,
    }
}
