#!/bin/sh
# The server takes its database password from the environment only; it is put there inside the container,
# so that neither the compose file nor `docker inspect` ever holds it.
set -eu

POSTGRES_PWD="$(cat /run/secrets/temporal_database_password)"
export POSTGRES_PWD
exec /etc/temporal/entrypoint.sh
