"""Exceptions that callers handle apart from other errors; all are `ValueError`."""


class ModelUnavailableError(ValueError):
    """The model stopped responding: its server is down or overloaded, or the cluster failed."""


class AlreadyInColorError(ValueError):
    """The photograph or film is in color already, and `force` was not set."""
