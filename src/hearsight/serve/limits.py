"""How much of anything a client may send, and how long it may take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What the server puts up with; each default is far above what honest clients need.

    Attributes:
        message_bytes: of one WebSocket message.
        picture_bytes: of one JPEG file.
        picture_side: pixels of its longer side.
        inbox_bytes: of a session's input that has not been decoded yet.
        unacknowledged: messages that a client may have on the way.
        ahead_s: input that is taken sooner than a microphone could have given it.
        hello_s: until the first message of a connection.
        idle_s: between two messages.
        send_s: until a client has taken a message that was sent to it.
        resume_s: that a session waits for its client.
        session_s: of input of one session.
        upload_bytes: of a recording.
        upload_s: until a recording has been received.
        uploads: being received or transcribed at a time.
        place_s: that a received recording waits for its turn.
        recording_s: length of a recording.
        transcription_s: until it has been transcribed.
        connections: at a time, of all kinds.
        requests_per_minute: of one address; live messages do not count.
    """

    message_bytes: int = 1 << 20
    picture_bytes: int = 512 << 10
    picture_side: int = 1920
    inbox_bytes: int = 4 << 20
    unacknowledged: int = 64
    ahead_s: float = 30.0
    hello_s: float = 10.0
    idle_s: float = 60.0
    send_s: float = 20.0
    resume_s: float = 30.0
    session_s: float = 4 * 3600.0
    upload_bytes: int = 200 << 20
    upload_s: float = 600.0
    uploads: int = 8
    place_s: float = 30.0
    recording_s: float = 2 * 3600.0
    transcription_s: float = 3600.0
    connections: int = 256
    requests_per_minute: int = 120
