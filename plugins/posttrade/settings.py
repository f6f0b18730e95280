"""Where things are and how the firm's installation is set up. Every setting can be given as POSTTRADE_<NAME>."""

from functools import lru_cache
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


def repository_root() -> Path:
    """The checkout this package runs from: DAGs, the dbt project and the expectations lie beside `plugins/`."""
    return Path(__file__).resolve().parents[2]


class Settings(BaseSettings):
    """The installation. Secrets are never fields here: they are read from `secrets_file` or the environment."""

    model_config = SettingsConfigDict(env_prefix="POSTTRADE_", extra="ignore")

    root: Path = Field(default_factory=repository_root)
    home: Path = Field(default_factory=lambda: repository_root() / ".posttrade")
    inbox_dir: Path | None = None
    outbox_dir: Path | None = None
    reports_dir: Path | None = None
    secrets_path: Path | None = None
    database_url: str | None = None
    """Administrator URL of the firm's own Postgres; empty: the embedded server under `home`."""
    database_host: str | None = None
    """Instead of the URL: the host of a server whose administrator is `postgres` and whose database is `posttrade`."""
    database_password_file: Path | None = None
    """The file that holds the administrator's password, for `database_host`: a mounted secret."""
    front_office_url: str | None = None
    """SQLAlchemy URL of the front-office database; empty: Airflow connection `front_office`, or the inbox's SQLite file."""
    postgres_dir: Path | None = None
    """Where the embedded server lives; empty: `home`/postgres."""
    parallel_tasks: int = 2
    web_port: int = 8080
    web_host: str = "127.0.0.1"
    """What the api-server listens on; anything but loopback is for a container whose port is published on loopback."""
    api_url: str | None = None
    """Where tasks reach the api-server; empty: on this machine."""

    @property
    def has_own_database(self) -> bool:
        """Whether the firm brings its own server, so that the embedded one is neither started nor stopped."""
        return bool(self.database_url or self.database_host)

    @property
    def inbox(self) -> Path:
        return self.inbox_dir or self.home / "inbox"

    @property
    def outbox(self) -> Path:
        return self.outbox_dir or self.home / "outbox"

    @property
    def reports(self) -> Path:
        return self.reports_dir or self.home / "reports"

    @property
    def postgres_directory(self) -> Path:
        return self.postgres_dir or _relocated(self.home / "postgres")

    @property
    def airflow_home(self) -> Path:
        return self.home / "airflow"

    @property
    def secrets_file(self) -> Path:
        return self.secrets_path or self.home / "secrets.json"


def _relocated(directory: Path) -> Path:
    """Where the embedded server was really placed: as root it may live outside a folder only root can enter."""
    pointer = directory / "location"
    return Path(pointer.read_text().strip()) if pointer.exists() else directory


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The settings of this process; call `get_settings.cache_clear()` after changing the environment."""
    return Settings()
