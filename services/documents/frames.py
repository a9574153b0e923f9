"""Frames between the service and its render worker: four bytes of length, then the bytes.

Standard library only, since both sides import it and the worker must start light.
"""

import socket
import struct

HEAD = struct.Struct("!I")
# A PDF of the longest document allowed is far below; a larger frame is a fault, not a document.
MAX_FRAME = 64 * 1024 * 1024


def send_frame(link: socket.socket, content: bytes) -> None:
    """Send one frame.   Raises: OSError, if the other side is gone or the deadline passes."""
    link.sendall(HEAD.pack(len(content)) + content)


def read_frame(link: socket.socket) -> bytes:
    """Read one frame.   Raises: EOFError, if the other side is gone; OSError, as `send_frame`."""
    (length,) = HEAD.unpack(_exactly(link, HEAD.size))
    if length > MAX_FRAME:
        raise EOFError("the frame is longer than any document")
    return _exactly(link, length)


def _exactly(link: socket.socket, wanted: int) -> bytes:
    parts = bytearray()
    while len(parts) < wanted:
        part = link.recv(min(wanted - len(parts), 1 << 16))
        if not part:
            raise EOFError("the other side closed the link")
        parts += part
    return bytes(parts)
