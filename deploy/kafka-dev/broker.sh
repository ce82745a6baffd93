#!/bin/bash
# One Kafka broker on this machine only, for development and tests: it has no authentication, so it must never listen
# on another address than loopback.
#   broker.sh FOLDER NODE PORT:CONTROLLER_PORT[:BEHIND_PORT:RELAY_PORT]...
# FOLDER is made if it isn't there and keeps the broker's data. The ports are those of all brokers of the cluster, in
# order; NODE, from 1 on, says which of them this one is. Who comes in at BEHIND_PORT is told that the broker is at
# RELAY_PORT, where a test's relay passes on what comes. Runs in the foreground: end it by its process id.
# PORCHLIGHT_BROKER_MEMORY, such as 384m, limits the heap.
set -euo pipefail

if (($# < 3)); then
  sed -n 's/^# \{0,3\}//; 2,8p' "${BASH_SOURCE[0]}" >&2
  exit 2
fi
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# Another version's jars, and its pom.xml beside them, may be tried instead.
jars=${PORCHLIGHT_KAFKA_JARS:-$(cd "$here/../.." && pwd)/build/kafka-dev/lib}
folder=$1 node=$2
shift 2
brokers=$#

if ! command -v java >/dev/null; then
  echo "Java is missing, which the Kafka broker runs on. Install it: deploy/setup/install.sh" >&2
  exit 1
fi
if [[ ! -f $jars/pom.xml ]]; then
  echo "The Kafka broker's jars are missing. Fetch them: deploy/kafka-dev/fetch.sh" >&2
  exit 1
fi

voters=() number=0
for ports in "$@"; do
  number=$((number + 1))
  IFS=: read -r a_port a_controller_port a_behind_port a_relay_port <<<"$ports"
  voters+=("$number@127.0.0.1:$a_controller_port")
  if ((number == node)); then
    controller_port=$a_controller_port
    listeners=BROKER://127.0.0.1:$a_port
    advertised=$listeners
    if [[ -n $a_behind_port ]]; then
      listeners+=,BEHIND://127.0.0.1:$a_behind_port
      advertised+=,BEHIND://127.0.0.1:$a_relay_port
    fi
  fi
done
majority=$((brokers / 2 + 1))

mkdir -p "$folder"
cat >"$folder/server.properties" <<PROPERTIES
process.roles=broker,controller
node.id=$node
controller.quorum.voters=$(IFS=,; echo "${voters[*]}")
controller.listener.names=CONTROLLER
listeners=$listeners,CONTROLLER://127.0.0.1:$controller_port
advertised.listeners=$advertised
listener.security.protocol.map=BROKER:PLAINTEXT,BEHIND:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=BROKER
log.dirs=$folder/data
auto.create.topics.enable=false
unclean.leader.election.enable=false
min.insync.replicas=$majority
default.replication.factor=$brokers
offsets.topic.replication.factor=$brokers
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=$brokers
transaction.state.log.min.isr=$majority
transaction.state.log.num.partitions=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
# A broker that dies is noticed in seconds, not in nine.
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
# Small: many topics of few records.
log.index.size.max.bytes=1048576
log.cleaner.dedupe.buffer.size=16777216
num.network.threads=2
num.io.threads=4
PROPERTIES
# What a test wants otherwise: of several lines about one thing the last one counts.
if [[ -f $folder/extra.properties ]]; then cat "$folder/extra.properties" >>"$folder/server.properties"; fi

run=(java "-Xmx${PORCHLIGHT_BROKER_MEMORY:-512m}" -XX:+UseSerialGC -XX:TieredStopAtLevel=1 "-Dlog4j.configuration=file:$here/log4j.properties"
  -cp "$jars/*")
# Every broker of the cluster must be formatted with the same id.
"${run[@]}" kafka.tools.StorageTool format --ignore-formatted -t cG9yY2hsaWdodC1kZXYwMQ \
  -c "$folder/server.properties" >/dev/null
exec "${run[@]}" kafka.Kafka "$folder/server.properties"
