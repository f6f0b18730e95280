"""What Airflow itself must know of posttrade. The only file its plugin loader reads."""

from airflow.plugins_manager import AirflowPlugin

from posttrade.airflow.timetable import BusinessDayTimetable


class PosttradePlugin(AirflowPlugin):
    """Registers the timetable, so that the scheduler can read it back from a serialised DAG."""

    name = "posttrade"
    timetables = [BusinessDayTimetable]  # noqa: RUF012
