//! The one diesel schema, true for both databases. A test compares it with what the migrations make.

diesel::table! {
    users (id) {
        id -> Text,
        username -> Text,
        password_hash -> Nullable<Text>,
        created_at -> BigInt,
        disabled_at -> Nullable<BigInt>,
        is_admin -> Bool,
    }
}

diesel::table! {
    email_addresses (user_id) {
        user_id -> Text,
        address -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    email_codes (browser_session) {
        browser_session -> Binary,
        user_id -> Nullable<Text>,
        account -> Binary,
        code -> Binary,
        failures -> BigInt,
        expires_at -> BigInt,
        asked_as -> Nullable<Binary>,
    }
}

diesel::table! {
    sign_in_failures (hash) {
        hash -> Binary,
        last_failed_at -> BigInt,
        expires_at -> BigInt,
    }
}

diesel::table! {
    known_sources (hash) {
        hash -> Binary,
        user_id -> Text,
        expires_at -> BigInt,
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
        registration -> Text,
        other_auth_methods -> Nullable<Text>,
        jwks -> Nullable<Text>,
        jwks_uri -> Nullable<Text>,
        scope -> Nullable<Text>,
        resources -> Nullable<Text>,
        may_introspect -> Bool,
        metadata -> Nullable<Text>,
        fingerprint -> Nullable<Binary>,
        management_hash -> Nullable<Binary>,
        fresh_until -> Nullable<BigInt>,
        unused_since -> Nullable<BigInt>,
    }
}

diesel::table! {
    pending_authorizations (hash) {
        hash -> Binary,
        browser_session -> Binary,
        request -> Text,
        created_at -> BigInt,
        expires_at -> BigInt,
        client_id -> Nullable<Text>,
        began_in -> Nullable<Binary>,
    }
}

diesel::table! {
    grants (id) {
        id -> Text,
        user_id -> Nullable<Text>,
        client_id -> Text,
        resource -> Text,
        scope -> Text,
        created_at -> BigInt,
        expires_at -> BigInt,
        revoked_at -> Nullable<BigInt>,
        last_used_at -> Nullable<BigInt>,
        auth_method -> Nullable<Text>,
        status_index -> Nullable<BigInt>,
        name -> Nullable<Text>,
        spares_question -> Bool,
        remembered_from -> Nullable<Text>,
        last_used_from -> Nullable<Text>,
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
        consumed_by -> Nullable<Binary>,
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

diesel::allow_tables_to_appear_in_same_query!(grants, refresh_tokens);
diesel::allow_tables_to_appear_in_same_query!(grants, users);

diesel::table! {
    signing_keys (kid) {
        kid -> Text,
        algorithm -> Text,
        pkcs8 -> Binary,
        active -> Bool,
        created_at -> BigInt,
        sealed -> Bool,
        activates_at -> Nullable<BigInt>,
        needed_until -> Nullable<BigInt>,
    }
}

diesel::table! {
    status_indices (status_index) {
        status_index -> BigInt,
        allocated_at -> BigInt,
    }
}

diesel::table! {
    pushed_authorization_requests (hash) {
        hash -> Binary,
        client_id -> Text,
        parameters -> Text,
        created_at -> BigInt,
        expires_at -> BigInt,
    }
}

diesel::table! {
    device_authorizations (hash) {
        hash -> Binary,
        user_code -> Text,
        client_id -> Text,
        resource -> Text,
        scope -> Text,
        created_at -> BigInt,
        expires_at -> BigInt,
        poll_interval -> BigInt,
        last_polled_at -> Nullable<BigInt>,
        grant_id -> Nullable<Text>,
        denied_at -> Nullable<BigInt>,
        consumed_at -> Nullable<BigInt>,
        consumed_by -> Nullable<Binary>,
    }
}

diesel::allow_tables_to_appear_in_same_query!(clients, grants);

diesel::table! {
    used_assertions (hash) {
        hash -> Binary,
        expires_at -> BigInt,
        request -> Nullable<Text>,
    }
}

// A client is cleared away only when no browser shows its request.
diesel::allow_tables_to_appear_in_same_query!(clients, pending_authorizations);

diesel::table! {
    audit_events (id) {
        id -> Text,
        at -> BigInt,
        outcome -> Text,
        request_id -> Nullable<Text>,
        resource -> Nullable<Text>,
        issuer -> Nullable<Text>,
        subject -> Nullable<Text>,
        client_id -> Nullable<Text>,
        api_key -> Nullable<Text>,
        mcp_method -> Nullable<Text>,
        mcp_name -> Nullable<Text>,
        needed -> Nullable<Text>,
        held -> Nullable<Text>,
        reason -> Nullable<Text>,
        dry_run -> Nullable<Text>,
        status -> Nullable<BigInt>,
        latency_us -> Nullable<BigInt>,
        lost -> Nullable<BigInt>,
        source -> Nullable<Text>,
        actor -> Nullable<Text>,
    }
}

diesel::table! {
    upstream_sign_ins (hash) {
        hash -> Binary,
        browser_session -> Binary,
        provider -> Text,
        sealed -> Binary,
        created_at -> BigInt,
        expires_at -> BigInt,
    }
}

diesel::table! {
    upstream_identities (issuer, subject) {
        issuer -> Text,
        subject -> Text,
        user_id -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    setup_links (slot) {
        slot -> BigInt,
        hash -> Binary,
        created_at -> BigInt,
        expires_at -> BigInt,
    }
}

diesel::table! {
    password_links (hash) {
        hash -> Binary,
        user_id -> Text,
        created_at -> BigInt,
        expires_at -> BigInt,
    }
}

diesel::table! {
    connection_steps (id) {
        id -> Text,
        connection -> Text,
        at -> BigInt,
        step -> Text,
        client_id -> Nullable<Text>,
        user_id -> Nullable<Text>,
        resource -> Nullable<Text>,
        source -> Nullable<Text>,
        grant_id -> Nullable<Text>,
        detail -> Nullable<Text>,
    }
}

diesel::table! {
    totp_secrets (user_id) {
        user_id -> Text,
        sealed -> Binary,
        last_step -> BigInt,
        created_at -> BigInt,
        last_used_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    recovery_codes (hash) {
        hash -> Binary,
        user_id -> Text,
    }
}

diesel::table! {
    second_steps (browser_session) {
        browser_session -> Binary,
        user_id -> Text,
        counted -> Bool,
        expires_at -> BigInt,
    }
}

diesel::table! {
    resource_tools (resource) {
        resource -> Text,
        tools -> Text,
        updated_at -> BigInt,
    }
}

diesel::table! {
    passkeys (id) {
        id -> Binary,
        user_id -> Text,
        name -> Text,
        credential -> Text,
        counter -> BigInt,
        created_at -> BigInt,
        last_used_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    passkey_ceremonies (browser_session) {
        browser_session -> Binary,
        state -> Text,
        expires_at -> BigInt,
    }
}

diesel::table! {
    administration_links (hash) {
        hash -> Binary,
        user_id -> Text,
        created_at -> BigInt,
        expires_at -> BigInt,
    }
}

diesel::table! {
    administration_sessions (hash) {
        hash -> Binary,
        user_id -> Text,
        created_at -> BigInt,
        expires_at -> BigInt,
    }
}
