"""What the tests of the package and its units are made of: a tree of Debian 12, a machine that
boots it, the package, and clients and visitors inside.

Waiting, clients and notifications are those of the end-to-end suite, so its harness counts as part
of this one: `harness.wait` is tests/e2e/harness/wait.py.
"""

import os

__path__.append(os.path.join(os.path.dirname(__file__), "..", "..", "e2e", "harness"))
