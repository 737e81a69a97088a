#!/bin/sh
# Starts Redis with the password of the Secret, which stays out of the process list.
set -eu
if [ "${#REDIS_PASSWORD}" -lt 16 ]; then
    echo "redis: the password in the Secret 'redis' is a placeholder or too short; take: openssl rand -hex 32" >&2
    exit 1
fi
umask 077
printf 'requirepass %s\n' "$REDIS_PASSWORD" > "$1/password.conf"
exec redis-server "$2" --include "$1/password.conf"
