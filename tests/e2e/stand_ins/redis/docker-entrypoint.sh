#!/bin/sh
# As in the official images: options alone are the server's, it does not run as root, and it answers
# without a password on any address, as only its container's network reaches it.
set -e
if [ "${1#-}" != "$1" ] || [ "${1%.conf}" != "$1" ]; then
    set -- redis-server "$@"
fi
case "$1" in
redis-server | valkey-server)
    set -- "$@" --protected-mode no
    if [ "$(id -u)" = 0 ]; then
        find . ! -user redis -exec chown redis '{}' +
        exec setpriv --reuid=redis --regid=redis --clear-groups "$@"
    fi
    ;;
esac
exec "$@"
