#!/bin/sh
# git-sync.sh ORIGIN MIRROR SECONDS command …
# Runs the command and, for as long as it lives, fetches MIRROR from ORIGIN every SECONDS. Airflow reads only the mirror: its
# own bundle deletes what it has when the remote cannot be reached, and runs would fail with it. Ends as the command ends.
origin=$1 mirror=$2 seconds=$3
shift 3
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE

"$@" &
child=$!
trap 'kill -TERM "$child" 2>/dev/null; wait "$child"; exit 143' TERM INT

reached=yes
while kill -0 "$child" 2>/dev/null; do
  if problem=$(git -C "$mirror" -c http.lowSpeedLimit=1 -c http.lowSpeedTime=20 \
    fetch --quiet --prune "$origin" '+refs/heads/*:refs/heads/*' 2>&1); then
    [ "$reached" = yes ] || echo "git-sync: $origin answers again"
    reached=yes
  else
    # Said once an outage, not every ten seconds.
    [ "$reached" = no ] || echo "git-sync: cannot fetch $origin, the last known commit stays: $problem" >&2
    reached=no
  fi
  waited=0
  while [ "$waited" -lt "$seconds" ] && kill -0 "$child" 2>/dev/null; do
    # In the background, so that a signal does not wait for it.
    sleep 2 &
    wait $!
    waited=$((waited + 2))
  done
done
wait "$child"
