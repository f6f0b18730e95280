"""The closed sets of words the DAGs are filed under: an operator filters the UI by them."""

from enum import StrEnum


class Tag(StrEnum):
    """What a DAG is about."""

    FRONT_OFFICE = "front office"
    MIDDLE_OFFICE = "middle office"
    BACK_OFFICE = "back office"
    PUBLICATION = "publication"
    DAILY_CLOSE = "daily close"
    INTRADAY = "intraday"
    APPROVAL = "approval"


class Owner(StrEnum):
    """Who is called when a DAG fails."""

    FRONT_OFFICE_SUPPORT = "front office support"
    MIDDLE_OFFICE = "middle office"
    SETTLEMENT_DESK = "settlement desk"
    PAYMENTS_DESK = "payments desk"


class Office(StrEnum):
    """The task groups of the daily close, and the key of each in the grid."""

    FRONT_OFFICE = "front_office"
    MIDDLE_OFFICE = "middle_office"
    BACK_OFFICE = "back_office"
    PUBLICATION = "publication"


class Decision(StrEnum):
    """What a checker may answer about payments."""

    APPROVE = "Approve"
    REJECT = "Reject"

    @property
    def recorded_as(self) -> str:
        """The word for it in `operations.payment_decisions`."""
        return "APPROVED" if self is Decision.APPROVE else "REJECTED"
