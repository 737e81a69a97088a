"""Settings: the only place that reads the environment."""

from __future__ import annotations

import hashlib
import os
import re
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, HttpUrl, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from redis import ConnectionPool, RedisError

VERSION = "0.1.0"
DEMO_KEY = "sam-demo-key-123"
MODEL = Path(__file__).parent / "model"
"""Where the weights lie, whatever folder the program is started in."""


@dataclass(frozen=True)
class ApiKey:
    """One entry of API_KEYS. The key itself is not kept.

    Attributes:
        name: whose key it is; unique, shown in logs and statistics.
        limit: requests within any hour.
        digest: sha256 of the key's UTF-8 bytes.
        hint: for people to recognise the key by: its first characters, and the first of its digest.
        enabled: False if the entry's fourth field is `disabled`.
    """

    name: str
    limit: int
    digest: bytes
    hint: str
    enabled: bool = True


SHORTEST_KEY = 16
"""Characters; openssl rand -hex 24 gives 48."""


HOW_TO_MAKE = "make one by `openssl rand -hex 24`"
ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?")


def parse_api_key(entry: str) -> ApiKey:
    """ApiKey of `key:name:limit[:disabled]`, where key may be `sha256$HEX`.

    Raises:
        ValueError: says what is wrong without repeating the key.
    """
    match [field.strip() for field in entry.split(":")]:
        case [key, name, limit, *state] if key and name and len(state) <= 1:
            pass
        case _:
            raise ValueError("each entry must read key:name:limit or key:name:limit:disabled")
    if not limit.isascii() or not limit.isdigit() or int(limit) < 1:
        raise ValueError(f"the limit of {name!r} must be a whole number of requests an hour, at least 1")
    if state not in ([], ["disabled"]):
        raise ValueError(f"the fourth field of {name!r} may only be 'disabled'")
    if key.startswith("sha256$"):
        try:
            digest = bytes.fromhex(key.removeprefix("sha256$"))
        except ValueError:
            digest = b""
        if len(digest) != hashlib.sha256().digest_size:
            raise ValueError(f"the key of {name!r} must be sha256$ and 64 hexadecimal digits")
        hint = f"sha256$… {digest.hex()[:6]}"
    else:
        if len(key) < SHORTEST_KEY:
            raise ValueError(f"the key of {name!r} has fewer than {SHORTEST_KEY} characters: {HOW_TO_MAKE}")
        digest = hashlib.sha256(key.encode()).digest()
        hint = f"{key[:4]}… {digest.hex()[:6]}"
    return ApiKey(name, int(limit), digest, hint, enabled=not state)


class Settings(BaseSettings):
    """The service's configuration: environment variables of the same names in capitals, or `.env`."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True, env_ignore_empty=True)

    api_keys: Annotated[tuple[ApiKey, ...], NoDecode]
    admin_api_key: SecretStr | None = None
    health_check_key: SecretStr | None = None
    api_keys_file: Path | None = None
    admin_api_key_file: Path | None = None
    health_check_key_file: Path | None = None

    sam_model_path: Path = MODEL / "mobile_sam.pt"
    sam_model_accept_unknown: bool = False
    head_model_path: Path = MODEL / "droplet_head.safetensors"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    cuda_visible_devices: str | None = None
    omp_num_threads: int | None = Field(None, ge=1)
    mkl_num_threads: int | None = Field(None, ge=1)

    flask_host: str = "127.0.0.1"
    flask_port: int = Field(9487, ge=1, le=65535)
    flask_debug: bool = False
    workers: int = Field(1, ge=1)
    threads: int = Field(16, ge=2)
    queue_size: int = Field(8, ge=1)
    cache_size: int = Field(16, ge=0)
    request_timeout_s: float = Field(300, gt=0)

    max_file_size_mb: float = Field(50, gt=0)
    max_image_pixels: int = Field(50_000_000, ge=4096)
    allowed_origins: Annotated[tuple[str, ...], NoDecode] = ()
    trusted_proxy_hops: int = Field(0, ge=0, le=10)

    jobs: Literal["beside", "apart", "off"] = "beside"
    max_jobs: int = Field(5, ge=1)
    max_job_files: int = Field(5000, ge=1)
    max_job_size_mb: float = Field(5120, gt=0)
    max_job_file_size_mb: float = Field(512, gt=0)
    job_retention_days: float = Field(7, gt=0)

    data_dir: Path = Path("data")
    redis_url: SecretStr | None = None
    store_outage: Literal["refuse", "allow"] = "refuse"
    usage_retention_days: int = Field(30, ge=1)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["json", "console"] = "json"
    log_file: Path | None = None

    metrics_port: int | None = Field(None, ge=1, le=65535)
    prometheus_multiproc_dir: Path | None = None
    tunnel_metrics_url: HttpUrl | None = None

    @model_validator(mode="before")
    @classmethod
    def _read_key_files(cls, values: Any) -> Any:
        for name in ("api_keys", "admin_api_key", "health_check_key"):
            path = values.get(f"{name}_file")
            if not path:
                continue
            if values.get(name):
                raise ValueError(f"{name.upper()}: is set beside {name.upper()}_FILE; set one of them")
            try:
                text = Path(path).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeError):
                raise ValueError(f"{name.upper()}_FILE: the file cannot be read as text") from None
            values[name] = text.replace("\n", ",") if name == "api_keys" else text
        return values

    @field_validator("admin_api_key", "health_check_key")
    @classmethod
    def _refuse_short_keys(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < SHORTEST_KEY:
            raise ValueError(f"has fewer than {SHORTEST_KEY} characters: {HOW_TO_MAKE}")
        return value

    @field_validator("api_keys", mode="before")
    @classmethod
    def _parse_keys(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        keys = tuple(parse_api_key(entry) for entry in value.split(",") if entry.strip())
        if not keys:
            raise ValueError("at least one entry key:name:limit is needed")
        if len({key.name for key in keys}) < len(keys) or len({key.digest for key in keys}) < len(keys):
            raise ValueError("two entries share a key or a name")
        return keys

    @field_validator("allowed_origins", mode="before")
    @classmethod
    def _split_origins(cls, value: Any) -> Any:
        return (
            tuple(item.strip() for item in value.split(",") if item.strip())
            if isinstance(value, str)
            else value
        )

    @field_validator("allowed_origins")
    @classmethod
    def _check_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            if not ORIGIN.fullmatch(origin):
                raise ValueError(
                    f"{origin!r} is no origin: write it as browsers do, such as https://lab.example.org or "
                    "http://localhost:3000, without a path; patterns are not taken"
                )
        return value

    @field_validator("redis_url")
    @classmethod
    def _check_redis_url(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not _is_redis_url(value.get_secret_value()):
            raise ValueError(
                "must read redis://[user:password@]host[:port][/database], rediss://... or "
                "unix:///path?db=database; special characters in the password as %XX"
            )
        return value

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: Any) -> Any:
        return value.upper() if isinstance(value, str) else value

    @model_validator(mode="after")
    def _refuse_known_keys(self) -> Settings:
        demo = hashlib.sha256(DEMO_KEY.encode()).digest()
        if not self.flask_debug and not self.is_loopback and any(key.digest == demo for key in self.api_keys):
            raise ValueError(
                "API_KEYS: the demo key is public; set keys of your own to listen beyond loopback"
            )
        return self

    @model_validator(mode="after")
    def _leave_threads_for_health(self) -> Settings:
        if self.threads < self.queue_size + 4:
            raise ValueError("THREADS: at least QUEUE_SIZE + 4, or waiting pictures would block /health")
        return self

    @model_validator(mode="after")
    def _refuse_fp16_on_a_cpu(self) -> Settings:
        if self.precision == "fp16" and self.device == "cpu":
            raise ValueError(
                "PRECISION: fp16 needs a CUDA device, but DEVICE is cpu; take auto, bf16 or fp32"
            )
        return self

    @model_validator(mode="after")
    def _keep_metrics_off_the_public_port(self) -> Settings:
        if self.metrics_port == self.flask_port:
            raise ValueError("METRICS_PORT: must not be FLASK_PORT, or everybody could read the metrics")
        return self

    @property
    def address(self) -> str:
        """host:port of the service."""
        return self._at(self.flask_port)

    @property
    def addresses(self) -> list[str]:
        """host:port of every socket to listen on: the service's, and that of the metrics if they are on."""
        return [self.address] if self.metrics_port is None else [self.address, self._at(self.metrics_port)]

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the service."""
        try:
            return ip_address(self.flask_host).is_loopback
        except ValueError:
            return self.flask_host == "localhost"

    @property
    def max_file_bytes(self) -> int:
        """MAX_FILE_SIZE_MB in bytes (1 MB = 2**20)."""
        return int(self.max_file_size_mb * 2**20)

    @property
    def keeps_data(self) -> bool:
        """Whether anything is kept in DATA_DIR: the store's file, or jobs."""
        return self.redis_url is None or self.jobs != "off"

    @property
    def job_folder(self) -> Path:
        """Where jobs keep their pictures and results."""
        return self.data_dir / "jobs"

    @property
    def database(self) -> Path:
        """The store's file, if no REDIS_URL is set."""
        return self.data_dir / "sam.sqlite3"

    @property
    def torch_threads(self) -> int:
        """Threads of one worker's inference: OMP_NUM_THREADS, else its share of the cores."""
        return self.omp_num_threads or max(1, cores() // self.workers)

    def share_of(self, places: int) -> int:
        """How many of `places` one key may take: half, unless it is the only key."""
        return places if sum(key.enabled for key in self.api_keys) < 2 else max(1, places // 2)  # noqa: PLR2004

    def apply_to_process(self) -> None:
        """Set the variables that numerical and metrics libraries read when they are first imported."""
        os.environ["OMP_NUM_THREADS"] = str(self.torch_threads)
        os.environ["MKL_NUM_THREADS"] = str(self.mkl_num_threads or self.torch_threads)
        if self.cuda_visible_devices is not None:
            os.environ["CUDA_VISIBLE_DEVICES"] = self.cuda_visible_devices
        if self.metrics_port is not None and self.prometheus_multiproc_dir is not None:
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(self.prometheus_multiproc_dir)
        else:
            os.environ.pop("PROMETHEUS_MULTIPROC_DIR", None)

    def _at(self, port: int) -> str:
        return f"[{self.flask_host}]:{port}" if ":" in self.flask_host else f"{self.flask_host}:{port}"


def cores() -> int:
    """Number of CPUs that the process may run on; all of the machine's where the system does not tell."""
    if hasattr(os, "sched_getaffinity"):  # on Linux alone
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def load_settings(*, with_keys: bool = True) -> Settings:
    """Settings from the environment and `.env`.

    Arguments:
        with_keys: False for a process that answers no requests, and so needs no API_KEYS.

    Raises:
        SystemExit: with one line that names the bad variable and says why.
    """
    try:
        settings = Settings() if with_keys else Settings(api_keys=())
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(str(part) for part in first["loc"][:1]).upper()
        reason = first["msg"].removeprefix("Value error, ")
        raise SystemExit(f"configuration: {name + ': ' if name else ''}{reason}") from None
    if settings.keeps_data:
        _check_writable("DATA_DIR", settings.data_dir)
    if settings.redis_url is None:
        _check_database(settings.database)
    if settings.log_file is not None:
        _check_writable("LOG_FILE", settings.log_file.parent)
    if settings.prometheus_multiproc_dir is not None:
        _check_writable("PROMETHEUS_MULTIPROC_DIR", settings.prometheus_multiproc_dir)
    return settings


def _is_redis_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        ConnectionPool.from_url(url).make_connection()  # connects to nothing
        (parts.hostname or "").encode("idna")  # or looking the name up would raise no error of the store's
    except (ValueError, TypeError, RedisError):
        return False
    # A password's bare # or /, or a database that is no number, would lead the client elsewhere.
    return not parts.fragment and (parts.scheme == "unix" or re.fullmatch(r"(/\d*)?", parts.path) is not None)


def _check_writable(name: str, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SystemExit(f"configuration: {name}: the folder cannot be made ({error.strerror})") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise SystemExit(f"configuration: {name}: the folder cannot be written to")


def _check_database(file: Path) -> None:
    if not file.exists():
        return
    if not os.access(file, os.R_OK | os.W_OK):
        raise SystemExit(f"configuration: DATA_DIR: the file {file.name} cannot be written to")
    try:
        with closing(sqlite3.connect(file)) as connection:
            whole = connection.execute("PRAGMA quick_check(1)").fetchone() == ("ok",)
    except sqlite3.OperationalError:
        return  # busy or out of reach, which the store knows how to deal with
    except sqlite3.DatabaseError:
        whole = False
    if not whole:
        raise SystemExit(
            f"configuration: DATA_DIR: the file {file.name} is damaged; move it away and start again "
            "(limits and usage then start anew)"
        )
