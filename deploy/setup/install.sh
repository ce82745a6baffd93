#!/bin/bash
# Installs what the build and the tests need, on Debian 12. Does nothing, quickly, where all of it is there.
# Needs root to install; anybody else is told what root should run. Never removes or upgrades anything.
#   install.sh                 all of it
#   install.sh --build-only    what compiling needs, as the container image does
set -euo pipefail

packages=(
  g++ cmake make ninja-build ccache mold pkg-config git
  libgrpc++-dev libgrpc-dev libprotobuf-dev protobuf-compiler protobuf-compiler-grpc libabsl-dev
  libspdlog-dev libfmt-dev libgtest-dev libgmock-dev libsqlite3-dev libsodium-dev
  libcurl4-openssl-dev libyaml-cpp-dev libcli11-dev libssl-dev librdkafka-dev libhiredis-dev libgoogle-perftools-dev
  libboost1.81-dev libjpeg62-turbo-dev libpng-dev
  prometheus-cpp-dev
)
test_packages=(
  openssl ca-certificates curl clang-format clang-tidy spin sqlite3 python3-aiosmtpd
  maven openjdk-17-jre-headless
  redis-server python3-venv
)
# The broker that tests run against. It needs no root, and is asked for last.
fetch_kafka=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/../kafka-dev/fetch.sh
if [[ ${1:-} == --build-only ]]; then fetch_kafka=true; else packages+=("${test_packages[@]}"); fi

system=$(. /etc/os-release 2>/dev/null && echo "${ID:-unknown} ${VERSION_ID:-}" || echo unknown)
if [[ $system != "debian 12" ]]; then
  if [[ ${PORCHLIGHT_SKIP_SETUP:-} == 1 ]]; then exec "$fetch_kafka"; fi
  echo "This system is $system; Porchlight is built and tested on Debian 12." >&2
  echo "Install what these Debian packages hold, then run again with PORCHLIGHT_SKIP_SETUP=1:" >&2
  echo "  ${packages[*]}" >&2
  exit 1
fi

installed=$(dpkg-query --show --showformat='${db:Status-Status} ${Package}\n' "${packages[@]}" 2>/dev/null |
  sed -n 's/^installed //p' || true)
missing=()
for package in "${packages[@]}"; do
  grep --quiet --line-regexp --fixed-strings "$package" <<<"$installed" || missing+=("$package")
done
if ((${#missing[@]} == 0)); then exec "$fetch_kafka"; fi

if ((EUID != 0)); then
  echo "These packages are missing. As root, run:" >&2
  echo "  apt-get update && apt-get install --yes --no-install-recommends ${missing[*]}" >&2
  exit 1
fi

echo "Installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { apt-get update && apt-get install --yes --no-install-recommends "${missing[@]}"; } </dev/null >"$log" 2>&1; then
  tail -n 30 "$log" >&2
  echo "The installation failed; the lines above say why." >&2
  exit 1
fi
"$fetch_kafka"
