#!/bin/sh
# Makes the secret files that docker-compose.yml reads. What exists is kept, so it is safe to repeat.
# An OpenAI key in OPENAI_API_KEY is written down, too; without one the file stays empty.
set -eu

directory="${1:-$(dirname "$0")/secrets}"
# The directory keeps other users of this machine out. The files themselves are readable, because compose
# mounts them with their owner and mode as they are, and the containers run under several users.
mkdir -p "$directory"
chmod 700 "$directory"

keep() {
    if [ -e "$directory/$1" ]; then
        echo "kept     $directory/$1"
        cat >/dev/null
    else
        cat >"$directory/$1.new"
        chmod 644 "$directory/$1.new"
        mv "$directory/$1.new" "$directory/$1"
        echo "written  $directory/$1"
    fi
}

# Hexadecimal only: such a password needs no quoting in a URL or in the server's configuration.
random() {
    head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n'
}

random | keep postgresql_password
random | keep temporal_database_password
random | keep retakes_database_password
random | keep retakes_api_keys
# The form that Standard Webhooks prescribes.
{ printf 'whsec_'; head -c 32 /dev/urandom | base64 | tr -d '\n'; } | keep retakes_webhook_secret
printf '%s' "${OPENAI_API_KEY:-}" | keep openai_api_key
