"""Host keys that only the unit can read: LoadCredential=."""

import subprocess

import pytest

from harness.keys import Key

CONFIG = "/etc/portreeve/portreeve.toml"
DROP_IN = "/run/systemd/system/portreeve.service.d"


@pytest.fixture
def with_credential(here):
    before = here.host.read(CONFIG)
    host_key = Key(here.folder, "host_key")
    here.host.copy_in(host_key.path, "/root/host_key_ed25519")
    here.host.run("chmod", "600", "/root/host_key_ed25519")
    here.host.run("mkdir", "-p", DROP_IN)
    here.host.write(f"{DROP_IN}/key.conf", "[Service]\nLoadCredential="
                    "host_key_ed25519:/root/host_key_ed25519\n")
    here.host.write(CONFIG, before.replace(
        "host_keys = []",
        'host_keys = ["/run/credentials/portreeve.service/host_key_ed25519"]'))
    here.host.run("systemctl", "daemon-reload")
    yield host_key
    here.host.run("rm", "-r", DROP_IN)
    here.host.write(CONFIG, before)
    here.host.run("systemctl", "daemon-reload")


def test_a_host_key_by_load_credential(here, with_credential):
    here.host.run("systemctl", "restart", "portreeve.service")
    scan = subprocess.run(here.host.in_its_network(
        ["ssh-keyscan", "-t", "ed25519", "-p", "2222", "127.0.0.1"]), capture_output=True,
        check=True, timeout=30, text=True).stdout
    assert with_credential.line.split()[1] in scan
