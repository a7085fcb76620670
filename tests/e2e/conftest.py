"""Fixtures: `scene`, which builds whatever a test needs, and `gate`, a server with defaults."""

import os
import resource
import shutil
import signal
import sys
import tempfile

import pytest

sys.path.insert(0, os.path.dirname(__file__))

from harness import gate as gates  # noqa: E402
from harness.keys import Key  # noqa: E402
from harness.programs import why_unsafe  # noqa: E402
from harness.scene import Scene  # noqa: E402


def pytest_configure():
    # A shell that runs this in the background has it ignored, for all that is started here too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # 500 visitors are 500 sockets here, 500 at the targets, and as many in client and daemon.
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 16_384)), hard))


def pytest_report_header():
    return f"gate: {gates.chosen_kind()} {os.environ.get('PORTREEVED', '(PORTREEVED is not set)')}"


def pytest_runtest_setup(item):
    marker = item.get_closest_marker("portreeve_only")
    if gates.chosen_kind() != "portreeve":
        if marker:
            pytest.skip(f"portreeve's own: {marker.args[0]}")
    elif not os.access(os.environ.get("PORTREEVED", ""), os.X_OK):
        pytest.fail("PORTREEVED must name the portreeved to test (ctest sets it), or set "
                    "PORTREEVE_E2E_GATE=sshd to try the tests on OpenSSH's server", pytrace=False)


def pytest_collection_modifyitems(items):
    """Sanitizers look at portreeved: sshd's half of a comparison says nothing new beside them."""
    if os.environ.get("PORTREEVE_E2E_SANITIZER") == "1":
        for item in items:
            if hasattr(item, "callspec") and "sshd" in map(str, item.callspec.params.values()):
                item.add_marker(pytest.mark.skip(reason="sshd is tried in the release build"))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    outcome = yield
    report = outcome.get_result()
    scene = getattr(item, "funcargs", {}).get("scene")
    if report.failed and scene:
        for number, gate in enumerate(scene.gates):
            if os.path.exists(gate.log.path):
                report.sections.append((f"log of gate {number}, its end", gate.log.tail()))


@pytest.fixture
def folder():
    """Short, for the sockets inside: a unix socket's path has at most 107 bytes."""
    path = tempfile.mkdtemp(prefix="portreeve-e2e-")
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="session")
def keys():
    with tempfile.TemporaryDirectory(prefix="portreeve-e2e-keys-") as path:
        yield {name: Key(path, name) for name in ("owner", "other")}


@pytest.fixture
def scene(folder, keys):
    made = Scene(folder, keys)
    yield made
    made.close()


@pytest.fixture
def programs():
    """A folder for programs, which the account that they run as may enter."""
    with tempfile.TemporaryDirectory(prefix="portreeve-e2e-programs-") as path:
        os.chmod(path, 0o755)
        if why := why_unsafe(os.path.realpath(path)):
            pytest.skip(why)
        yield os.path.realpath(path)


@pytest.fixture
def gate(scene):
    return scene.gate()
