#!/bin/sh
# Installs what the measurements compare with, on Debian and its like; run it as root.
#
# What cannot be installed is said and left out: its rows say so then. No server of these packages is
# started: each measurement starts its own, on a port of its own.
set -u

place=$(dirname "$0")/../.peers
policy=/usr/sbin/policy-rc.d

if [ ! -e "$policy" ]; then
	printf '#!/bin/sh\nexit 101\n' > "$policy"
	chmod 755 "$policy"
	trap 'rm -f "$policy"' EXIT
	trap 'exit 130' INT TERM
fi

apt-get update -qq

missing=
for package in wrk victoria-metrics influxdb graphite-carbon prometheus-pushgateway \
	prometheus prometheus-alertmanager nodejs npm; do
	case $package in
		nodejs) command -v node >/dev/null && continue ;;
		npm) command -v npm >/dev/null && continue ;;
	esac
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" >/dev/null ||
		missing="$missing $package"
done

mkdir -p "$place"
npm install --silent --no-audit --no-fund --no-save --no-package-lock --ignore-scripts \
	--prefix "$place" statsd || missing="$missing statsd"

[ -z "$missing" ] || echo "not installed:$missing" >&2
