"""From whatever a handler raises to a reply: the outermost circle of a request.

Law: a client never sees a stack trace, and nothing that goes wrong in one request ends another.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Final

from api.accounts.faults import AccountFault
from api.accounts.vault import VaultFault
from api.http.messages import RawReply, Reply
from api.http.meters import Meters
from api.http.problems import TABLE, FieldError, Problem, unavailable
from api.http.reasons import SENTENCES, reason
from api.http.repeats import Refusal
from api.plans.allowances import MonthSpent, PlanLimit, TooFast
from api.query.errors import QueryError
from engine.intake import NotAccepted
from engine.ports import Damaged, Fenced, Refused, StoreError
from engine.stats import NoSuchStat
from storage.directory_search import StatFault

log = logging.getLogger("statflow.http")

STORE_RETRY_S: Final = 1.0
"""When to come back after the store did not answer a question, in seconds."""

OURS: Final = frozenset({"internal", "store_damaged"})
"""Problems that somebody has to look into: the log tells more."""


async def answered(
    meters: Meters, request_id: str, handler: Callable[[], Awaitable[Reply]]
) -> Reply:
    """The handler's reply, or that of the problem it ran into."""
    try:
        return await handler()
    except Exception as error:
        return refused(meters, request_id, error)


def refused(meters: Meters, request_id: str, error: Exception, requests: int = 1) -> RawReply:
    """The reply of the problem that requests ran into."""
    problem = problem_of(error)
    if problem.code in OURS:
        log.error("request %s failed", request_id, exc_info=error)
    meters.refused(problem.code, requests)
    return problem.reply(request_id)


def problem_of(error: Exception) -> Problem:
    """The problem that an exception means to the client."""
    match error:
        case Problem():
            return error
        case NotAccepted():
            code = error.code if error.code in TABLE else "overloaded"
            return unavailable(code, error.retry_after_s, f"{error}.")
        case AccountFault():
            return _account_problem(error)
        case QueryError():
            found = FieldError(error.code, f"{error}.", field=error.parameter)
            return Problem(error.code, f"{error}.", [found])
        case TooFast():
            return unavailable("rate_limited", error.wait_s, _sentence(error))
        case MonthSpent():
            return unavailable("month_spent", error.wait_s, _sentence(error))
        case PlanLimit():
            return Problem("plan_limit", _sentence(error))
        case NoSuchStat():
            return Problem("not_found", "There is no such stat.")
        case StatFault():
            return _stat_problem(error)
        case Refused() if error.code == "oom":
            return unavailable("read_only", 30)
        case Damaged() | VaultFault():
            return Problem("store_damaged", "Whoever runs the server: statflow audit says where.")
        case Refused() | Fenced():
            return unavailable("store_unavailable", STORE_RETRY_S)
        case StoreError():
            return unavailable("store_unavailable", STORE_RETRY_S)
        case _:
            return Problem("internal", "The log of the server has more under the request's id.")


def _sentence(error: Exception) -> str:
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}."


def _account_problem(fault: AccountFault) -> Problem:
    """What people cannot have of their account."""
    text = f"{fault.field}: {fault}." if fault.field else _sentence(fault)
    if fault.retry_after_s is not None:
        return unavailable(fault.code, fault.retry_after_s, text)
    errors = [FieldError(fault.code, text, field=fault.field)] if fault.field else []
    return Problem(fault.code, text, errors)


def _stat_problem(fault: StatFault) -> Problem:
    """What the directory cannot do, with the field and how it should be."""
    text = str(fault)
    if fault.field is None:
        return Problem(fault.code, _sentence(fault))
    detail = f"{fault.field}: {text}."
    if fault.code in SENTENCES:
        detail = reason(Refusal(0, fault.code, fault.field))
    return Problem(fault.code, detail, [FieldError(fault.code, detail, field=fault.field)])
