#!/bin/bash
# Builds the container image of this source tree with podman (or CONTAINER_TOOL=docker).
#   build.sh [--prebuilt] [TAG]    TAG is porchlight:latest unless given
# --prebuilt puts in the programs of build/release rather than compile them again; they must have been compiled on
# Debian 12. BASE names another base image with Debian 12; further options for the build stand in BUILD_OPTIONS.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
binaries=compiled
if [[ ${1:-} == --prebuilt ]]; then
  binaries=prebuilt
  shift
fi
if (($# > 1)) || [[ ${1:-} == -* ]]; then
  sed -n 's/^# \{0,1\}//; 2,6p' "${BASH_SOURCE[0]}" >&2
  exit 2
fi

# Only what git knows gets into the context: no build folder, and no secret that somebody left lying about.
context=$(mktemp --directory)
trap 'rm -rf "$context"' EXIT
git -C "$root" ls-files -z --cached | tar -C "$root" --null --files-from=- -cf - | tar -C "$context" -xf -
mkdir "$context/prebuilt"
if [[ $binaries == prebuilt ]]; then
  install --strip -t "$context/prebuilt" "$root"/build/release/porchlight{,-directory,-intake,-notification,-screening,-mdt,-oncall}
fi

read -r -a options <<<"${BUILD_OPTIONS:-}"
"${CONTAINER_TOOL:-podman}" build --file "$context/deploy/container/Containerfile" --tag "${1:-porchlight:latest}" \
  --build-arg "BINARIES=$binaries" ${BASE:+--build-arg "BASE=$BASE"} \
  --label "org.opencontainers.image.revision=$(git -C "$root" rev-parse HEAD)" "${options[@]}" "$context"
