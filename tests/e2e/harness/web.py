"""What http names lead to, and how they are asked: a small HTTP/1.1 server whose paths each do one
thing, and requests as bytes, so that a test says exactly what goes over the wire.
"""

import hashlib
import json
import socket
import ssl
import subprocess

from harness.wait import SCALE

TIMEOUT_S = 60 * SCALE
DOMAIN = "gate.test"


class Reader:
    """Lines and counts from a socket."""

    def __init__(self, sock):
        self.sock = sock
        self.bytes = bytearray()  # which grows without being copied each time

    def more(self):
        chunk = self.sock.recv(65536)
        self.bytes += chunk
        return bool(chunk)

    def until(self, mark):
        """What comes before `mark`, without it; None where the stream ends first."""
        while mark not in self.bytes:
            if not self.more():
                return None
        head, _, self.bytes = self.bytes.partition(mark)
        return bytes(head)

    def exactly(self, count):
        while len(self.bytes) < count:
            if not self.more():
                raise EOFError(f"{len(self.bytes)} of {count} bytes")
        taken, self.bytes = bytes(self.bytes[:count]), self.bytes[count:]
        return taken

    def rest(self):
        while self.more():
            pass
        taken, self.bytes = bytes(self.bytes), bytearray()
        return taken


class Message:
    """A head, and the body that it announces."""

    def __init__(self, reader, is_request=False, method="GET"):
        head = reader.until(b"\r\n\r\n")
        if head is None:
            raise EOFError("no message")
        lines = head.decode("latin-1").split("\r\n")
        self.line = lines[0]
        self.fields = [tuple(part.strip() for part in line.split(":", 1)) for line in lines[1:]]
        self.status = 0 if is_request else int(self.line.split()[1])
        self.chunks = []
        bodiless = not is_request and (method == "HEAD" or self.status in (204, 304) or
                                       self.status < 200)
        if bodiless:
            self.body = b""
        elif self.field("Transfer-Encoding") == "chunked":
            self.body = self._chunked(reader)
        elif self.field("Content-Length") is not None:
            self.body = reader.exactly(int(self.field("Content-Length")))
        else:
            self.body = b"" if is_request else reader.rest()

    def _chunked(self, reader):
        while True:
            size = int(reader.until(b"\r\n").split(b";")[0], 16)
            if size == 0:
                self.trailers = []
                while line := reader.until(b"\r\n"):
                    self.trailers.append(line.decode("latin-1"))
                return b"".join(self.chunks)
            self.chunks.append(reader.exactly(size))
            assert reader.exactly(2) == b"\r\n"

    def field(self, name):
        found = [value for key, value in self.fields if key.lower() == name.lower()]
        return found[0] if found else None

    def all(self, name):
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def json(self):
        return json.loads(self.body)


def answer(sock, status=200, body=b"", **fields):
    lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(body)}"]
    lines += [f"{key.replace('_', '-')}: {value}" for key, value in fields.items()]
    sock.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)


def tell(request):
    """What the app was asked, as JSON."""
    method, path, _ = request.line.split(" ", 2)
    return json.dumps({"method": method, "path": path, "fields": request.fields,
                       "bytes": len(request.body),
                       "sha256": hashlib.sha256(request.body).hexdigest()}).encode()


def app(name="app"):
    """A target's handler. Its paths: /size/N, /chunked/N, /close/N (no length), /status/N, /drop
    (the connection breaks after half a response), /early, /sse, /upgrade; else it tells what it
    was asked."""

    def serve(sock):
        reader = Reader(sock)
        served = 0
        while True:
            try:
                request = Message(reader, is_request=True)
            except EOFError:
                return served
            served += 1
            if not _one(sock, reader, request, name):
                return served

    return serve


def pattern(count):
    return bytes(range(251)) * (count // 251) + bytes(range(count % 251))


def _one(sock, reader, request, name):
    method, path, _ = request.line.split(" ", 2)
    kind, _, number = path.strip("/").partition("/")
    if kind == "size":
        answer(sock, body=b"" if method == "HEAD" else pattern(int(number)))
    elif kind == "chunked":
        sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        body = pattern(int(number))
        for at in range(0, len(body), 10_000):
            piece = body[at:at + 10_000]
            sock.sendall(b"%x\r\n" % len(piece) + piece + b"\r\n")
        sock.sendall(b"0\r\nX-Sum: done\r\n\r\n")
    elif kind == "close":
        sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + pattern(int(number)))
        return False
    elif kind == "status":
        answer(sock, status=int(number))
    elif kind == "drop":
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
        return False
    elif kind == "nothing":
        return False
    elif kind == "garbage":
        sock.sendall(b"SSH-2.0-this is not http\r\n\r\n")
        return False
    elif kind == "once":
        answer(sock, body=tell(request), Connection="close")
        return False
    elif kind == "sse":
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                     b"Transfer-Encoding: chunked\r\n\r\n")
        sock.sendall(b"d\r\ndata: first\n\n\r\n")
        sock.recv(1)  # until the visitor leaves
        return False
    elif kind == "upgrade":
        sock.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\n"
                     b"Connection: Upgrade\r\n\r\n")
        sock.sendall(reader.bytes)
        while piece := sock.recv(65536):
            sock.sendall(piece)
        sock.shutdown(socket.SHUT_WR)
        return False
    elif kind == "name":
        answer(sock, body=name.encode())
    else:
        answer(sock, body=b"" if method == "HEAD" else tell(request))
    return True


class Visitor:
    """A connection to an http port, and what is asked on it."""

    def __init__(self, port, host="127.0.0.1", tls=None, name=None):
        self.sock = socket.create_connection((host, port), timeout=TIMEOUT_S)
        if tls:
            self.sock = tls.wrap_socket(self.sock, server_hostname=name)
        self.reader = Reader(self.sock)

    def send(self, text):
        self.sock.sendall(text if isinstance(text, bytes) else text.encode("latin-1"))

    def ask(self, path="/", host=f"blog.{DOMAIN}", method="GET", body=b"", fields=(),
            version="1.1"):
        """Sends a request and returns the response."""
        lines = [f"{method} {path} HTTP/{version}", f"Host: {host}", *fields]
        if body and not any("chunked" in field for field in fields):
            lines.append(f"Content-Length: {len(body)}")
        self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        return self.response(method)

    def response(self, method="GET"):
        return Message(self.reader, method=method)

    def ended(self):
        """Whether the other side has ended, and said nothing more."""
        return self.reader.rest() == b""

    def close(self):
        self.sock.close()


def context():
    made = ssl.create_default_context()
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    return made


def make_certificate(folder, label, *names):
    """A self-signed pair in the folder of [https] certificates."""
    alternatives = ",".join(f"DNS:{name}" for name in names)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", f"/CN={names[0]}",
                    "-addext", f"subjectAltName={alternatives}", "-keyout", f"{folder}/{label}.key",
                    "-out", f"{folder}/{label}.crt"], check=True, capture_output=True, timeout=60)
