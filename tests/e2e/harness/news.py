"""What was told of tunnels: a line of JSON for each event, in a file that is written to."""

import json

from harness.wait import TextFile, until


class Told:
    def __init__(self, path):
        self.file = TextFile(path)

    def all(self, **fields):
        lines = [json.loads(line) for line in self.file.text().splitlines(keepends=True)
                 if line.endswith("\n")]
        return [line for line in lines
                if all(line.get(key) == value for key, value in fields.items())]

    def kinds(self):
        return [line["event"] for line in self.all()]

    def wait(self, count=1, **fields):
        """The `count`th with these fields."""
        return until(lambda: self.all(**fields)[count - 1:],
                     lambda: f"{fields} ({count}) among {self.file.text()}")[0]
