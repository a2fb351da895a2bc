#!/bin/sh
# Safe to repeat: a namespace and attributes that exist are left as they are.
set -eu

namespace="$TEMPORAL_NAMESPACE"
retention="$NAMESPACE_RETENTION"

# A new namespace is known to every part of the server only some seconds later, hence the patience.
patiently() {
    attempts=30
    until "$@"; do
        attempts=$((attempts - 1))
        if [ "$attempts" -le 0 ]; then
            echo "Gave up on: $*" >&2
            exit 1
        fi
        sleep 2
    done
}

namespace_exists_or_is_made() {
    temporal operator namespace describe --namespace "$namespace" >/dev/null 2>&1 ||
        temporal operator namespace create --namespace "$namespace" --retention "$retention"
}

attributes_exist_or_are_made() {
    temporal operator search-attribute create --namespace "$namespace" \
        --name RetakesKind --type Keyword \
        --name RetakesStatus --type Keyword \
        --name RetakesTenant --type Keyword \
        --name RetakesFailedItems --type Int
}

patiently temporal operator cluster health
patiently namespace_exists_or_is_made
patiently attributes_exist_or_are_made
echo "Namespace $namespace is ready"
