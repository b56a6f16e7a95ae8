"""Crops and samples -> Events: model bundle, encoder session, beam search, words, endpoints."""

from hearsight.recognizer.bundle import Bundle, available
from hearsight.recognizer.endpoint import EndpointRule
from hearsight.recognizer.recognizer import Recognizer
from hearsight.recognizer.stream import Stream

__all__ = ["Bundle", "EndpointRule", "Recognizer", "Stream", "available"]
