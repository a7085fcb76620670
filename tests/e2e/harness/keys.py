"""User keys, made once for each run of the suite, in the formats of the three clients."""

import os
import subprocess


class Key:
    def __init__(self, folder, name, kind=("ed25519",)):
        """`kind`: the words after ssh-keygen's -t, such as ("rsa", "-b", "2048")."""
        self.path = os.path.join(folder, name)
        subprocess.run(["ssh-keygen", "-q", "-t", *kind, "-N", "", "-C", name, "-f", self.path],
                       check=True)
        with open(self.path + ".pub", encoding="ascii") as file:
            self.line = file.read().strip()  # as authorized_keys has it
        listing = subprocess.run(["ssh-keygen", "-l", "-f", self.path],
                                 check=True, capture_output=True, text=True).stdout
        self.fingerprint = listing.split()[1]

    def _converted(self, suffix, command):
        path = self.path + suffix
        if not os.path.exists(path):
            subprocess.run([*command, path], check=True, capture_output=True)
        return path

    def for_dropbear(self):
        return self._converted(".dropbear", ["dropbearconvert", "openssh", "dropbear", self.path])

    def for_putty(self):
        return self._converted(".ppk", ["puttygen", self.path, "-O", "private", "-o"])
