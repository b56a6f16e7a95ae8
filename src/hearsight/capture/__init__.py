"""From files, devices and browsers to chunks: pictures and sound in step on one clock."""

from hearsight.capture.files import MediaInfo, probe, read_chunks
from hearsight.capture.live import CaptureStatus, LiveCapture, open_live

__all__ = ["CaptureStatus", "LiveCapture", "MediaInfo", "open_live", "probe", "read_chunks"]
