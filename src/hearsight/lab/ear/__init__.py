"""A pretrained ear: Whisper tiny.en, rebuilt, made to stream, and taught to hear through noise."""
