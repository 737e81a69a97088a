"""Say where the service will be, with which keys, and a request to try."""

from __future__ import annotations

from config import load_settings
from scripts.keys import admin_key, client_key


def main() -> None:
    """Print the address, the keys and a curl line."""
    address = f"http://{load_settings().address}"
    key = client_key()
    print(f"""
  SAM Droplet Segmentation   {address}/   (Ctrl-C stops)
  API key                    {key or "known by its digest only"}
  Admin key                  {admin_key() or "none: the admin routes are off"}

  curl -H 'X-API-Key: {key or "YOUR-KEY"}' -F file=@examples/droplets.png {address}/segment_file
""")


if __name__ == "__main__":
    main()
