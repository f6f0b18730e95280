"""The first line of the report: how the day ended and what the operator does now."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from posttrade.reports.figures import Figures
from posttrade.reports.formats import counted


class State(StrEnum):
    """How the day ended."""

    CALM = "calm"
    ALERTS = "alerts"
    BLOCKED = "blocked"


@dataclass(frozen=True)
class Action:
    """Something to do, and the section of the report that shows the rows."""

    sentence: str
    section: str


@dataclass(frozen=True)
class Verdict:
    """The state of the day, in words and as a list of things to do."""

    state: State
    headline: str
    sentence: str
    actions: Sequence[Action]


def verdict(figures: Figures) -> Verdict:
    """Judges a day: blocked by an open critical alert, with alerts to act on, or calm."""
    counts = figures.alert_counts
    critical, warning, info = counts["critical_count"], counts["warning_count"], counts["info_count"]
    actions = _actions(figures)
    if critical:
        return Verdict(
            State.BLOCKED,
            f"Blocked: {counted(critical, 'critical alert')}",
            "No instruction and no payment leaves the house until it is resolved."
            if critical == 1
            else "No instruction and no payment leaves the house until they are resolved.",
            actions,
        )
    if warning:
        return Verdict(
            State.ALERTS,
            counted(warning, "alert"),
            "Nothing is blocked; each alert has an owner and a remedy below.",
            actions,
        )
    noted = f" {counted(info, 'remark')} below for information." if info else ""
    return Verdict(State.CALM, "All calm", f"No control asks for anybody.{noted}", actions)


def _actions(figures: Figures) -> list[Action]:
    counts = figures.alert_counts
    late = figures.fails.total
    candidates = (
        (counts["critical_count"], "Resolve {} first, then clear the release tasks.", "critical alert", "", "alerts"),
        (counts["warning_count"], "Look into {}.", "warning", "", "alerts"),
        (figures.refused_files.total, "Ask for {} again.", "refused file", "", "exceptions"),
        (figures.exceptions.total, "Correct and replay {}.", "rejected row", "", "exceptions"),
        (figures.breaks.total, "Clear {} with the custodian or the bank.", "break", "", "breaks"),
        (late, "Chase {} with the counterparty.", "late or failed settlement", "", "settlements"),
        (figures.trades["waiting_count"], "Find the original of {}.", "waiting correction", "", "trace"),
        (figures.payments.total, "A second person decides on {}.", "waiting payment", "", "payments"),
    )
    return [
        Action(sentence.format(counted(number, singular, plural)), section)
        for number, sentence, singular, plural, section in candidates
        if number
    ]
