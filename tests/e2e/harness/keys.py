"""User keys, made once for each run of the suite, in the formats of the three clients."""

import itertools
import os
import shutil
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


class Authority(Key):
    """A key that signs others."""

    _serial = itertools.count(1)

    def certify(self, key, principals, *args):
        """A certificate's path, for ssh's CertificateFile. `args` are more words of ssh-keygen."""
        serial = next(self._serial)
        public = f"{self.path}-{serial}.pub"
        shutil.copy(key.path + ".pub", public)
        subprocess.run(["ssh-keygen", "-q", "-s", self.path, "-I", f"id-{serial}", "-z",
                        str(serial), *(["-n", principals] if principals else []), *args, public],
                       check=True)
        return public.replace(".pub", "-cert.pub")


def revoke(path, *public_keys, authority=None, specification=None):
    """Writes a KRL of these files, or of what a specification of ssh-keygen(1) says."""
    words = [*public_keys]
    if specification:
        with open(path + ".spec", "w", encoding="ascii") as file:
            file.write(specification + "\n")
        words.append(path + ".spec")
    subprocess.run(["ssh-keygen", "-q", "-k", *(["-s", authority.path + ".pub"] if authority
                                                else []), "-f", path, *words],
                   check=True, capture_output=True)
