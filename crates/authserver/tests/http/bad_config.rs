//! A configuration that cannot be right is refused at the start, by the real program: it says where (file and line, or the
//! variable), which key, what is wrong and what to write instead, shows no secret, and opens no listener.

use std::net::SocketAddr;
use std::process::Output;

use gatelodge_e2e::process::Process;

use crate::support::binary::{Workplace, free_addresses, reserved_addresses};

const GOOD: &str = r#"public_url = "https://mcp.example.com"
listen = "LISTEN"
health_listen = "HEALTH"
[database]
url = "sqlite://DIRECTORY/gatelodge.db"
[[resource]]
id = "https://mcp.example.com/mcp"
name = "Acme MCP"
default_scopes = ["mcp:use"]
[[resource.scope]]
name = "mcp:use"
title = "Use the tools of this server"
"#;

fn with_addresses(toml: &str, listen: SocketAddr, health: SocketAddr) -> String {
    toml.replace("LISTEN", &listen.to_string()).replace("HEALTH", &health.to_string())
}

/// A change of the good configuration, and what the refusal must say.
struct Case {
    from: &'static str,
    to: &'static str,
    says: &'static [&'static str],
}

const fn case(from: &'static str, to: &'static str, says: &'static [&'static str]) -> Case {
    Case { from, to, says }
}

const URL: &str = r#"public_url = "https://mcp.example.com""#;
const DATABASE: &str = r#"url = "sqlite://DIRECTORY/gatelodge.db""#;
const ID: &str = r#"id = "https://mcp.example.com/mcp""#;
const END: &str = "title = \"Use the tools of this server\"\n";

const CASES: &[Case] = &[
    // TOML
    case(URL, "public_url = https://mcp.example.com", &["gatelodge.toml:1:", "TOML", "hint:"]),
    case(URL, "public_url = \"https://mcp.example.com", &["gatelodge.toml:1:", "hint:"]),
    case("[database]", "[database", &["gatelodge.toml:4:", "hint:"]),
    case(
        URL,
        "public_url = \"https://mcp.example.com\"\npublic_url = \"x\"",
        &["gatelodge.toml:2:", "duplicate", "hint:"],
    ),
    // The audit trail
    case(
        END,
        "title = \"x\"\n[audit]\nsecret = \"short\"\n",
        &["audit.secret", "shorter than 22", "hint:", "openssl rand"],
    ),
    case(END, "title = \"x\"\n[audit]\nretention = \"1h\"\n", &["audit.retention", "shorter than", "hint:", "forever"]),
    case(
        END,
        "title = \"x\"\n[connections]\nretention = \"1h\"\n",
        &["connections.retention", "not between \"1d\" and \"400d\"", "hint:", "off"],
    ),
    case(
        END,
        "title = \"x\"\n[consent]\nremember = \"91d\"\n",
        &["consent.remember", "not between \"1d\" and \"90d\"", "hint:", "off"],
    ),
    // Documents of clients
    case(
        END,
        "title = \"x\"\n[registration.client_id_metadata_documents]\nmode = \"allowlist\"\n",
        &["registration.client_id_metadata_documents.allow", "nobody is allowed", "hint:"],
    ),
    case(
        END,
        "title = \"x\"\n[registration.client_id_metadata_documents]\nallow = [\"claude.ai\"]\n",
        &["client_id_metadata_documents.allow", "mode", "hint:"],
    ),
    case(
        END,
        "title = \"x\"\n[registration.client_id_metadata_documents]\nmode = \"closed\"\n",
        &["mode", "open", "allowlist"],
    ),
    case(
        END,
        "title = \"x\"\n[registration.client_id_metadata_documents]\ndeny = [\"*.example.com\"]\n",
        &["deny[0]", "*.example.com", "hint:"],
    ),
    case(
        END,
        "title = \"x\"\n[registration.client_id_metadata_documents]\ndeny = [\"https://example.com\"]\n",
        &["deny[0]", "https://example.com", "hint:"],
    ),
    case(
        END,
        "title = \"x\"\n[registration.client_id_metadata_documents]\nprivate_hosts = [\"10.0.0.0/8\"]\n",
        &["private_hosts[0]", "10.0.0.0/8", "hint:"],
    ),
    case(
        END,
        "title = \"x\"\n[registration.client_id_metadata_documents]\nextra_ca_file = \"none.pem\"\n",
        &["extra_ca_file", "none.pem", "hint:"],
    ),
    case(
        END,
        "title = \"x\"\n[registration.client_id_metadata_documents]\npinned_directory = \"none\"\n",
        &["pinned_directory", "none", "hint:"],
    ),
    // Keys
    case("public_url", "pubic_url", &["pubic_url", "unknown", "did you mean public_url?"]),
    case("health_listen", "health_listn", &["gatelodge.toml:3:1", "did you mean health_listen?"]),
    case("[database]", "[databse]", &["gatelodge.toml:4:", "did you mean database?"]),
    case(
        "[database]\n",
        "[database]\nmax_conections = 5\n",
        &["gatelodge.toml:5:1", "database.max_conections", "did you mean max_connections?"],
    ),
    case("title =", "titel =", &["gatelodge.toml:12:", "resource[0].scope[0]", "did you mean title?"]),
    case(
        END,
        "title = \"x\"\n[tokens]\naccess_lifetime = \"1h\"\n",
        &["gatelodge.toml:14:1", "tokens.access_lifetime", "possible here", "access_token_lifetime"],
    ),
    case(END, "title = \"x\"\n[secret]\nkey = \"x\"\n", &["secret", "unknown"]),
    case(URL, "", &["public_url is missing", "hint: add public_url"]),
    case(ID, "", &["gatelodge.toml:6:", "id is missing"]),
    case("name = \"Acme MCP\"", "", &["name is missing"]),
    // The issuer
    case(
        "https://mcp.example.com\"\nlisten",
        "http://mcp.example.com\"\nlisten",
        &["gatelodge.toml:1:1", "public_url", "is not https", "https://mcp.example.com"],
    ),
    case(
        "https://mcp.example.com\"\nlisten",
        "https://mcp.example.com/\"\nlisten",
        &["public_url", "write \"https://mcp.example.com\""],
    ),
    case(
        "https://mcp.example.com\"\nlisten",
        "https://mcp.example.com#x\"\nlisten",
        &["public_url", "fragment", "remove"],
    ),
    case(
        "https://mcp.example.com\"\nlisten",
        "https://mcp.example.com?x=y\"\nlisten",
        &["public_url", "query", "remove"],
    ),
    case("https://mcp.example.com\"\nlisten", "https://me@mcp.example.com\"\nlisten", &["public_url", "user name"]),
    case(
        "https://mcp.example.com\"\nlisten",
        "https://MCP.example.com\"\nlisten",
        &["public_url", "write \"https://mcp.example.com\""],
    ),
    case(
        "https://mcp.example.com\"\nlisten",
        "https://mcp.example.com:443\"\nlisten",
        &["public_url", "write \"https://mcp.example.com\""],
    ),
    case(
        "https://mcp.example.com\"\nlisten",
        "mcp.example.com\"\nlisten",
        &["public_url", "hint:", "https://mcp.example.com"],
    ),
    case("https://mcp.example.com\"\nlisten", "\"\nlisten", &["public_url", "hint:"]),
    case("https://mcp.example.com\"\nlisten", "ftp://mcp.example.com\"\nlisten", &["public_url", "hint:"]),
    case(
        "https://mcp.example.com\"\nlisten",
        "https://mcp.example.com/a/../b\"\nlisten",
        &["public_url", "write \"https://mcp.example.com/b\""],
    ),
    // Listeners
    case("\"LISTEN\"", "\"4000\"", &["gatelodge.toml:2:", "listen", "hint:"]),
    case("\"LISTEN\"", "4000", &["gatelodge.toml:2:", "listen", "hint:"]),
    case("\"LISTEN\"", "\"127.0.0.1:99999\"", &["gatelodge.toml:2:", "listen", "hint:"]),
    case("HEALTH", "LISTEN", &["health_listen", "same address", "hint:"]),
    // The database
    case(
        "sqlite://DIRECTORY/gatelodge.db",
        "mysql://root:hunter2@localhost/x",
        &["gatelodge.toml:5:", "database.url", "sqlite://", "postgres://"],
    ),
    case("sqlite://DIRECTORY/gatelodge.db", "gatelodge.db", &["database.url", "sqlite://"]),
    case("sqlite://DIRECTORY/gatelodge.db", "sqlite://:memory:", &["database.url", "memory"]),
    case("sqlite://DIRECTORY/gatelodge.db", "sqlite://", &["database.url", "path"]),
    case("sqlite://DIRECTORY/gatelodge.db", "sqlite://x.db?mode=ro", &["database.url", "remove"]),
    case("sqlite://DIRECTORY/gatelodge.db", "postgres://u:hunter2@x@db.example/x", &["database.url", "%40"]),
    case("sqlite://DIRECTORY/gatelodge.db", "", &["database.url", "empty"]),
    case(
        DATABASE,
        "url = \"sqlite://x.db\"\nurl_file = \"DIRECTORY/private\"",
        &["database.url", "both set", "remove one"],
    ),
    case(DATABASE, "url_file = \"DIRECTORY/missing\"", &["database.url_file", "cannot be read", "hint:"]),
    case(
        DATABASE,
        "url_file = \"DIRECTORY/world_readable\"",
        &["gatelodge.toml:5:", "database.url_file", "can be read by other users", "chmod 600"],
    ),
    case(DATABASE, "url_file = \"DIRECTORY/empty\"", &["database.url_file", "empty"]),
    case("[database]\n", "[database]\nmax_connections = 0\n", &["database.max_connections", "between 1 and 1000"]),
    case("[database]\n", "[database]\nmax_connections = 5000\n", &["database.max_connections", "between 1 and 1000"]),
    case(
        "[database]\n",
        "[database]\nmax_connections = \"ten\"\n",
        &["gatelodge.toml:5:", "database.max_connections", "hint:"],
    ),
    case("[database]\n", "[database]\nmax_connections = -1\n", &["database.max_connections", "hint:"]),
    // Resources
    case(
        "https://mcp.example.com/mcp",
        "https://mcp.example.com/mcp#x",
        &["gatelodge.toml:7:", "resource[0].id", "fragment", "hint:"],
    ),
    case("https://mcp.example.com/mcp", "https://mcp.example.com/mcp?x", &["resource[0].id", "query"]),
    case("https://mcp.example.com/mcp", "https://mcp.example.com/mcp/", &["resource[0].id", "slash"]),
    case("https://mcp.example.com/mcp", "https://MCP.example.com/mcp", &["resource[0].id", "canonical"]),
    case("https://mcp.example.com/mcp", "https://u@mcp.example.com/mcp", &["resource[0].id", "user name"]),
    case("https://mcp.example.com/mcp", "/mcp", &["resource[0].id", "absolute"]),
    case("https://mcp.example.com/mcp", "http://mcp.example.com/mcp", &["resource[0].id", "https"]),
    case(
        END,
        "title = \"x\"\n[[resource]]\nid = \"https://mcp.example.com/mcp\"\nname = \"B\"\ndefault_scopes = [\"b\"]\n[[resource.scope]]\nname = \"b\"\ntitle = \"B\"\n",
        &["resource[1].id", "configured twice"],
    ),
    case("[\"mcp:use\"]", "[\"mcp:usage\"]", &["gatelodge.toml:9:", "resource[0].default_scopes", "mcp:usage"]),
    case("[\"mcp:use\"]", "[]", &["resource[0].default_scopes", "hint:"]),
    case("[\"mcp:use\"]", "\"mcp:use\"", &["gatelodge.toml:9:", "resource[0].default_scopes", "hint:"]),
    case(
        "name = \"mcp:use\"",
        "name = \"mcp use\"",
        &["gatelodge.toml:11:", "resource[0].scope[0].name", "not a scope name"],
    ),
    case("name = \"mcp:use\"", "name = \"\"", &["resource[0].scope[0].name", "not a scope name"]),
    case(END, "title = \" \"\n", &["gatelodge.toml:12:", "resource[0].scope[0].title", "empty"]),
    case(
        END,
        "title = \"x\"\n[[resource.scope]]\nname = \"mcp:use\"\ntitle = \"again\"\n",
        &["resource[0].scope[1].name", "twice"],
    ),
    case(END, "title = \"x\"\nimplies = [\"mcp:gone\"]\n", &["resource[0].scope[0].implies", "mcp:gone", "hint:"]),
    case("name = \"Acme MCP\"", "name = \"\"", &["resource[0].name", "empty"]),
    // Lifetimes
    case(
        END,
        "title = \"x\"\n[tokens]\nauthorization_code_lifetime = \"5s\"\n",
        &["gatelodge.toml:14:1", "tokens.authorization_code_lifetime", "between \"10s\" and \"10m\""],
    ),
    case(
        END,
        "title = \"x\"\n[tokens]\nauthorization_code_lifetime = \"1h\"\n",
        &["tokens.authorization_code_lifetime", "between"],
    ),
    case(
        END,
        "title = \"x\"\n[tokens]\naccess_token_lifetime = \"30s\"\n",
        &["tokens.access_token_lifetime", "between"],
    ),
    case(
        END,
        "title = \"x\"\n[tokens]\naccess_token_lifetime = \"2d\"\n",
        &["tokens.access_token_lifetime", "between"],
    ),
    case(
        END,
        "title = \"x\"\n[tokens]\nrefresh_token_idle_lifetime = \"1m\"\n",
        &["tokens.refresh_token_idle_lifetime", "between"],
    ),
    case(
        END,
        "title = \"x\"\n[tokens]\nrefresh_token_lifetime = \"401d\"\n",
        &["tokens.refresh_token_lifetime", "between"],
    ),
    case(END, "title = \"x\"\n[tokens]\nlost_response_window = \"2d\"\n", &["tokens.lost_response_window", "between"]),
    case(END, "title = \"x\"\n[tokens]\nstale_sibling_window = \"2d\"\n", &["tokens.stale_sibling_window", "between"]),
    case(END, "title = \"x\"\n[tokens]\nconsent_lifetime = \"1h\"\n", &["tokens.consent_lifetime", "between"]),
    case(END, "title = \"x\"\n[tokens]\nsession_lifetime = \"1s\"\n", &["tokens.session_lifetime", "between"]),
    case(END, "title = \"x\"\n[tokens]\naccess_token_lifetime = 3600\n", &["tokens.access_token_lifetime", "hint:"]),
    case(
        END,
        "title = \"x\"\n[tokens]\naccess_token_lifetime = \"1 hour\"\n",
        &["gatelodge.toml:14:", "tokens.access_token_lifetime", "15m"],
    ),
    // Clients
    case(
        END,
        "title = \"x\"\n[[client]]\nid = \"c d\"\nname = \"C\"\nredirect_uris = [\"https://c.example/cb\"]\n",
        &["gatelodge.toml:14:", "client[0].id", "visible ASCII"],
    ),
    case(
        END,
        "title = \"x\"\n[[client]]\nid = \"\"\nname = \"C\"\nredirect_uris = [\"https://c.example/cb\"]\n",
        &["client[0].id", "visible ASCII"],
    ),
    case(
        END,
        "title = \"x\"\n[[client]]\nid = \"c\"\nredirect_uris = [\"https://c.example/cb\"]\n",
        &["name is missing"],
    ),
    case(
        END,
        "title = \"x\"\n[[client]]\nid = \"c\"\nname = \" \"\nredirect_uris = [\"https://c.example/cb\"]\n",
        &["client[0].name", "empty"],
    ),
    case(END, "title = \"x\"\n[[client]]\nid = \"c\"\nname = \"C\"\n", &["client[0].redirect_uris", "is empty"]),
    case(
        END,
        "title = \"x\"\n[[client]]\nid = \"c\"\nname = \"C\"\nredirect_uris = [\"javascript:x\"]\n",
        &["gatelodge.toml:16:", "client[0].redirect_uris", "scheme"],
    ),
    case(
        END,
        "title = \"x\"\n[[client]]\nid = \"c\"\nname = \"C\"\nredirect_uris = [\"http://10.0.0.1/cb\"]\n",
        &["client[0].redirect_uris", "http_redirect_hosts"],
    ),
    case(
        END,
        "title = \"x\"\n[[client]]\nid = \"c\"\nname = \"C\"\nredirect_uris = [\"https://c.example/cb\"]\ngrant_types = [\"password\"]\n",
        &["gatelodge.toml:17:", "client[0].grant_types", "choose from authorization_code"],
    ),
    case(
        END,
        "title = \"x\"\n[[client]]\nid = \"c\"\nname = \"C\"\ngrant_types = []\n",
        &["client[0].grant_types", "empty"],
    ),
    case(
        END,
        "title = \"x\"\n[[client]]\nid = \"c\"\nname = \"C\"\nredirect_uris = [\"https://c.example/cb\"]\nsecret = \"hunter2\"\n",
        &["gatelodge.toml:17:", "client[0].secret", "shorter than 22"],
    ),
    case(
        END,
        "title = \"x\"\n[[client]]\nid = \"c\"\nname = \"C\"\nredirect_uris = [\"https://c.example/cb\"]\nsecret = \"hunter2hunter2hunter2hunter2\"\nsecret_sha256 = \"x\"\n",
        &["client[0].secret_sha256", "remove one"],
    ),
    case(
        END,
        "title = \"x\"\n[[client]]\nid = \"c\"\nname = \"C\"\nredirect_uris = [\"https://c.example/cb\"]\nsecret_sha256 = \"hunter2\"\n",
        &["client[0].secret_sha256", "64 hexadecimal digits"],
    ),
    case(
        END,
        "title = \"x\"\n[[client]]\nid = \"c\"\nname = \"C\"\nredirect_uris = [\"https://c.example/cb\"]\nsecret_file = \"DIRECTORY/world_readable\"\n",
        &["client[0].secret_file", "chmod 600"],
    ),
    case(
        END,
        "title = \"x\"\n[[client]]\nid = \"c\"\nname = \"C\"\nredirect_uris = [\"https://c.example/cb\"]\ntoken_endpoint_auth_method = \"client_secret_basic\"\n",
        &["client[0].token_endpoint_auth_method", "neither secret nor keys"],
    ),
    case(
        END,
        "title = \"x\"\n[[client]]\nid = \"c\"\nname = \"C\"\nredirect_uris = [\"https://c.example/cb\"]\nsecret = \"hunter2hunter2hunter2hunter2\"\ntoken_endpoint_auth_method = \"none\"\n",
        &["client[0].token_endpoint_auth_method", "has a secret"],
    ),
    case(
        END,
        "title = \"x\"\n[[client]]\nid = \"c\"\nname = \"C\"\nredirect_uris = [\"https://c.example/cb\"]\nsecret = \"hunter2hunter2hunter2hunter2\"\njwks_uri = \"https://c.example/jwks\"\n",
        &["client[0].secret", "beside keys"],
    ),
    case(
        END,
        "title = \"x\"\n[[client]]\nid = \"c\"\nname = \"C\"\nredirect_uris = [\"https://c.example/cb\"]\njwks_uri = \"http://c.example/jwks\"\n",
        &["client[0].jwks_uri", "https URL"],
    ),
    case(
        END,
        "title = \"x\"\n[[client]]\nid = \"c\"\nname = \"C\"\nredirect_uris = [\"https://c.example/cb\"]\njwks_uri = \"https://c.example/jwks\"\njwks_file = \"x\"\n",
        &["client[0].jwks_uri", "both set"],
    ),
    case(
        END,
        "title = \"x\"\n[[client]]\nid = \"c\"\nname = \"C\"\nredirect_uris = [\"https://c.example/cb\"]\njwks_file = \"DIRECTORY/missing\"\n",
        &["client[0].jwks_file", "cannot be read"],
    ),
    case(
        END,
        "title = \"x\"\n[[client]]\nid = \"c\"\nname = \"C\"\nredirect_uris = [\"https://c.example/cb\"]\njwks_file = \"DIRECTORY/private\"\n",
        &["client[0].jwks_file", "public keys"],
    ),
    case(
        END,
        "title = \"x\"\n[[client]]\nid = \"user_ada\"\nname = \"C\"\nredirect_uris = [\"https://c.example/cb\"]\n",
        &["client[0].id", "this server gives itself"],
    ),
    case(
        END,
        "title = \"x\"\n[[client]]\nid = \"personal_token\"\nname = \"C\"\nredirect_uris = [\"https://c.example/cb\"]\n",
        &["client[0].id", "this server gives itself"],
    ),
    case(
        END,
        "title = \"x\"\n[[client]]\nid = \"c\"\nname = \"C\"\nredirect_uris = [\"https://c.example/cb\"]\nscopes = [\"notes:read\"]\n",
        &["client[0].scopes", "[[resource.scope]]"],
    ),
    case(
        END,
        "title = \"x\"\n[[client]]\nid = \"c\"\nname = \"C\"\nredirect_uris = [\"https://c.example/cb\"]\nscopes = []\n",
        &["client[0].scopes", "hint:"],
    ),
    case(
        END,
        "title = \"x\"\n[[client]]\nid = \"c\"\nname = \"C\"\nredirect_uris = [\"https://c.example/cb\"]\nresources = [\"https://x.example/mcp\"]\n",
        &["client[0].resources", "[[resource]]"],
    ),
    case(
        END,
        "title = \"x\"\n[[client]]\nid = \"c\"\nname = \"C\"\ngrant_types = []\nintrospection = true\n",
        &["client[0].introspection", "RFC 7662"],
    ),
    case(
        END,
        "title = \"x\"\n[[client]]\nid = \"c\"\nname = \"C\"\nredirect_uris = [\"https://c.example/cb\"]\n[[client]]\nid = \"c\"\nname = \"D\"\nredirect_uris = [\"https://c.example/cb\"]\n",
        &["client[1].id", "configured twice"],
    ),
    case(
        END,
        "title = \"x\"\n[[client]]\nid = \"c\"\nname = \"C\"\nredirect_uri = [\"https://c.example/cb\"]\n",
        &["gatelodge.toml:16:", "did you mean redirect_uris?"],
    ),
    // E-mail
    case(END, "title = \"x\"\n[email]\nfrom = \"a@example.com\"\n", &["email", "host is missing", "hint:"]),
    case(
        END,
        "title = \"x\"\n[email]\nhost = \"smtp.example.com:465\"\nfrom = \"accounts\"\n",
        &["gatelodge.toml:14:", "email.host", "email.port", "email.from", "\"accounts\"", "accounts@example.com"],
    ),
    case(
        END,
        "title = \"x\"\n[email]\nhost = \"smtp.example.com\"\nfrom = \"a@example.com, b@example.com\"\nport = 0\n",
        &["email.from", "email.port", "587"],
    ),
    case(
        END,
        "title = \"x\"\n[email]\nhost = \"10.0.0.1\"\ntls = \"none\"\nfrom = \"a@example.com\"\n",
        &["email.tls", "in clear", "starttls", "localhost"],
    ),
    case(
        END,
        "title = \"x\"\n[email]\nhost = \"h.example\"\ntls = \"ssl\"\nfrom = \"a@example.com\"\n",
        &["email.tls", "wrapper", "starttls", "none"],
    ),
    case(
        END,
        "title = \"x\"\n[email]\nhost = \"h.example\"\nusername = \"gate\"\nfrom = \"a@example.com\"\n",
        &["email.username", "password_file", "hint:"],
    ),
    case(
        END,
        "title = \"x\"\n[email]\nhost = \"h.example\"\npassword = \"hunter2\"\nfrom = \"a@example.com\"\n",
        &["email.password", "email.username", "hint:"],
    ),
    case(
        END,
        "title = \"x\"\n[email]\nhost = \"h.example\"\nusername = \"gate\"\npassword_file = \"DIRECTORY/world_readable\"\nfrom = \"a@example.com\"\n",
        &["email.password_file", "chmod 600"],
    ),
    case(
        END,
        "title = \"x\"\n[email]\nhost = \"h.example\"\nfrom = \"a@example.com\"\nsender = \"x\"\n",
        &["email.sender", "unknown"],
    ),
    case(
        END,
        "title = \"x\"\n[login]\nmethods = [\"password\", \"email_code\"]\n",
        &["login.methods", "there is no [email]", "hint:"],
    ),
    case(
        END,
        "title = \"x\"\n[login]\nmethods = [\"password\", \"passkey\", \"password\"]\n",
        &["login.methods", "twice"],
    ),
    case(END, "title = \"x\"\n[login]\nmethods = []\n", &["login.methods", "leaves nobody a way", "hint:"]),
    case(
        END,
        "title = \"x\"\n[login]\nmethods = [\"oidc\", \"passkey\"]\n",
        &["login.methods", "people with a password", "hint:"],
    ),
    case(END, "title = \"x\"\n[login]\nmethods = [\"magic\"]\n", &["magic", "password", "email_code"]),
    // Keys
    case(END, "title = \"x\"\n[keys]\nalgorithm = \"HS256\"\n", &["keys.algorithm", "ES256, EdDSA, RS256"]),
    case(
        END,
        "title = \"x\"\n[keys]\nencryption_key = \"hunter2\"\n",
        &["keys.encryption_key", "openssl rand -base64 32"],
    ),
    case(END, "title = \"x\"\n[keys]\nencryption_key_file = \"private\"\n", &["keys.encryption_key_file", "32 bytes"]),
    case(
        END,
        "title = \"x\"\n[keys]\nencryption_key_file = \"world_readable\"\n",
        &["keys.encryption_key_file", "chmod 600"],
    ),
    case(
        END,
        "title = \"x\"\n[keys]\nencryption_key = \"x\"\nencryption_key_file = \"private\"\n",
        &["keys.encryption_key", "both set"],
    ),
    case(
        DATABASE,
        "url = \"postgres://u:hunter2@h/x\"",
        &["keys.encryption_key_file", "PostgreSQL", "openssl rand -base64 32 > FILE && chmod 600 FILE"],
    ),
    case(END, "title = \"x\"\n[keys]\nrotation_interval = \"1h\"\n", &["keys.rotation_interval", "between", "400d"]),
    case(END, "title = \"x\"\n[keys]\nrotation_interval = \"off\"\n", &["keys.rotation_interval", "never"]),
    case(END, "title = \"x\"\n[keys]\npublish_before = \"1m\"\n", &["keys.publish_before", "between", "10m"]),
    // Registration
    case(
        END,
        "title = \"x\"\n[registration]\ndcr = \"token\"\n",
        &["gatelodge.toml:14:", "registration.dcr", "no token"],
    ),
    case(
        END,
        "title = \"x\"\n[registration]\ndcr = \"token\"\ninitial_access_token = \"hunter2\"\n",
        &["registration.initial_access_token", "shorter than 22"],
    ),
    case(
        END,
        "title = \"x\"\n[registration]\ninitial_access_token = \"hunter2hunter2hunter2hunter2\"\n",
        &["registration.initial_access_token", "nobody is asked"],
    ),
    case(
        END,
        "title = \"x\"\n[registration]\ndcr = \"token\"\ninitial_access_token_file = \"DIRECTORY/world_readable\"\n",
        &["registration.initial_access_token_file", "chmod 600"],
    ),
    case(
        END,
        "title = \"x\"\n[registration]\nextra_redirect_schemes = [\"myeditor:\"]\n",
        &["gatelodge.toml:14:", "registration.extra_redirect_schemes", "without the colon"],
    ),
    case(
        END,
        "title = \"x\"\n[registration]\nextra_redirect_schemes = [\"javascript\"]\n",
        &["registration.extra_redirect_schemes", "never leads back"],
    ),
    case(
        END,
        "title = \"x\"\n[registration]\nextra_redirect_schemes = [\"http\"]\n",
        &["registration.extra_redirect_schemes", "http_redirect_hosts"],
    ),
    case(
        END,
        "title = \"x\"\n[registration]\nhttp_redirect_hosts = [\"http://chat.lan\"]\n",
        &["registration.http_redirect_hosts", "is not a host"],
    ),
    case(
        END,
        "title = \"x\"\n[registration]\nhttp_redirect_hosts = [\"chat.lan:3000\"]\n",
        &["registration.http_redirect_hosts", "without a port"],
    ),
    case(
        END,
        "title = \"x\"\n[registration]\nhttp_redirect_hosts = [\"Chat.lan\"]\n",
        &["registration.http_redirect_hosts", "small letters"],
    ),
    case(
        END,
        "title = \"x\"\n[registration]\nmax_unused_clients = 1\n",
        &["registration.max_unused_clients", "between 10 and 1000000"],
    ),
    case(
        END,
        "title = \"x\"\n[registration]\nunused_client_lifetime = \"1m\"\n",
        &["registration.unused_client_lifetime", "between \"1h\" and \"400d\""],
    ),
    case(
        END,
        "title = \"x\"\n[limits]\nregistrations = 0\n",
        &["gatelodge.toml:14:", "limits.registrations", "between 1 and"],
    ),
    case(
        END,
        "title = \"x\"\n[limits]\nregistrations_per_source = 2000000\n",
        &["limits.registrations_per_source", "between 1 and"],
    ),
    case(
        URL,
        "public_url = \"https://mcp.example.com\"\ntrusted_proxies = [\"10.0.0.0/33\"]",
        &["gatelodge.toml:2:", "trusted_proxies", "neither an address nor a network"],
    ),
    // The rest
    case(END, "title = \"x\"\n[registration]\ndcr = \"maybe\"\n", &["registration.dcr", "open, off, token"]),
    case(END, "title = \"x\"\n[login]\nsecond_factor = \"always\"\n", &["login.second_factor", "optional", "required"]),
    case(END, "title = \"x\"\n[registration]\ndcr = true\n", &["registration.dcr", "hint:"]),
    case(END, "title = \"x\"\n[logs]\nformat = \"xml\"\n", &["logs.format", "json, text"]),
    case(END, "title = \"x\"\n[logs]\nlevel = \"infos\"\n", &["logs.level", "did you mean info?"]),
    case(
        END,
        "title = \"x\"\n[development]\nallow_unsafe_values = \"yes\"\n",
        &["development.allow_unsafe_values", "hint:"],
    ),
];

fn refused(output: &Output, what: &str) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let logged = String::from_utf8_lossy(&output.stdout);
    assert!(!output.status.success(), "{what} was accepted: {logged}");
    assert!(!said.contains("cannot listen") && !logged.contains("ready"), "{what} opened a listener: {said}{logged}");
    assert!(!said.contains("panicked") && !said.contains("hunter2"), "{what}: {said}");
    said
}

#[test]
fn every_bad_configuration_is_refused_with_place_key_and_fix() {
    // Held to the end: a program that opened a listener would fail at that, and not at what is wrong.
    let listeners = reserved_addresses();
    let [listen, health] = listeners.each_ref().map(|listener| listener.local_addr().expect("an address"));
    for Case { from, to, says } in CASES {
        assert!(GOOD.contains(from), "{from}");
        let workplace = Workplace::new(&with_addresses(&GOOD.replacen(from, to, 1), listen, health));
        for (name, text, mode) in [
            ("private", "sqlite://x.db", 0o600),
            ("world_readable", "postgres://u:hunter2@h/x", 0o644),
            ("empty", "\n", 0o600),
        ] {
            workplace.write(name, text, mode);
        }
        for command in ["check", "serve"] {
            let said = refused(&workplace.run(&[command], &[]), to);
            for part in *says {
                assert!(said.contains(part), "{command} with {to:?} does not say {part:?}: {said}");
            }
            assert!(said.contains("gatelodge.toml"), "{command} with {to:?} names no file: {said}");
        }
    }
    assert!(CASES.len() >= 70);
}

#[test]
fn all_problems_are_told_at_once() {
    let [listen, health] = free_addresses();
    let bad = GOOD.replace("public_url = \"https", "public_url = \"http").replace("[\"mcp:use\"]", "[\"x\"]")
        + "[tokens]\naccess_token_lifetime = \"1s\"\n";
    let said = refused(&Workplace::new(&with_addresses(&bad, listen, health)).run(&["check"], &[]), "three problems");
    for key in ["public_url", "resource[0].default_scopes", "tokens.access_token_lifetime"] {
        assert!(said.contains(key), "{key}: {said}");
    }
}

#[test]
fn a_bad_variable_is_named() {
    let [listen, health] = free_addresses();
    let workplace = Workplace::new(&with_addresses(GOOD, listen, health));
    for (name, value, says) in [
        ("GATELODGE__TOKENS__ACCESS_TOKEN_LIFETIME", "1s", "between"),
        ("GATELODGE__PUBLIC_URL", "http://mcp.example.com", "is not https"),
        ("GATELODGE__DATBASE__URL", "x", "did you mean database?"),
        ("GATELODGE__DATABASE__URL", "mysql://root:hunter2@localhost/x", "sqlite://"),
        ("GATELODGE__RESOURCE__5__NAME", "x", "there is no such place"),
        ("GATELODGE__LISTEN", "nowhere", "hint:"),
    ] {
        for command in ["check", "serve"] {
            let said = refused(&workplace.run(&[command], &[(name, value)]), name);
            assert!(said.contains(says), "{name}: {said}");
            assert!(said.contains(name) || name.contains("DATBASE"), "{name} is not named: {said}");
        }
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let [listen, health] = free_addresses();
    let workplace = Workplace::new(&with_addresses(GOOD, listen, health));
    std::fs::remove_file(workplace.config()).expect("removed");
    assert!(refused(&workplace.run(&["serve"], &[]), "no file").contains("gatelodge.toml: cannot be read"));
    std::fs::create_dir(workplace.config()).expect("a directory");
    assert!(refused(&workplace.run(&["serve"], &[]), "a directory").contains("gatelodge.toml: cannot be read"));
    std::fs::remove_dir(workplace.config()).expect("removed");
    std::fs::write(workplace.config(), b"\xff\xfe\0").expect("written");
    assert!(refused(&workplace.run(&["serve"], &[]), "binary").contains("gatelodge.toml: cannot be read"));
}

#[test]
fn a_database_that_is_not_there_stops_the_start() {
    let listeners = reserved_addresses();
    let [listen, health] = listeners.each_ref().map(|listener| listener.local_addr().expect("an address"));
    for (url, says) in [
        (
            "postgres://gatelodge:hunter2@127.0.0.1:1/gatelodge",
            "cannot open postgresql://gatelodge@127.0.0.1:1/gatelodge",
        ),
        (
            "postgres://gatelodge:hunter2@localhost:1/gatelodge?password=hunter2",
            "cannot open postgresql://gatelodge@localhost:1/gatelodge",
        ),
        ("sqlite:///dev/null/gatelodge.db", "/dev/null"),
        ("sqlite://DIRECTORY/gatelodge.toml", "gatelodge.toml"),
    ] {
        let toml = with_addresses(&GOOD.replace("sqlite://DIRECTORY/gatelodge.db", url), listen, health);
        let key = ("GATELODGE__KEYS__ENCRYPTION_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
        let said = refused(&Workplace::new(&toml).run(&["serve"], &[key]), url);
        assert!(said.contains(says), "{url}: {said}");
    }
}

#[test]
fn an_address_in_use_is_named_with_its_key() {
    let listeners = reserved_addresses();
    let [listen, health] = listeners.each_ref().map(|listener| listener.local_addr().expect("an address"));
    let workplace = Workplace::new(&with_addresses(GOOD, listen, health));
    let output = workplace.run(&["serve"], &[]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(said.contains(&format!("cannot listen on {listen}")) && said.contains("\"listen\""), "{said}");
}

#[test]
fn a_second_server_on_a_sqlite_file_is_refused() {
    let [listen, health] = free_addresses();
    let workplace = Workplace::new(&with_addresses(GOOD, listen, health));
    let (mut first, _) = workplace.serve(listen, health, "https://mcp.example.com");
    let [other, other_health] = free_addresses().map(|address| address.to_string());
    let elsewhere = [("GATELODGE__LISTEN", other.as_str()), ("GATELODGE__HEALTH_LISTEN", other_health.as_str())];
    let said = refused(&workplace.run(&["serve"], &elsewhere), "a second server");
    assert!(said.contains("in use by another gatelodge server"), "{said}");
    assert!(first.stop().success());
}

#[test]
fn the_switch_for_unsafe_values_is_named_at_every_start_and_is_needed() {
    let switch = "development.allow_unsafe_values";
    for (on, unsafe_value) in [(true, true), (true, false), (false, false)] {
        let [listen, health] = free_addresses();
        // Without the link for the first administrator, which is for people.
        let mut toml = with_addresses(GOOD, listen, health) + "[login.setup]\nenabled = false\n";
        if on {
            toml += "[development]\nallow_unsafe_values = true\n";
        }
        if unsafe_value {
            toml += "[tokens]\naccess_token_lifetime = \"5s\"\n";
        }
        let workplace = Workplace::new(&toml);
        let (mut process, _): (Process, _) = workplace.serve(listen, health, "https://mcp.example.com");
        assert!(process.stop().success());
        let log = process.log();
        let warning = log.lines().find(|line| line.contains(switch));
        assert_eq!(warning.is_some(), on, "{log}");
        assert!(warning.is_none_or(|line| line.contains("\"WARN\"")), "{log}");
        assert!(log.lines().all(|line| line.starts_with('{')), "every line is JSON: {log}");
    }
}
