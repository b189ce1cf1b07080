"""What ends a run before its time; imports neither TensorFlow nor Keras."""


class TerminatedError(RuntimeError):
    """SIGTERM ended a run, which is saved and can be resumed."""


class LostWorkerError(RuntimeError):
    """Another process of a run does not respond any more; the message names it."""


class InterruptedRunError(KeyboardInterrupt):
    """Ctrl-C ended a run, whose best generator is saved; the message says how to go on."""
