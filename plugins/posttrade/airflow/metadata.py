"""Brings Airflow's own database up to date in one process: `python -m posttrade.airflow.metadata`.

Needs the environment of `runtime.environment`; does nothing where everything is there already.
"""

import json
from typing import Any

from posttrade.secrets import secret

USERS = {"admin": "Admin", "operator": "Op", "checker": "Op", "viewer": "Viewer"}
"""The logins made at the start, with their roles in Airflow; the passwords are in the secrets file."""

CHECKERS_VARIABLE = "payment_checkers"
"""Airflow variable: JSON list of {id, name}, the users who may decide on payments."""


def password_of(user: str) -> str:
    """The generated password of one of `USERS`."""
    return secret(f"airflow_user_{user}")


def prepare_metadata() -> None:
    """Migrate the schema, create the missing users, name the payment checker, register the DAGs."""
    from airflow.utils.db import upgradedb

    upgradedb()
    checkers = [user for user in _create_users() if user["name"] == "checker"]
    _name_checkers(checkers)
    _register_dags()


def _create_users() -> list[dict[str, str]]:
    from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder

    known = []
    with get_application_builder() as builder:
        manager: Any = builder.sm
        for name, role in USERS.items():
            user = manager.find_user(username=name) or manager.add_user(
                username=name,
                first_name=name.capitalize(),
                last_name="Posttrade",
                email=f"{name}@posttrade.invalid",
                role=manager.find_role(role),
                password=password_of(name),
            )
            known.append({"id": user.get_id(), "name": name})
    return known


def _name_checkers(checkers: list[dict[str, str]]) -> None:
    from airflow.models import Variable
    from airflow.utils.session import create_session

    with create_session() as session:
        if session.query(Variable).filter(Variable.key == CHECKERS_VARIABLE).first() is None:
            Variable.set(CHECKERS_VARIABLE, json.dumps(checkers), session=session)


def _register_dags() -> None:
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import BundleDagBag, sync_bag_to_db

    manager = DagBundlesManager()
    manager.sync_bundles_to_db()
    for bundle in manager.get_all_dag_bundles():
        bundle.initialize()
        bag = BundleDagBag(dag_folder=bundle.path, bundle_path=bundle.path, bundle_name=bundle.name)
        sync_bag_to_db(bag, bundle.name, bundle.version)


if __name__ == "__main__":
    prepare_metadata()
