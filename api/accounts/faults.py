"""What people are told when they cannot have what they ask of their account."""


class AccountFault(Exception):
    """It cannot be done: `code` is that of a problem, the text says how it would be right.

    `field` names what is wrong in the request; `retry_after_s` says when to come back.
    """

    def __init__(
        self, code: str, text: str, field: str | None = None, retry_after_s: float | None = None
    ) -> None:
        super().__init__(text)
        self.code = code
        self.field = field
        self.retry_after_s = retry_after_s
