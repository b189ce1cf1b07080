"""Exceptions that callers of the inference package handle apart from other mistakes."""


class ModelUnavailableError(ValueError):
    """The model stopped answering: a server is gone or overloaded, or the cluster gave up."""
