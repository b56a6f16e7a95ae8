"""From files, devices and browsers to chunks: pictures and sound in step on one clock."""

from hearsight.capture.devices import Device, list_devices
from hearsight.capture.files import MediaInfo, probe, read_chunks
from hearsight.capture.live import CaptureStatus, LiveCapture, open_live
from hearsight.capture.recording import Recorder

__all__ = [
    "CaptureStatus",
    "Device",
    "LiveCapture",
    "MediaInfo",
    "Recorder",
    "list_devices",
    "open_live",
    "probe",
    "read_chunks",
]
