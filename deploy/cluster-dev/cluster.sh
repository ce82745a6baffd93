#!/bin/bash
# A whole cluster on this machine, for development: a Kafka broker, Redis and every service as a process of its own, on
# loopback only. What `make cluster` and `make cluster-stop` run.
#   cluster.sh start FOLDER    starts all, waits until ready, and says what to try
#   cluster.sh stop FOLDER     ends exactly the processes that start began there
# FOLDER keeps the data, the logs (*.log) and the process ids (*.pid).
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
services=(directory intake notification screening mdt oncall)
broker_port=7492 controller_port=7493 redis_port=7479 first_port=7401

# The process that a file names, if it still is what was started: ids are given to others in time.
running() {
  local pid_file=$1 pid started
  [[ -f $pid_file ]] || return 1
  read -r pid started <"$pid_file"
  [[ $(ps -o lstart= -p "$pid" 2>/dev/null) == "$started" ]] && echo "$pid"
}

begin() {
  local name=$1
  shift
  if running "$folder/$name.pid" >/dev/null; then return; fi
  setsid "$@" >>"$folder/$name.out" 2>>"$folder/$name.log" </dev/null &
  echo "$! $(ps -o lstart= -p $!)" >"$folder/$name.pid"
}

wait_for() {
  local name=$1 what=$2
  shift 2
  for ((tries = 0; tries < 600; tries++)); do
    if "$@" >/dev/null 2>&1; then return; fi
    if ! running "$folder/$name.pid" >/dev/null; then
      tail -n 5 "$folder/$name.log" "$folder/$name.out" >&2
      echo "$what ended; the lines above say why." >&2
      exit 1
    fi
    sleep 0.1
  done
  echo "$what isn't ready after a minute; see $folder/$name.log" >&2
  exit 1
}

answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

start() {
  mkdir -p "$folder"
  chmod 700 "$folder"
  folder=$(cd "$folder" && pwd)
  begin broker "$root/deploy/kafka-dev/broker.sh" "$folder/broker" 1 "$broker_port:$controller_port"
  mkdir -p "$folder/redis"
  begin redis redis-server --bind 127.0.0.1 --port "$redis_port" --dir "$folder/redis" --appendonly yes --save ""
  [[ -f $folder/master.key ]] || "$root/build/release/porchlight" config make-key "$folder/master.key"
  sed -e "s|FOLDER|$folder|; s|SAMPLE|$root/deploy/sample|" \
    -e "s|BROKER_PORT|$broker_port|; s|REDIS_PORT|$redis_port|" "$here/config.yaml" >"$folder/config.yaml"
  wait_for broker "The Kafka broker" answers "$broker_port"
  wait_for redis "Redis" answers "$redis_port"
  wait_for broker "The topics" "$root/build/release/porchlight" topics create --config "$folder/config.yaml" \
    --topics "$root/deploy/topics.yaml" --brokers 1
  local port=$first_port servers=
  for service in "${services[@]}"; do
    # What an earlier run said counts no more.
    running "$folder/$service.pid" >/dev/null || rm -f "$folder/$service.out"
    begin "$service" "$root/build/release/porchlight-$service" --config "$folder/config.yaml" \
      --listen "127.0.0.1:$port"
    servers+=${servers:+,}$service=127.0.0.1:$port
    port=$((port + 1))
  done
  for service in "${services[@]}"; do
    wait_for "$service" "The service $service" grep --quiet '^ready' "$folder/$service.out"
  done
  cat <<NEXT
A Kafka broker, Redis and six services are ready; their logs are in $folder. In this shell, for example:

  export PORCHLIGHT_SERVER=$servers
  build/release/porchlight import deploy/sample/roster.csv
  build/release/porchlight report --youth y-100 --last-seen-place "the bus stop"
  build/release/porchlight duties --episode y-100_e1

Messages become files in $folder/outbox. To end it: make cluster-stop
NEXT
}

# Services first, so that they leave the brokers in order.
stop() {
  [[ -d $folder ]] || { echo "nothing was started in $folder"; return; }
  for name in "${services[@]}" redis broker; do
    local pid
    pid=$(running "$folder/$name.pid") || { rm -f "$folder/$name.pid"; continue; }
    kill "$pid"
    for ((tries = 0; tries < 300; tries++)); do
      running "$folder/$name.pid" >/dev/null || break
      sleep 0.1
    done
    if running "$folder/$name.pid" >/dev/null; then kill -KILL "$pid"; fi
    rm -f "$folder/$name.pid"
    echo "ended $name"
  done
}

if (($# != 2)) || [[ $1 != start && $1 != stop ]]; then
  sed -n 's/^# \{0,1\}//; 2,6p' "${BASH_SOURCE[0]}" >&2
  exit 2
fi
folder=$2
"$1"
