"""[events] command under the unit: inside its walls it still reads what it is told, and what it
writes comes to the journal.
"""

import json

import pytest

from harness.wait import until

CONFIG = "/etc/portreeve/portreeve.toml"


@pytest.fixture
def telling(here):
    """cat, as the program: what it is told is what it says."""
    before = here.host.read(CONFIG)
    events = before.index("[events]")
    here.host.write(CONFIG, before[:events] + before[events:].replace(
        'command = ""', 'command = "/usr/bin/cat /dev/stdin"', 1))
    here.host.run("systemctl", "restart", "portreeve.service")
    yield
    here.host.write(CONFIG, before)


def test_it_is_told_and_heard(here, telling):
    here.ssh().allocated_ports()

    def heard():
        return here.host.run("journalctl", "--quiet", "--output=cat",
                             "--output-fields=PORTREEVE_LINE",
                             "PORTREEVE_EVENT=event_command_output", "PORTREEVE_NEWS=up")

    event = json.loads(until(heard, lambda: f"it is told:\n{here.host.journal()[-3000:]}"))
    assert event["event"] == "up" and event["tunnel"]["state"] == "open"
