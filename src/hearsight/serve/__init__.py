"""Many streams in one process, and the same behind HTTP and WebSocket."""
