"""From botocore's errors to the error tree, in one place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from homing.domain.errors import Conflict, HomingError, InvalidInput, Unavailable

_CONFLICTS: Final = frozenset({"ConditionalCheckFailedException", "TransactionConflictException"})
# Only what says that this very request is malformed, however often it is tried. Everything else that is not a conflict
# is Unavailable: a missing permission, table or key is mended by an operator, and the data waits for it.
_INVALID: Final = frozenset(
    {
        "ValidationException",
        "ValidationError",
        "InvalidArgumentException",
        "InvalidParameterValue",
        "InvalidParameterCombination",
        "InvalidMessageContents",
        "AWS.SimpleQueueService.BatchRequestTooLong",
        "EntityTooLarge",
        "SerializationException",
        "ItemCollectionSizeLimitExceededException",
    }
)


def code_of(error: ClientError) -> str:
    """The service's code, such as ``ThrottlingException``."""
    return str(error.response.get("Error", {}).get("Code", ""))


def status_of(error: ClientError) -> int:
    """The HTTP status, 0 when unknown."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def translate(error: ClientError | BotoCoreError, doing: str) -> HomingError:
    """The error of the tree for one of botocore; ``doing`` says what was tried ("reading profiles")."""
    if isinstance(error, ClientError):
        code = code_of(error)
        # Messages of AWS may repeat what was sent: only the code goes on, since errors end in logs.
        text = f"{doing}: {code}"
        if code in _CONFLICTS:
            return Conflict(text)
        if code in _INVALID and status_of(error) < 500:
            return InvalidInput(text, code="refused_by_aws")
        return Unavailable(text)
    if isinstance(error, ParamValidationError):
        return InvalidInput(f"{doing}: parameters of the wrong shape", code="refused_by_aws")
    return Unavailable(f"{doing}: {type(error).__name__}")


@contextmanager
def aws_errors(doing: str) -> Iterator[None]:
    """Turns what botocore raises inside the block into the error tree."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise translate(error, doing) from error
