"""A client that sends whatever global request it is told to and shows every answer as it came.

Stock clients always want a reply, send nothing unknown, and hide payloads; what RFC 4254 says about
the rest can be seen only by one who does. paramiko brings transport and login; this takes its place
where requests are answered and channels are opened, so nothing is interpreted on the way here.
"""

import collections
import socket

import paramiko
from paramiko import common
from paramiko.message import Message

from harness.wait import SCALE, until

TIMEOUT_S = 30 * SCALE

SUCCESS, FAILURE = "success", "failure"

# What a forwarded-tcpip open says; `message` is for accept and refuse.
Open = collections.namedtuple("Open", "address port originator channel_id message")


class _Transport(paramiko.Transport):
    """Notes answers in the order they come; opens no channel by itself."""

    def __init__(self, sock):
        self.replies = []
        self.channel_replies = []
        self.opens = []
        super().__init__(sock)

    def _on_success(self, message):
        self.replies.append((SUCCESS, message.get_remainder()))

    def _on_failure(self, message):
        self.replies.append((FAILURE, message.get_remainder()))

    def _on_open(self, message):
        kind, channel_id = message.get_text(), message.get_int()
        message.get_int(), message.get_int()  # window and packet size
        assert kind == "forwarded-tcpip", kind
        address, port = message.get_text(), message.get_int()
        originator = (message.get_text(), message.get_int())
        message.rewind()
        self.opens.append(Open(address, port, originator, channel_id, message))

    def take(self, message):
        self._parse_channel_open(message)

    def expect(self, handler):
        self._tcp_handler = handler

    _handler_table = {
        **paramiko.Transport._handler_table,
        common.MSG_REQUEST_SUCCESS: _on_success,
        common.MSG_REQUEST_FAILURE: _on_failure,
        common.MSG_CHANNEL_OPEN: _on_open,
    }
    _channel_handler_table = {
        **paramiko.Transport._channel_handler_table,
        common.MSG_CHANNEL_SUCCESS:
            lambda channel, _: channel.transport.channel_replies.append(SUCCESS),
        common.MSG_CHANNEL_FAILURE:
            lambda channel, _: channel.transport.channel_replies.append(FAILURE),
    }


class RawClient:
    def __init__(self, gate, key, certificate=None, user=None):
        private = paramiko.Ed25519Key.from_private_key_file(key.path)
        if certificate:
            private.load_certificate(certificate)
        sock = socket.create_connection(("127.0.0.1", gate.port), TIMEOUT_S)
        self.transport = _Transport(sock)
        self._asked = 0
        try:
            self.transport.start_client(timeout=TIMEOUT_S)
            self.transport.auth_publickey(user or gate.user, private)
        except BaseException:
            self.transport.close()
            raise

    def close(self):
        self.transport.close()

    def alive(self):
        return self.transport.is_active()

    def _send(self, kind, add):
        message = Message()
        message.add_byte(kind)
        add(message)
        self.transport._send_user_message(message)

    def send(self, name, *fields, want_reply=True):
        """Sends a global request and does not wait: requests may follow one another."""

        def add(message):
            message.add_string(name)
            message.add_boolean(want_reply)
            for field in fields:
                (message.add_int if isinstance(field, int) else message.add_string)(field)

        self._asked += want_reply
        self._send(common.cMSG_GLOBAL_REQUEST, add)

    def replies(self):
        """All answers so far, once there is one for each request that wanted it."""
        until(lambda: len(self.transport.replies) >= self._asked or not self.alive(),
              lambda: f"{self._asked} replies, {len(self.transport.replies)} came")
        # libssh and sshd answer in order, so what was not asked for would be before the last.
        assert len(self.transport.replies) == self._asked, self.transport.replies
        return self.transport.replies

    def ask(self, name, *fields):
        self.send(name, *fields)
        return self.replies()[-1]

    def listen(self, address, port=0):
        """A granted forward's port."""
        outcome, payload = self.ask("tcpip-forward", address, port)
        assert outcome == SUCCESS, f"{address}:{port} was refused"
        return port or int.from_bytes(payload, "big")

    def synchronise(self):
        """Comes back when the server has dealt with all that was sent before."""
        self.ask("keepalive@openssh.com")

    def wait_open(self, count=1):
        """The `count`th open that the server has asked for; it is not answered yet."""
        until(lambda: len(self.transport.opens) >= count, lambda: f"channel open {count}")
        return self.transport.opens[count - 1]

    def accept(self, opened):
        channels = []
        self.transport.expect(lambda channel, *_: channels.append(channel))
        self.transport.take(opened.message)
        channels[0].settimeout(TIMEOUT_S)
        return channels[0]

    def accept_narrow(self, opened, window_bytes):
        """Takes so much and no more, until widen(): for as long as nobody reads the channel."""
        self.transport.default_window_size = window_bytes
        channel = self.accept(opened)
        until(lambda: len(channel.in_buffer) == window_bytes, f"{window_bytes} bytes have come")
        return channel

    def widen(self, channel, by_bytes):
        def add(message):
            message.add_int(channel.remote_chanid)
            message.add_int(by_bytes)

        self._send(common.cMSG_CHANNEL_WINDOW_ADJUST, add)

    def refuse(self, opened):
        def add(message):
            message.add_int(opened.channel_id)
            message.add_int(1)  # administratively prohibited
            message.add_string("no such forward")
            message.add_string("")

        self._send(common.cMSG_CHANNEL_OPEN_FAILURE, add)

    def ask_channel(self, channel, name, *fields):
        """The answer to a channel request that wants one."""
        before = len(self.transport.channel_replies)

        def add(message):
            message.add_int(channel.remote_chanid)
            message.add_string(name)
            message.add_boolean(True)
            for field in fields:
                message.add_string(field)

        self._send(common.cMSG_CHANNEL_REQUEST, add)
        until(lambda: len(self.transport.channel_replies) > before, f"a reply to {name}")
        return self.transport.channel_replies[-1]

    def refusal_of_channel(self, kind):
        """The reason's number with which a channel of this kind is refused; None: it is granted."""
        try:
            self.transport.open_channel(kind, timeout=TIMEOUT_S).close()
            return None
        except paramiko.ChannelException as refusal:
            return refusal.code
