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
    front_office_url: str | None = None
    """SQLAlchemy URL of the front-office database; empty: Airflow connection `front_office`, or the inbox's SQLite file."""
    postgres_dir: Path | None = None
    """Where the embedded server lives; empty: `home`/postgres."""
    parallel_tasks: int = 2
    web_port: int = 8080

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
