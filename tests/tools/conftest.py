from tests.tools.contracts import job

__all__ = ["job"]
