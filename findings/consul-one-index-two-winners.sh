#!/usr/bin/env bash
# Guess:     Of two writers that PUT a key with the same `?cas=INDEX`, one wins: the first write moves the key's ModifyIndex, so
#            the second is refused. A write also wakes whoever watches the key.
# Package:   consul 1.8.7 (Debian bullseye, the last Debian release that has it).
# Source:    Consul's KV HTTP API: with a non-zero cas "the key is only set if the index matches the ModifyIndex of that key",
#            and ModifyIndex is "the last index that modified this key".
# Behaviour: A write of the value that is there already is answered `true` and changes nothing: ModifyIndex stays and a blocking
#            query sleeps on. So any number of writers with one index win when they write the present value (a lease that
#            is renewed with an unchanged body, a flag that several set). Values that differ behave as guessed. Consul
#            1.19.2 does the same.
# Seen:      other value: true false; same value: true true; index moved by 0; watcher woken by same value: no, by other: yes
set -euo pipefail

work=$(mktemp -d)
agent=
trap '[ -z "$agent" ] || { kill "$agent"; wait "$agent" || true; }; rm -rf "$work"' EXIT
cd "$work"

# bullseye from the mirror that apt is set up for; lists and cache stay in the temporary folder.
mkdir lists cache
mirror=$(apt-get --print-uris update | sed -nE "s,^'([^']+/debian)/dists/.*,\1,p" | sed -n 1p)
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror bullseye main" > sources.list
apt=(apt-get -qq -o Dir::Etc::SourceList="$work/sources.list" -o Dir::Etc::SourceParts=/dev/null -o Acquire::Languages=none
  -o Dir::State::Lists="$work/lists" -o Dir::Cache="$work/cache" -o APT::Sandbox::User=root)
"${apt[@]}" update
"${apt[@]}" download 'consul=1.8.7*'
dpkg -x consul_*.deb tree

port=$((20000 + RANDOM % 8000))
ports="http = $port, dns = -1, grpc = -1, serf_wan = -1, server = $((port + 1)), serf_lan = $((port + 2))"
echo "ports { $ports }" > agent.hcl
tree/usr/bin/consul agent -dev -bind 127.0.0.1 -config-file agent.hcl > agent.log 2>&1 &
agent=$!
key="http://127.0.0.1:$port/v1/kv/lease"
for _ in $(seq 60); do
  curl -sf -o /dev/null -X PUT -d first "$key" && break
  sleep 0.5
done

index() { curl -sf "$key" | sed -nE 's/.*"ModifyIndex": ?([0-9]+).*/\1/p'; }
put() { curl -sf -X PUT -d "$1" "$key?cas=$2"; }
# Whether a watcher of the key wakes within three seconds of a write of $1.
woken() {
  local at before
  at=$(index)
  before=$SECONDS
  curl -sf -o /dev/null "$key?index=$at&wait=6s" &
  local watcher=$!
  sleep 1
  put "$1" "$at" > /dev/null
  wait "$watcher"
  if [ $((SECONDS - before)) -le 3 ]; then echo yes; else echo no; fi
}

at=$(index)
other="$(put second "$at") $(put third "$at")"
at=$(index)
same="$(put second "$at") $(put second "$at")"
moved=$(($(index) - at))
woken="watcher woken by same value: $(woken second), by other: $(woken last)"
seen="other value: $other; same value: $same; index moved by $moved; $woken"
echo "$seen"
[ "$seen" = 'other value: true false; same value: true true; index moved by 0; watcher woken by same value: no, by other: yes' ]
