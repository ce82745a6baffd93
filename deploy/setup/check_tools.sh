#!/bin/bash
# Installs what the tests of deploy/ and k8s/ (tests/deploy) run, into build/check-tools: exactly the versions in check_tools.txt, and
# promtool, where there is none. That is taken out of Debian's package rather than installed with it, which would start a server.
# Does nothing, quickly, where they are there.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
wanted=$here/check_tools.txt
folder=$here/../../build/check-tools
if cmp --silent "$wanted" "$folder/installed.txt"; then exit 0; fi

echo "Installing what checks the files that deploy"
rm -rf "$folder"
mkdir -p "$folder/package"
folder=$(cd "$folder" && pwd)
/usr/bin/python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --no-compile --disable-pip-version-check --no-deps --requirement "$wanted"
cd "$folder/package"
if promtool=$(command -v promtool); then
  ln -s "$promtool" "$folder/bin/promtool"
# Apt looks for it in lists that may be old; only root can renew them.
elif apt-get download prometheus >log 2>&1 || { apt-get update && apt-get download prometheus; } >>log 2>&1; then
  dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x -C "$folder/bin" --strip-components=3 ./usr/bin/promtool
else
  tail -n 10 log >&2
  echo "promtool, which is in Debian's package prometheus, could not be fetched; the lines above say why." >&2
  exit 1
fi
cd "$folder"
rm -r package
cp "$wanted" "$folder/installed.txt"
