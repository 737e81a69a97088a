#!/bin/sh
# Puts TUNNEL_ID and TUNNEL_HOSTNAME into the tunnel's configuration: render.sh < config.yml
set -eu
refuse() {
    echo "$1" >&2
    exit 1
}
case "${TUNNEL_ID:-}" in
"" | *[!0-9a-f-]*) refuse "TUNNEL_ID: set it in .env to the id that 'cloudflared tunnel create' printed" ;;
esac
case "${TUNNEL_HOSTNAME:-}" in
"" | *[!0-9a-z.-]*) refuse "TUNNEL_HOSTNAME: set it in .env to the service's host name, such as sam.example.org" ;;
esac
sed "s/\${TUNNEL_ID}/$TUNNEL_ID/; s/\${TUNNEL_HOSTNAME}/$TUNNEL_HOSTNAME/"
