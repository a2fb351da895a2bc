#!/bin/sh
# Runs once, on an empty volume: one role for each product, neither of them a superuser.
set -eu

for name in temporal retakes; do
    secret="/run/secrets/${name}_database_password"
    if [ ! -s "$secret" ]; then
        echo "The secret ${name}_database_password is empty or cannot be read; run deploy/create-secrets.sh" >&2
        exit 1
    fi
done

# psql reads the passwords from the files itself: as arguments they would stand in the list of processes.
psql --set ON_ERROR_STOP=1 --no-psqlrc --username "$POSTGRES_USER" --dbname postgres <<'SQL'
\set temporal_password `cat /run/secrets/temporal_database_password`
\set retakes_password `cat /run/secrets/retakes_database_password`
CREATE ROLE temporal LOGIN PASSWORD :'temporal_password';
CREATE ROLE retakes LOGIN PASSWORD :'retakes_password';
CREATE DATABASE temporal OWNER temporal;
CREATE DATABASE temporal_visibility OWNER temporal;
CREATE DATABASE retakes OWNER retakes;
REVOKE CONNECT ON DATABASE temporal, temporal_visibility, retakes FROM PUBLIC;
SQL
