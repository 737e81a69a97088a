"""Where the service remembers: requests of the last hour (rate limit) and usage records."""
