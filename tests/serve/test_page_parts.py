"""The page in a real browser: what it shows, says, sends and saves."""

from __future__ import annotations

import io
import random
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from hearsight.captions import write_captions
from hearsight.serve import page as files
from hearsight.types import Event, Word
from tests.serve.browser import ADDRESS, PATIENCE_MS, ScriptedServer, chromium, opened

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with opened(browser) as page:
        yield page


def state(page: Page, wanted: str) -> None:
    page.wait_for_selector(f"#state[data-state={wanted}]", timeout=PATIENCE_MS)


def listening(page: Page, **limits: int) -> ScriptedServer:
    server = ScriptedServer(page, lambda server, _: server.welcome(**limits))
    page.goto(ADDRESS)
    page.click("#start")
    state(page, "listening")
    return server


def until(page: Page, condition: Any) -> None:
    """Wait, letting the browser go on, until something is so."""
    for _ in range(PATIENCE_MS // 50):
        if condition():
            return
        page.wait_for_timeout(50)
    raise AssertionError("it did not come to pass")


def test_words_that_stay_are_solid_the_others_dimmed_and_finals_are_kept(page: Page) -> None:
    server = listening(page)
    server.event(1, "partial", "bin blue at", stable=2)
    page.wait_for_selector("#running .may-change")
    assert page.text_content("#running .stable") == "bin blue"
    assert page.text_content("#running .may-change") == "at"
    assert page.locator("#said p").count() == 0
    server.event(2, "final", "bin blue at f two now", stable=6)
    page.wait_for_selector("#said p")
    assert page.text_content("#said p") == "bin blue at f two now"
    assert page.text_content("#running") == ""
    assert page.locator("#transcript .word").all_text_contents() == ["bin", "blue", "at", "f", "two", "now"]
    assert page.locator("#transcript .facts").first.text_content() == "1.00–1.30 90 %"
    until(page, lambda: {"type": "ack", "event": 2} in server.said)


def test_a_lost_connection_is_resumed_where_it_broke(page: Page) -> None:
    server = listening(page)
    until(page, lambda: len(server.numbers[0]) >= 3)
    server.say(type="ack", next=2)
    server.event(1, "final", "set white", stable=2)
    page.wait_for_selector("#said p")
    server._greet = lambda server, _: server.welcome(next=2, resumed=True)
    server.close()
    until(page, lambda: len(server.numbers) > 1 and len(server.numbers[1]) >= 3)
    assert server.hellos[1]["resume"] == {"session": "s1", "event": 1}
    assert server.numbers[0] == list(range(len(server.numbers[0])))
    assert server.numbers[1] == list(range(2, 2 + len(server.numbers[1])))
    server.event(1, "final", "set white", stable=2)  # comes twice, counts once
    server.event(2, "final", "by k", stable=2)
    until(page, lambda: page.locator("#said p").all_text_contents() == ["set white", "by k"])
    assert page.get_attribute("#state", "data-state") == "listening"


def test_a_session_that_is_over_is_begun_anew_without_the_user(page: Page) -> None:
    server = listening(page)
    server.event(1, "partial", "set white by")
    page.wait_for_selector("#running .may-change")
    server.say(type="error", code="unknown_session", message="That session is over.")
    state(page, "reconnecting")
    assert page.text_content("#problem-text") == "That session is over."
    assert page.text_content("#said p") == "set white by"
    state(page, "listening")
    assert "resume" not in server.hellos[1]
    assert page.is_hidden("#problem")


def test_no_more_is_sent_than_the_server_may_leave_unacknowledged(page: Page) -> None:
    server = listening(page, unacknowledged=3)
    until(page, lambda: len(server.numbers[0]) == 3)
    page.wait_for_timeout(600)
    assert server.numbers[0] == [0, 1, 2]
    server.say(type="ack", next=2)
    until(page, lambda: server.numbers[0] == [0, 1, 2, 3, 4])


def test_stop_ends_the_input_and_waits_for_the_last_words(page: Page) -> None:
    server = listening(page)
    until(page, lambda: bool(server.numbers[0]))
    page.click("#start")
    until(page, lambda: any(said["type"] == "end" for said in server.said))
    assert next(said["next"] for said in server.said if said["type"] == "end") == len(server.numbers[0])
    assert page.get_attribute("#state", "data-state") == "stopping"
    server.event(1, "final", "soon", stable=1)
    server.say(type="done", event=1)
    state(page, "idle")
    assert page.locator("#said p").all_text_contents() == ["soon"]


def test_a_full_server_is_told_in_its_own_words(page: Page) -> None:
    ScriptedServer(
        page, lambda server, _: server.say(type="error", code="busy", message="No room: try later.")
    )
    page.goto(ADDRESS)
    page.click("#start")
    page.wait_for_selector("#problem:not([hidden])")
    assert page.text_content("#problem-text") == "No room: try later."
    state(page, "idle")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("NotAllowedError", "The browser was not allowed"),
        ("NotFoundError", "No camera or microphone was found"),
        ("NotReadableError", "The camera or microphone is in use"),
    ],
)
def test_devices_that_cannot_be_opened_are_told_in_a_sentence(page: Page, name: str, told: str) -> None:
    refuse = f"async () => {{ throw new DOMException('', '{name}'); }}"
    page.add_init_script(f"navigator.mediaDevices.getUserMedia = {refuse};")
    page.goto(ADDRESS)
    page.click("#start")
    page.wait_for_selector("#problem:not([hidden])")
    assert (page.text_content("#problem-text") or "").startswith(told)
    state(page, "idle")


def test_without_a_camera_it_goes_by_ear(page: Page) -> None:
    server = ScriptedServer(page, lambda server, _: server.welcome())
    page.goto(ADDRESS)
    page.click("#settings summary")
    page.select_option("#camera", "none")
    page.click("#start")
    state(page, "listening")
    until(page, lambda: len(server.numbers[0]) >= 3)
    assert page.text_content("#hint") == "No picture: going by ear"


def test_a_token_in_the_address_is_said_and_taken_out_of_sight(page: Page) -> None:
    server = ScriptedServer(page, lambda server, _: server.welcome())
    page.goto(f"{ADDRESS}#token=s3cret")
    page.click("#start")
    state(page, "listening")
    assert server.hellos[0]["token"] == "s3cret"
    assert page.url == ADDRESS


def test_the_level_of_the_noise_is_told(page: Page) -> None:
    listening(page)
    page.click("#settings summary")
    assert page.text_content("#noise-value") == "off"
    page.fill("#noise", "-30")
    assert (page.text_content("#noise-value") or "").startswith("-30 dB")
    assert (page.get_attribute("#noise", "aria-valuetext") or "").startswith("-30 dB")


def test_senses_can_be_changed_while_listening(page: Page) -> None:
    server = listening(page)
    page.check("#senses input[value=audio]")
    until(page, lambda: {"type": "modality", "modality": "audio"} in server.said)


def test_what_the_model_sees_is_drawn(page: Page) -> None:
    server = listening(page)
    crop = page.evaluate("btoa(String.fromCharCode(...new Uint8Array(9216).fill(77)))")
    mouth = [[260, 250], [330, 251], [329, 320], [259, 319]]
    server.say(type="look", tick=1, width=640, height=480, face=[200, 96, 390, 350], mouth=mouth, crop=crop)
    page.wait_for_selector("#crop:not([hidden])")
    pixel = "id => [...document.getElementById(id).getContext('2d').getImageData(40, 40, 1, 1).data]"
    assert page.evaluate(pixel, "crop-picture") == [77, 77, 77, 255]
    drawn = """() => document.getElementById('overlay').getContext('2d')
        .getImageData(0, 0, overlay.width, overlay.height).data.some(value => value > 0)"""
    assert page.evaluate(drawn)
    server.say(type="look", tick=2, width=640, height=480, face=None, mouth=None, crop=None)
    page.wait_for_selector("#crop", state="hidden")


def utterances(seed: int) -> list[Event]:
    """Finals of words short and long, close together and far apart."""
    chance = random.Random(seed)
    events, now = [], chance.uniform(0, 4000)
    for _ in range(6):
        words = []
        for _ in range(chance.choice([1, 2, 6, 25])):
            text = "<&é日𝕏a-b"[: chance.randint(1, 8)] * chance.choice([1, 1, 1, 2, 8])
            start, now = now, now + chance.choice([0.04, 0.2, 0.5, 3.0])
            words.append(Word(text, start, now, 0.9))
            now += chance.choice([0.0, 0.0, 0.1, 0.9])
        events.append(Event("final", tuple(words), words[0].start, now, ("audio",)))
    return events


@pytest.mark.parametrize("format", ["txt", "srt", "vtt"])
def test_files_saved_by_the_page_equal_those_of_the_command_line(page: Page, format: str) -> None:
    page.goto(ADDRESS)
    page.evaluate("async () => { window.formats = (await import('/page/formats.js')).FORMATS; }")
    for seed in range(40):
        events = utterances(seed)
        expected = io.StringIO()
        write_captions(events, format, expected)
        sent = [
            {
                "text": event.text,
                "words": [{"word": word.text, "start": word.start, "end": word.end} for word in event.words],
            }
            for event in events
        ]
        saved = page.evaluate("([name, said]) => formats[name].write(said)", [format, sent])
        assert saved == expected.getvalue()


def test_the_transcript_is_saved_under_its_name(page: Page) -> None:
    server = listening(page)
    server.event(1, "final", "bin blue", stable=2)
    page.wait_for_selector("#transcript .word")
    with page.expect_download() as saving:
        page.click("#downloads [data-format=srt]")
    assert saving.value.suggested_filename == "Live-captions.srt"
    assert saving.value.path().read_text() == "1\n00:00:01,000 --> 00:00:02,000\nbin blue\n\n"


@pytest.mark.parametrize("kind", ["babble", "pink"])
def test_noise_has_the_level_it_says(page: Page, kind: str) -> None:
    power = """async kind => {
        const { makeNoise } = await import('/page/noise.js');
        const samples = makeNoise(new OfflineAudioContext(1, 1, 16000), kind).getChannelData(0);
        return samples.reduce((sum, value) => sum + value * value, 0) / samples.length; }"""
    page.goto(ADDRESS)
    assert page.evaluate(power, kind) == pytest.approx(1, rel=1e-3)


def test_a_choice_is_remembered(page: Page) -> None:
    page.goto(ADDRESS)
    page.click("#large")
    page.click("#theme")
    page.reload()
    assert page.get_attribute("#large", "aria-pressed") == "true"
    assert page.get_attribute("html", "data-theme") == "light"


@pytest.mark.parametrize("width", [360, 844, 1280])
def test_large_text_fits_into_the_width(browser: Browser, width: int) -> None:
    with opened(browser, viewport={"width": width, "height": 700}) as page:
        page.goto(ADDRESS)
        page.click("#large")
        page.click("#settings summary")
        too_wide = """() => [...document.querySelectorAll("main *, header *")]
            .filter((one) => one.getClientRects().length && one.getBoundingClientRect().right > innerWidth)
            .map((one) => one.id)"""
        assert page.evaluate(too_wide) == []


@pytest.mark.parametrize("size", [(390, 844), (844, 390), (1280, 760), (1920, 1080)])
def test_captions_alone_fill_the_window_and_do_not_scroll_it(browser: Browser, size: tuple[int, int]) -> None:
    with opened(browser, viewport={"width": size[0], "height": size[1]}) as page:
        server = listening(page)
        page.click("#focus")
        for number in range(1, 30):
            server.event(number, "final", "bin blue at f two now", stable=6)
        server.event(30, "partial", "set white by", stable=2)
        page.wait_for_selector("#running .may-change")
        assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")
        assert page.evaluate("start.getBoundingClientRect().bottom <= innerHeight")
        assert page.evaluate("captions.clientHeight > innerHeight / 3")
        assert page.evaluate("running.getBoundingClientRect().bottom <= start.getBoundingClientRect().top")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1280, 760), (390, 844)])
def test_axe_finds_nothing_serious(browser: Browser, theme: str, size: tuple[int, int]) -> None:
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="no axe: pip install '.[browser]'"
    )
    looks: dict[str, Any] = {"color_scheme": theme, "viewport": {"width": size[0], "height": size[1]}}
    with opened(browser, bypass_csp=True, **looks) as page:
        server = listening(page)
        page.click("#settings summary")
        server.event(1, "final", "bin blue at f two now", stable=6, on_screen=False)
        server.event(2, "partial", "set white by", stable=1)
        page.wait_for_selector("#running .may-change")
        server.say(type="error", code="internal", message="Something broke.")
        for way in ("everything", "captions alone"):
            found = axe.Axe().run(page).response["violations"]
            assert [(one["id"], one["impact"], one["nodes"][0]["html"]) for one in found] == [], way
            page.click("#focus")


def test_every_text_is_in_one_place() -> None:
    html = (files.FOLDER / "index.html").read_text()
    body = re.sub(r"<noscript>.*?</noscript>", "", html[html.index("<body>") :], flags=re.DOTALL)
    written = {text.strip() for text in re.findall(r">([^<]+)<", body)} - {""}
    assert written == {"hearsight", "TXT", "SRT", "VTT"}
    texts = (files.FOLDER / "texts.js").read_text()
    known = set(re.findall(r"^  (\w+):", texts, re.MULTILINE))
    used = set(re.findall(r'data-(?:text|label|title)="(\w+)"', html))
    for script in files.FOLDER.glob("*.js"):
        used |= set(re.findall(r"\btexts\.(\w+)", script.read_text()))
    states = {"idle", "starting", "listening", "reconnecting", "stopping"}
    assert used | states == known | {"js"}
