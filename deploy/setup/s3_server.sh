#!/bin/bash
# Installs the S3-speaking server (moto) that the tests of common/blob/s3_blob run against, into build/s3-server: exactly
# the versions in s3_server.txt. Does nothing, quickly, where they are there.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
wanted=$here/s3_server.txt
folder=$here/../../build/s3-server
if cmp --silent "$wanted" "$folder/installed.txt"; then exit 0; fi

echo "Installing the S3 server for the tests"
rm -rf "$folder"
mkdir -p "$(dirname "$folder")"
/usr/bin/python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$wanted"
cp "$wanted" "$folder/installed.txt"
