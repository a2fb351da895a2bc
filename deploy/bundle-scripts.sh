#!/bin/sh
# Puts htmx and its extension for events into one file for the page. In two, htmx looks through the page as soon as the first
# has run, and where the second comes a moment later, nothing on the page would ever connect.
set -eu
cd "$(dirname "$0")/.."
packages=node_modules/htmx.org/dist
mkdir -p api/web/static/vendor
{ cat "$packages/htmx.min.js"; echo; cat "$packages/ext/hx-sse.min.js"; } > api/web/static/vendor/htmx.js.new
mv api/web/static/vendor/htmx.js.new api/web/static/vendor/htmx.js
