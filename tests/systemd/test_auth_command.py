"""[auth] command under the unit: it runs as the daemon's own user, or, with the drop-in that is
shipped for it, as another.
"""

import pytest

CONFIG = "/etc/portreeve/portreeve.toml"
KEYS = "/etc/portreeve/authorized_keys"
COMMAND = "/usr/local/bin/keys-of"
EXAMPLE = "/usr/share/doc/portreeve/examples/auth-command.conf"
DROP_IN = "/etc/systemd/system/portreeve.service.d"


@pytest.fixture
def let_in_by(here):
    """Makes a command that lets the client in if it runs as `account`; no file lets it in."""
    before = here.host.read(CONFIG)

    def make(account):
        here.host.write(COMMAND, "#!/bin/sh\n"
                                 f'[ "$(id -un)" = {account} ] && echo "{here.key.line}"\n')
        here.host.run("chmod", "755", COMMAND)
        here.host.write(CONFIG, before.replace('command = ""', f'command = "{COMMAND}"'))
        here.host.write(KEYS, "")
        here.host.run("systemctl", "restart", "portreeve.service")

    yield make
    here.host.write(CONFIG, before)


def test_as_the_daemons_own_user(here, let_in_by):
    let_in_by("portreeve")
    here.ssh().allocated_ports()
    let_in_by("nobody")
    assert not here.ssh().gets_in()


def test_as_another_account_by_drop_in(here, let_in_by):
    here.host.run("mkdir", "-p", DROP_IN)
    here.host.run("cp", EXAMPLE, DROP_IN)
    here.host.run("systemctl", "daemon-reload")
    try:
        let_in_by("nobody")
        here.ssh().allocated_ports()
    finally:
        here.host.run("rm", "-r", DROP_IN)
        here.host.run("systemctl", "daemon-reload")
