"""Many pictures through the service: a job is a folder with pictures, and a run of `batch/` over them."""
