"""Finals of a second pass: read from the features of the whole utterance, the same in any chunking."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hearsight.errors import BundleError, HearsightError
from hearsight.recognizer import Bundle, EndpointRule, Recognizer, decoder, reading
from hearsight.recognizer.biasing import ContextGraph, Hotword
from hearsight.recognizer.config import BundleConfig, SecondPassConfig
from hearsight.recognizer.reading import ReadWord, folded, has_loop, is_trusted
from hearsight.recognizer.second_pass import SecondPass, read_tokens
from hearsight.recognizer.session import EncoderSession, Ticks
from hearsight.types import Crops, Word
from tests.recognizer.speaker import room
from tests.recognizer.test_stream import TICK, clip, finals, recognise, sound

TOKENS = [b" One", b" two", b".", b" (", b"!", b" caf\xc3", b"\xa9"]
END, START = len(TOKENS), len(TOKENS) + 1
CONFIG = SecondPassConfig(
    layers=1,
    heads=1,
    head_dim=2,
    vocabulary_size=len(TOKENS) + 2,
    context=200,
    prompt=(START, START),
    end=END,
    suppressed=(3, START),
    suppressed_first=(2,),
    longest_s=12.0,
    restart=("past",),
)


@pytest.fixture(scope="module", autouse=True)
def few_words_are_enough():
    """However many words the first pass hears, and however surely, the second may read few."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "_MANY_WORDS", 10**6)
        patch.setattr(decoder, "_CERTAIN", 2.0)
        yield


class Script:
    """A decoder that reads what a function of the features says."""

    def __init__(self, read) -> None:
        self.tokens_of, self.windows, self.log_probability = read, [], -0.1

    def listen(self, features):
        assert features.ndim == 2
        self.windows.append(features)
        return {"script": np.array([*self.tokens_of(features), END])}

    def read(self, tokens, memory, heard):
        latest = np.array(tokens, np.float32)[:, None, None, None, None]
        memory = np.concatenate([memory, latest.repeat(2, 1).repeat(2, 4)], 3)
        scores = np.full((len(tokens), CONFIG.vocabulary_size), -20.0, np.float32)
        scores[:, 3] = 0.0  # it would like brackets best
        for text, known in zip(scores, memory[:, 0, 0, :, 0].astype(int).tolist(), strict=True):
            assert known[:2] == [START, START][: len(known)]
            text[heard["script"][len(known) - 2]] = self.log_probability
        return scores, memory


def by_features(features):
    """Tokens that depend on each value of the features and on their number."""
    random = np.random.default_rng(np.frombuffer(np.ascontiguousarray(features).tobytes(), np.uint8))
    return [0, *random.integers(0, 2, random.integers(1, 5))]


def with_second_pass(toy, read, **changes):
    config = replace(toy.config, second_pass=replace(CONFIG, **changes))
    bundle = Bundle(toy.folder, config, toy.contents)
    script = Script(read)
    bundle.__dict__.update(toy.__dict__ | {"config": config})
    bundle.__dict__["second_pass"] = SecondPass(script, TOKENS, config.second_pass)
    return Recognizer(bundle, endpoint=EndpointRule(longest_s=8.0, long_s=4.0)), script


@given(
    seed=st.integers(0, 10_000),
    ticks=st.integers(1, 250),
    cuts=st.lists(st.integers(1, 40), min_size=1, max_size=12),
    modality=st.sampled_from(["av", "audio", "video"]),
)
@settings(max_examples=30, deadline=None)
def test_any_chunking_gives_the_same_events(toy, seed, ticks, cuts, modality):
    recognizer, _ = with_second_pass(toy, by_features)
    whole = clip(seed, ticks)
    assert recognise(recognizer, whole, cuts, modality) == recognise(recognizer, whole, [ticks], modality)


@given(seed=st.integers(0, 10_000))
@example(seed=63)  # ends with pictures alone
@settings(max_examples=20, deadline=None)
def test_finals_have_the_words_that_were_read_at_the_times_of_those_heard(toy, seed):
    recognizer, _ = with_second_pass(toy, by_features)
    one_pass = replace(recognizer, finals="one-pass")
    whole = clip(seed, 250)
    events, heard = recognise(recognizer, whole, [250]), recognise(one_pass, whole, [250])
    said = 0.0
    for two, one in zip(by_sound(finals(events)), by_sound(finals(heard)), strict=True):
        assert {word.text for word in two.words} <= {"One", "two"}
        assert all(0.0 < word.confidence <= 1.0 for word in two.words)
        assert two.words[0].start >= said and two.start == two.words[0].start
        assert all(before.end <= after.start for before, after in pairwise(two.words))
        assert two.words[-1].end <= max(one.end, two.words[0].start + len(two.words) * 0.041)
        said = two.words[-1].end
    assert all(event.stable == 0 for event in events if event.kind == "partial"), "nothing is promised"


def by_sound(events):
    """Without those by lips alone, which are not read again."""
    return [event for event in events if "audio" in event.senses]


def partials(events):
    return [event for event in events if event.kind == "partial"]


def test_partials_are_those_of_the_first_pass_until_the_second_has_read_for_the_first_time(toy):
    recognizer, script = with_second_pass(toy, by_features)
    whole = clip(3, 250)
    heard = recognise(replace(recognizer, finals="one-pass"), whole, [8])
    assert not script.windows
    both = [
        [event.text for event in partials(events)] for events in (recognise(recognizer, whole, [8]), heard)
    ]
    assert both[0][:2] == both[1][:2] and both[0][:2]


def test_partials_begin_with_what_was_read_last_but_for_its_last_word(toy):
    recognizer, _ = with_second_pass(toy, lambda _: [0, 1, 1])
    events = partials(recognise(recognizer, clip(3, 250), [8]))
    read = [event for event in events if event.text.startswith("One")]
    assert read
    for event in read:
        assert event.text.startswith("One two") and not event.text.startswith("One two two")
        assert all(before.end <= after.start for before, after in pairwise(event.words))


def test_reading_along_can_be_left_out(toy):
    recognizer, script = with_second_pass(toy, lambda _: [0, 1])
    stream = recognizer.stream("av")
    stream.reads_along = False
    ticks = clip(3, 250)
    events = [
        *stream.push_crops(Crops(0, ticks.crops, ticks.video_present), ticks.samples, ticks.audio_present),
        *stream.finish(),
    ]
    assert len(script.windows) == len(finals(events)) > 0


def test_a_greedy_search_is_not_read_again_before_the_end(toy):
    recognizer, script = with_second_pass(toy, lambda _: [0, 1])
    events = recognise(replace(recognizer, beam_width=1), clip(3, 250), [8])
    assert len(script.windows) == len(finals(events)) > 0


@pytest.mark.parametrize("read", [lambda _: [], lambda _: [0, 2, 1, 2] * 9, lambda _: [4, 4]])
def test_a_reading_without_words_or_in_a_loop_is_not_taken(toy, read):
    recognizer, script = with_second_pass(toy, read)
    whole = clip(3, 250)
    events = recognise(recognizer, whole, [250])
    expected = recognise(replace(recognizer, finals="one-pass"), whole, [250])
    assert finals(events) == finals(expected)
    assert script.windows and finals(events)
    assert [event.text for event in events] == [event.text for event in expected]


@given(
    st.lists(st.floats(0.0, 1.0), min_size=1, max_size=6),
    st.lists(st.floats(-9.0, 0.0), min_size=3, max_size=6),
)
def test_the_first_pass_keeps_its_words_only_where_it_is_surer_by_a_margin(confidences, log_probabilities):
    heard = [Word("lay", 0.0, 0.1, confidence) for confidence in confidences]
    read = [ReadWord("place", each) for each in log_probabilities]
    assert is_trusted([ReadWord("place", -0.2)] * 3, heard), "what was read surely is taken"
    assert is_trusted(read, [replace(word, confidence=0.0) for word in heard])
    sure = [replace(word, confidence=1.0) for word in heard]
    assert is_trusted(read, sure) == (math.exp(sum(log_probabilities) / len(read)) >= 0.8)


def test_a_final_is_of_one_pass_or_of_the_other(toy):
    recognizer, script = with_second_pass(toy, lambda _: [0, 1])
    whole = clip(3, 250)
    heard = finals(recognise(replace(recognizer, finals="one-pass"), whole, [250]))
    assert all(event.text == "One two" for event in finals(recognise(recognizer, whole, [250])))
    script.log_probability = -9.0
    unsure = finals(recognise(recognizer, whole, [250]))
    assert [event.text for event in unsure] == [event.text for event in heard]


@given(seed=st.integers(0, 10_000), guess=st.floats(0.0, 1.0))
@settings(max_examples=30, deadline=None)
def test_by_lips_alone_nothing_is_read_and_a_guess_is_not_told(toy, seed, guess):
    recognizer, script = with_second_pass(toy, by_features)
    whole = clip(seed, 250)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoder, "_GUESS", guess)
        events = recognise(recognizer, whole, [8], "video")
    assert not script.windows
    assert all(reading.sureness(event.words) >= guess for event in events if event.words)
    one_pass = finals(recognise(replace(recognizer, finals="one-pass"), whole, [8], "video"))
    sure = [event.text for event in one_pass if reading.sureness(event.words) >= guess]
    assert [event.text for event in finals(events)] == sure


def test_by_lips_alone_what_turns_out_to_be_a_guess_is_taken_back(toy, monkeypatch):
    recognizer, _ = with_second_pass(toy, by_features)
    monkeypatch.setattr(decoder, "_GUESS", 0.0)
    told = ((clip(seed, 250), recognise(recognizer, clip(seed, 250), [8], "video")) for seed in range(100))
    whole, last, final = next(
        (whole, *pair) for whole, events in told for pair in pairwise(events) if loses_sureness(*pair)
    )
    monkeypatch.setattr(decoder, "_GUESS", reading.sureness(last.words))
    events = recognise(recognizer, whole, [8], "video")
    assert final not in events
    back = events[events.index(last) + 1]
    assert (back.kind, back.words) == ("partial", ())


def loses_sureness(last, final):
    both = (last.kind, final.kind) == ("partial", "final") and last.words and final.words
    return both and reading.sureness(final.words) < reading.sureness(last.words)


def test_where_no_word_was_heard_nothing_is_read(toy):
    recognizer, script = with_second_pass(toy, lambda _: [0])
    everything = np.ones(300, np.bool_)
    silent = Ticks(np.zeros((300, 96, 96), np.uint8), room(300, -45), ~everything, everything)
    assert recognise(recognizer, silent, [8]) == []
    assert not script.windows


def test_an_utterance_after_silence_is_heard_like_the_first(toy):
    """What is read begins shortly before the first word, with nothing of what was heard before that."""
    recognizer, script = with_second_pass(toy, lambda _: [0], restart=("past", "ticks"))
    speech, rate = sound(1, 40).reshape(40, TICK), 25
    for silence in (3 * rate + 1, 12 * rate + 6):
        samples = np.concatenate([sound(7, 50).reshape(50, TICK), np.zeros((silence, TICK)), speech])
        stream = recognizer.stream("audio")
        stream.push(None, samples.astype(np.float32).ravel())
        stream.finish()
        window = script.windows[-1]
        tail = 4 + -len(samples) % 4
        begin = len(samples) + tail + 4 - len(window)
        assert begin % 4 == 0 and 50 + silence - 8 <= begin <= 50 + silence
        alone = EncoderSession(recognizer.bundle)
        present = np.ones(len(samples) - begin, np.bool_)
        heard = Ticks.empty(len(present))
        heard = Ticks(heard.crops, samples[begin:].astype(np.float32).ravel(), ~present, present)
        features = [segment.features for segment in [*alone.push(heard), *alone.finish()]]
        np.testing.assert_array_equal(window, np.concatenate([alone.lead, *features, alone.tail()]))


def test_memory_stays_flat_while_somebody_talks_without_a_pause(toy):
    recognizer, script = with_second_pass(toy, by_features)
    stream = recognizer.stream("audio")
    for turn in range(15):
        for event in stream.push(None, sound(turn, 4 * 25)):
            assert event.end - event.start <= 12
        assert len(stream._decoder._window) <= 12 * 25
    assert 4 < len(script.windows) < 60
    assert max(map(len, script.windows)) <= 12 * 25


def test_what_is_cut_off_for_its_length_is_read_from_end_to_end(toy):
    recognizer, script = with_second_pass(toy, lambda _: [0])
    stream = recognizer.stream("audio")
    stream.push(None, np.concatenate([sound(turn, 100) for turn in range(8)]))
    stream.finish()
    assert sum(map(len, script.windows[1:])) >= 700 - len(script.windows[0])


def test_tokens_that_are_no_speech_are_never_read(toy):
    recognizer, _ = with_second_pass(toy, lambda _: [2, 0, 2])
    second_pass = recognizer.bundle.second_pass
    tokens, log_probabilities = second_pass.tokens(np.zeros((50, 12), np.float32))
    assert tokens[0] not in (2, 3) and 3 not in tokens, "neither a full stop first, nor a bracket at all"
    assert all(each <= -0.1 for each in log_probabilities)


def test_no_more_is_read_than_can_be_said_in_the_time(toy):
    """What goes on for longer than that is invented."""
    text = [0, 1, 0, 0, 1, 1, 2, 1, 4, 0, 5, 1, 2, 0, 1, 0]
    recognizer, script = with_second_pass(toy, lambda _: text)
    read = recognizer.bundle.second_pass.tokens
    assert read(np.zeros((30, 12), np.float32))[0] == text
    assert read(np.zeros((24, 12), np.float32))[0] == []
    assert len(script.windows) == 2


class Crossroads:
    """Where the likeliest token leads to an unlikely text, and ending at once is not unlikely enough."""

    def listen(self, features):
        return {}

    def read(self, tokens, memory, heard):
        latest = np.array(tokens, np.float32)[:, None, None, None, None]
        memory = np.concatenate([memory, latest.repeat(2, 1).repeat(2, 4)], 3)
        scores = np.full((len(tokens), CONFIG.vocabulary_size), -20.0, np.float32)
        for text, known in zip(scores, memory[:, 0, 0, 2:, 0].astype(int).tolist(), strict=True):
            ways = {(): {0: -0.6, 1: -0.8}, (0,): {0: -1.5, END: -1.6}, (1,): {0: -0.1}, (1, 0): {1: -0.1}}
            for token, score in ways.get(tuple(known), {END: -0.1}).items():
                text[token] = score
        return scores, memory


def test_the_likeliest_text_need_not_begin_with_the_likeliest_token():
    features = np.zeros((50, 12), np.float32)
    assert SecondPass(Crossroads(), TOKENS, CONFIG).tokens(features)[0] == [1, 0, 1]
    assert SecondPass(Crossroads(), TOKENS, CONFIG, width=1).tokens(features)[0] == [0, 0]


def test_a_letter_may_lie_in_two_tokens(toy):
    recognizer, _ = with_second_pass(toy, lambda _: [5, 6, 2])
    (word,) = recognizer.bundle.second_pass(np.zeros((50, 12), np.float32))
    assert word.text == "café."


def test_two_passes_of_a_model_with_one_are_refused(toy, toy_folder):
    with pytest.raises(BundleError, match="has no second pass"):
        Recognizer.load(toy_folder, finals="two-pass")
    with pytest.raises(BundleError, match="has no second pass"):
        Recognizer(toy, finals="two-pass").stream()
    with pytest.raises(ValueError, match="one-pass, two-pass"):
        Recognizer.load(toy_folder, finals="three")
    assert Recognizer.load(toy_folder, finals="one-pass").bundle.second_pass is None


def test_phrases_that_would_not_reach_the_finals_are_refused(toy, monkeypatch):
    recognizer, _ = with_second_pass(toy, by_features)
    monkeypatch.setattr(Bundle, "load", lambda model: recognizer.bundle)
    with pytest.raises(HearsightError, match="--finals one-pass"):
        Recognizer.load("toy", hotwords=["lare la"])
    loaded = Recognizer.load("toy", hotwords=["lare la"], finals="one-pass")
    assert loaded.context is not None
    assert ContextGraph.of([Hotword("lare la", 1.0)], toy.pieces) is not None


SECTION = {
    "layers": 1,
    "heads": 1,
    "head_dim": 2,
    "vocabulary_size": 9,
    "context": 10,
    "prompt": [8],
    "end": 7,
    "suppressed": [],
    "suppressed_first": [],
    "longest_s": 20,
    "restart": ["past"],
}


def test_a_configuration_may_have_a_second_pass(toy_folder, tmp_path):
    path = tmp_path / "config.json"
    values = json.loads((toy_folder / "config.json").read_text())
    path.write_text(json.dumps(values | {"second_pass": SECTION}))
    assert BundleConfig.read(path).second_pass.prompt == (8,)
    with pytest.raises(BundleError, match=r"no SHA-256 for listen\.onnx"):
        Bundle.load(tmp_path)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"prompt": []}, "no prompt"),
        ({"end": 9}, "outside the vocabulary"),
        ({"suppressed": [9]}, "outside the vocabulary"),
        ({"suppressed": ["a"]}, "not a whole number"),
        ({"longest_s": 1000}, "longest_s"),
        ({"restart": ["future"]}, "restarts future"),
        ({"restart": "past"}, "not a list"),
        ({"layers": -1}, "layers of second_pass is not a whole number"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(toy_folder, tmp_path, changes, sentence):
    path = tmp_path / "config.json"
    values = json.loads((toy_folder / "config.json").read_text())
    path.write_text(json.dumps(values | {"second_pass": SECTION | changes}))
    with pytest.raises(BundleError, match=sentence):
        BundleConfig.read(path)


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b'["\xe2\x82\xac"]', b"[]"])
def test_a_table_of_tokens_that_is_none_is_refused(tmp_path, content):
    with pytest.raises(BundleError, match="no list of the second pass's tokens"):
        read_tokens(content, tmp_path / "tokens.json", CONFIG)


def test_nothing_is_read_along_where_the_first_pass_is_sure(toy, monkeypatch):
    recognizer, script = with_second_pass(toy, by_features)
    whole = clip(3, 250)
    recognise(recognizer, whole, [8])
    usual = len(script.windows)
    script.windows.clear()
    monkeypatch.setattr(decoder, "_SURE", 0.0)
    events = recognise(recognizer, whole, [8])
    assert len(finals(events)) == len(script.windows) < usual
    script.windows.clear()
    monkeypatch.setattr(decoder, "_CERTAIN", 0.0)
    heard = recognise(replace(recognizer, finals="one-pass"), whole, [8])
    assert [event.text for event in finals(recognise(recognizer, whole, [8]))] == [
        event.text for event in finals(heard)
    ]
    assert not script.windows, "what is certain is not read at all"


def test_a_sentence_is_not_read_twice_whatever_its_case():
    content = [
        b"Food",
        b" food",
        b" Food",
        b" is",
        b" not",
        b" to",
        b" become",
        b" rancid",
        b" at",
        b" all",
        b".",
    ]
    sentence = [3, 4, 5, 6, 7, 8, 9, 10]
    numbers = folded(content)
    assert numbers[0] == numbers[1] == numbers[2] != numbers[3]
    assert has_loop([numbers[token] for token in [0, *sentence, 2, *sentence]])
    assert not has_loop([numbers[token] for token in [0, *sentence, 2, *sentence[:-1]]])
    assert not has_loop([numbers[token] for token in [0, 3, 9, 0, 3, 9]]), "so short ones may be said twice"
