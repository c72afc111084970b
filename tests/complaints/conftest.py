"""What people complain about in other file pickers, one test or a few for each complaint.

The number in a test's name is the complaint's. Where a complaint is about a browser, its tests are
in `tests/browser/test_complaints.py`.
"""

from tests.imports.conftest import bench
from tests.picker.conftest import here, linked

__all__ = ["bench", "here", "linked"]
