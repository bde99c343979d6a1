#!/bin/sh
# Makes the secrets of docker-compose.yml, once: the password of the database, and the URL that contains it.
set -eu
umask 077
cd "$(dirname "$0")"
if ! mkdir secrets; then
    echo "The secrets exist already. To begin anew, remove that directory and the database: docker compose down --volumes" >&2
    exit 1
fi
password="$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')"
printf '%s' "$password" > secrets/database_password
printf 'postgres://gatelodge:%s@postgres/gatelodge' "$password" > secrets/database_url
# The users inside the containers must be able to read the files. Nobody else can: the directory lets no other user in.
chmod 444 secrets/*
echo "Made $PWD/secrets."
