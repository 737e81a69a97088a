"""Say where the service will be, with which keys, and a request to try."""

from __future__ import annotations

from dotenv import dotenv_values

from config import load_settings


def main() -> None:
    """Print the address, the keys of `.env` and a curl line."""
    settings = load_settings()
    written = dotenv_values(".env")
    first_key = (written.get("API_KEYS") or "YOUR-KEY").split(":")[0]
    address = f"http://{settings.address}"
    print(f"""
  SAM Droplet Segmentation   {address}/   (Ctrl-C stops)
  API key                    {first_key}
  Admin key                  {written.get("ADMIN_API_KEY") or "none: the admin routes are off"}

  curl -H 'X-API-Key: {first_key}' -F file=@examples/droplets.png {address}/segment_file
""")


if __name__ == "__main__":
    main()
