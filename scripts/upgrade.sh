#!/bin/sh
# Replaces the instances by new ones of the image as it is built now, while requests go on:
#     scripts/upgrade.sh [options of docker compose, such as -f docker-compose.gpu.yml]
# The new ones start beside the old ones; once they are healthy, the old ones finish their pictures
# and go, one after the other. If they do not become healthy, they are removed and the old ones go on.
set -eu

old=$(docker compose "$@" ps --quiet sam-app)
if [ -z "$old" ]; then
    echo "No instance runs; start the service with: docker compose up -d" >&2
    exit 1
fi
both=$((2 * $(echo "$old" | wc -l)))

docker compose "$@" build sam-app
if docker compose "$@" up --detach --wait --no-deps --no-recreate --scale "sam-app=$both" sam-app; then
    gone=$old
    status=0
    sleep 3 # the load balancer finds the new ones within two seconds
else
    gone=$(docker compose "$@" ps --all --quiet sam-app | grep --invert-match --fixed-strings "$old" || true)
    status=1
    echo "The new instances do not become healthy; the old ones go on." >&2
fi
# One after the other: a request that finds one stopped is sent on, but not more than three times.
for instance in $gone; do
    docker stop "$instance" >/dev/null
    docker rm "$instance" >/dev/null
done
exit "$status"
