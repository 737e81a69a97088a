#!/bin/sh
# Replaces the instances by new ones of the image as it is built now, while requests go on:
#     scripts/upgrade.sh [options of docker compose, such as -f docker-compose.gpu.yml]
# The new ones start beside the old ones; once they are healthy, the old ones finish their pictures
# and go. If they do not become healthy, they are removed and the old ones go on.
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
# Both lists hold ids, one a line.
# shellcheck disable=SC2086
docker stop $gone >/dev/null && docker rm $gone >/dev/null
exit "$status"
