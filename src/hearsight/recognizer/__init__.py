"""Crops and samples -> Events: model bundle, encoder session, beam search, words, endpoints."""

from hearsight.recognizer.activity import ActivityRule
from hearsight.recognizer.bundle import Bundle, available
from hearsight.recognizer.endpoint import EndpointRule
from hearsight.recognizer.pictures import PictureRule
from hearsight.recognizer.recognizer import Recognizer
from hearsight.recognizer.stream import Stream

__all__ = ["ActivityRule", "Bundle", "EndpointRule", "PictureRule", "Recognizer", "Stream", "available"]
