#!/bin/sh
# Makes the secrets of docker-compose.yml, each once: the password of the database, the URL that contains it, the key that
# encrypts the signing keys in the database, and what the sidecar sends the audit trail with. What is there already stays.
set -eu
umask 077
cd "$(dirname "$0")"
mkdir -p secrets
if [ -e secrets/encryption_key ] && [ -e secrets/audit_secret ]; then
    echo "The secrets exist already. To begin anew, remove that directory and the database: docker compose down --volumes" >&2
    exit 1
fi
if ! [ -e secrets/audit_secret ]; then
    od -An -N32 -tx1 /dev/urandom | tr -d ' \n' > secrets/audit_secret
fi
if ! [ -e secrets/database_password ]; then
    password="$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')"
    printf 'postgres://gatelodge:%s@postgres/gatelodge' "$password" > secrets/database_url
    printf '%s' "$password" > secrets/database_password
fi
if ! [ -e secrets/encryption_key ]; then
    head -c 32 /dev/urandom | base64 > secrets/encryption_key
fi
# The users inside the containers must be able to read the files. Nobody else can: the directory lets no other user in.
chmod 444 secrets/*
echo "Made $PWD/secrets."
