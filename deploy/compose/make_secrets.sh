#!/bin/bash
# Makes the secrets of compose.yaml in the folder `secrets`, each readable only by the user that the container runs as; so it needs
# root. Never replaces one that is there. Keep a copy of master.key apart from the data: without it nothing can be read.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
umask 077
mkdir -p secrets
make() {
  local file=secrets/$1 owner=$2
  if [[ -e $file ]]; then return; fi
  cat >"$file.new"
  chown "$owner:$owner" "$file.new"
  chmod 400 "$file.new"
  mv "$file.new" "$file"
}
make master.key 10001 < <(openssl rand -hex 32)
make redis.password 10001 < <(openssl rand -hex 32)
password=$(<secrets/redis.password)
make redis.conf 999 <<CONFIGURATION
dir /data
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
requirepass $password
masterauth $password
CONFIGURATION
chmod 711 secrets
echo "The secrets are in $PWD/secrets."
