"""A real browser on an app behind an https name: pages, a WebSocket, events from the server."""

import base64
import hashlib
import json
import os
import queue
import shutil
import subprocess

import pytest

from harness import web
from harness.gate import port_of
from harness.wait import SCALE

pytestmark = pytest.mark.portreeve_only("sshd has no http names")

HOST = f"app.{web.DOMAIN}"
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
PAGE = b"""<!DOCTYPE html><title>app</title><script>
const seen = {origin: location.origin, events: [], echoes: []};
const tell = () => fetch("/report", {method: "POST", body: JSON.stringify(seen)});
const events = new EventSource("/events");
events.onmessage = (event) => {
    seen.events.push(event.data);
    if (seen.events.length === 3) { events.close(); talk(); }
};
function talk() {
    const socket = new WebSocket(location.origin.replace("http", "ws") + "/socket");
    const words = ["hello", "x".repeat(70000)];
    socket.onopen = () => words.forEach((word) => socket.send(word));
    socket.onmessage = (event) => {
        seen.echoes.push(event.data.length);
        if (seen.echoes.length === 2) { socket.onclose = tell; socket.close(); }
    };
}
</script>"""


def frame(opcode, payload):
    head = bytes([0x80 | opcode])
    if len(payload) < 126:
        head += bytes([len(payload)])
    elif len(payload) < 65536:
        head += bytes([126]) + len(payload).to_bytes(2, "big")
    else:
        head += bytes([127]) + len(payload).to_bytes(8, "big")
    return head + payload


def read_frame(reader):
    first, second = reader.exactly(2)
    size = second & 127
    if size >= 126:
        size = int.from_bytes(reader.exactly(2 if size == 126 else 8), "big")
    mask = reader.exactly(4)
    payload = reader.exactly(size)
    return first & 0x80, first & 15, bytes(c ^ mask[at % 4] for at, c in enumerate(payload))


def echo_frames(sock, reader):
    message = b""
    while True:
        is_last, opcode, payload = read_frame(reader)
        if opcode == 8:
            sock.sendall(frame(8, payload))
            return
        message += payload
        if is_last:
            sock.sendall(frame(1, message))
            message = b""


def app(reports):
    def serve(sock):
        reader = web.Reader(sock)
        while True:
            try:
                request = web.Message(reader, is_request=True)
            except EOFError:
                return
            path = request.line.split()[1]
            if path == "/":
                web.answer(sock, body=PAGE, Content_Type="text/html")
            elif path == "/events":
                sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                             b"Transfer-Encoding: chunked\r\n\r\n")
                for number in range(3):
                    event = b"data: %d\n\n" % number
                    sock.sendall(b"%x\r\n" % len(event) + event + b"\r\n")
                while sock.recv(4096):
                    pass
                return
            elif path == "/socket":
                key = request.field("Sec-WebSocket-Key").encode()
                accept = base64.b64encode(hashlib.sha1(key + GUID).digest()).decode()
                sock.sendall("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                             f"Connection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
                             .encode())
                echo_frames(sock, reader)
                return
            elif path == "/report":
                reports.put(json.loads(request.body))
                web.answer(sock, status=204)
            else:
                web.answer(sock, status=404)

    return serve


@pytest.mark.skipif(not shutil.which("chromium"), reason="there is no chromium here")
def test_chromium_has_pages_events_and_a_websocket(scene):
    folder = os.path.join(scene.folder, "certs")
    os.mkdir(folder)
    web.make_certificate(folder, "names", f"*.{web.DOMAIN}")
    gate = scene.gate(http={"domain": web.DOMAIN, "listen": ["127.0.0.1:0"]},
                      https={"listen": ["127.0.0.1:0"], "certificates": folder})
    reports = queue.Queue()
    scene.ssh(gate, f"app:80:127.0.0.1:{scene.target(app(reports)).port}").wait_granted()
    port = port_of(gate.log.wait_event("listening", name="https"))
    profile = os.path.join(scene.folder, "profile")
    browser = subprocess.Popen(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
         f"--user-data-dir={profile}", "--ignore-certificate-errors", "--no-first-run",
         "--disable-background-networking", "--no-proxy-server",
         f"--host-resolver-rules=MAP {HOST} 127.0.0.1", "--remote-debugging-port=0",
         f"https://{HOST}:{port}/"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        seen = reports.get(timeout=90 * SCALE)
    finally:
        os.killpg(browser.pid, 9)
        browser.wait()
    assert seen == {"origin": f"https://{HOST}:{port}", "events": ["0", "1", "2"],
                    "echoes": [5, 70_000]}
