#!/bin/bash
# Fetches the jars of pom.xml into build/kafka-dev/lib, with the settings that Maven has on this machine. Does nothing,
# quickly, where they are there already. Never writes into the source tree.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
target=$(cd "$here/../.." && pwd)/build/kafka-dev

if cmp --silent "$here/pom.xml" "$target/lib/pom.xml"; then exit 0; fi
if ! command -v mvn >/dev/null; then
  echo "Maven is missing, and with it the broker that tests run against. Install it: apt-get install maven" >&2
  exit 1
fi

echo "Fetching the Kafka broker for tests"
mkdir -p "$target"
new=$(mktemp --directory "$target/new-XXXXXX")
trap 'rm -rf "$new"' EXIT
if ! mvn --batch-mode --file "$here/pom.xml" dependency:copy-dependencies -DoutputDirectory="$new" >"$target/fetch.log" 2>&1
then
  tail -n 20 "$target/fetch.log" >&2
  echo "The jars of deploy/kafka-dev/pom.xml could not be fetched; the lines above say why." >&2
  exit 1
fi
# Last: what was interrupted before is fetched again.
cp "$here/pom.xml" "$new/pom.xml"
chmod 755 "$new"
rm -rf "$target/lib"
mv "$new" "$target/lib"
