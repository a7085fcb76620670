"""Fixtures. Each file of tests has a machine of its own: `machine` is fresh, `host` is it with the
package installed.
"""

import os
import shutil
import sys
import tempfile

import pytest

sys.path.insert(0, os.path.dirname(__file__))

from harness import ends, package, tree  # noqa: E402
from harness.keys import Key  # noqa: E402
from harness.machine import CannotBoot, Machine, why_cannot_boot  # noqa: E402

KEYS = "/etc/portreeve/authorized_keys"


@pytest.fixture(scope="module")
def folder():
    """Short, for the sockets inside."""
    path = tempfile.mkdtemp(prefix="portreeve-systemd-")
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def deb():
    if why := why_cannot_boot():
        pytest.skip(why)
    return package.now()


@pytest.fixture(scope="module")
def machine(deb, folder):
    try:
        made = Machine(tree.get(deb), folder)
    except CannotBoot as why:
        pytest.skip(str(why))
    yield made
    made.close()


def install(machine, deb):
    machine.copy_in(deb, "/root/portreeve.deb")
    return machine.run("apt-get", "install", "--yes", "/root/portreeve.deb")


@pytest.fixture(scope="module")
def host(machine, deb):
    install(machine, deb)
    return machine


@pytest.fixture(scope="module")
def key(folder):
    return Key(folder, "owner")


@pytest.fixture
def here(folder, host, key):
    """A target, and whatever a test adds to the host: ended after the test."""
    host.write(KEYS, key.line + "\n")
    made = Here(host, key, folder)
    yield made
    made.close()


class Here:
    def __init__(self, host, key, folder):
        self.host, self.key, self.folder = host, key, folder
        self._made = []
        self.target = self.add(ends.Target(host))

    def add(self, thing):
        self._made.append(thing)
        return thing

    def forward(self):
        return f"0:127.0.0.1:{self.target.port}"

    def ssh(self, *forwards, **more):
        return self.add(ends.Ssh(self.host, self.key, self.folder, forwards or [self.forward()],
                                 **more))

    def loop(self, **more):
        return self.add(ends.SshLoop(self.host, self.key, self.folder, self.forward(), **more))

    def visitors(self, *ports):
        return self.add(ends.Visitors(self.host, ports))

    def close(self):
        for thing in reversed(self._made):
            thing.close()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    outcome = yield
    report = outcome.get_result()
    machine = getattr(item, "funcargs", {}).get("machine")
    if report.failed and machine and machine.process.poll() is None:
        report.sections.append(("journal of portreeve.service, its end", machine.journal()[-6000:]))
