"""From files, devices and browsers to chunks: pictures and sound in step on one clock."""

from hearsight.capture.files import MediaInfo, probe, read_chunks

__all__ = ["MediaInfo", "probe", "read_chunks"]
