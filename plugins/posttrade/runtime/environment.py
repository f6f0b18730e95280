"""The environment Airflow runs in. Everything is passed this way, so that no secret is written into airflow.cfg."""

import base64
import hashlib

from sqlalchemy import URL

from posttrade.records.database import Role, url
from posttrade.secrets import secret
from posttrade.settings import Settings

LOOPBACK = "127.0.0.1"
HEARTBEAT_TIMEOUT_SECONDS = 60
NO_TELEMETRY = {
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "DO_NOT_TRACK": "1",
    "GX_ANALYTICS_ENABLED": "false",
}


def airflow_environment(settings: Settings, port: int | None = None) -> dict[str, str]:
    """The variables to add to a process that imports Airflow, before it does.

    Args:
        settings: the installation.
        port: of the api-server; empty: the setting `web_port`.

    Raises:
        PosttradeError: the embedded database does not run, so that its address is not known.
    """
    port = port or settings.web_port
    metadata = url(Role.AIRFLOW)
    home = settings.airflow_home.absolute()
    api_url = (settings.api_url or f"http://{LOOPBACK}:{port}").rstrip("/")
    return {
        **NO_TELEMETRY,
        "POSTTRADE_HOME": str(settings.home.absolute()),
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(settings.root / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(settings.root / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": str(settings.parallel_tasks),
        "AIRFLOW__CORE__DEFAULT_TIMEZONE": "utc",
        "AIRFLOW__CORE__DEFAULT_TASK_RETRIES": "2",
        "AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "20",
        "AIRFLOW__CORE__HOSTNAME_CALLABLE": "socket.gethostname",
        "AIRFLOW__CORE__AUTH_MANAGER": "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
        "AIRFLOW__CORE__FERNET_KEY": _fernet_key(secret("airflow_fernet", 32)),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{api_url}/execution/",
        # Both drivers are named: Airflow would otherwise derive asyncpg, which does not know libpq's URL options.
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": _rendered(metadata, "postgresql+psycopg2"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": _rendered(metadata, "postgresql+psycopg"),
        "AIRFLOW__API__HOST": settings.web_host,
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": f"http://{LOOPBACK}:{port}",
        "AIRFLOW__API__SECRET_KEY": secret("airflow_web", 32),
        "AIRFLOW__API__INSTANCE_NAME": "posttrade",
        "AIRFLOW__API_AUTH__JWT_SECRET": secret("airflow_jwt", 64),
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": str(HEARTBEAT_TIMEOUT_SECONDS),
        "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
    }


def _rendered(address: URL, driver: str) -> str:
    return address.set(drivername=driver).render_as_string(hide_password=False)


def _fernet_key(passphrase: str) -> str:
    """A Fernet key (32 bytes, URL-safe base64) from a secret of any form."""
    return base64.urlsafe_b64encode(hashlib.sha256(passphrase.encode()).digest()).decode()
