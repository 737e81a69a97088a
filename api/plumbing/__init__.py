"""What every request goes through: ids, logs, errors, metrics, the worker."""
