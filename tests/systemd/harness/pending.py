"""What the daemon cannot do yet, and tests wait for: set one to None, and its tests run."""

import pytest

LEASES = None
WATCHDOG = "the daemon does not answer systemd's watchdog yet"


def until_there(reason):
    return pytest.mark.skipif(reason is not None, reason=str(reason))
