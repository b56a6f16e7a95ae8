// The page: finds its parts, and connects them.

import { listDevices, supported } from "./capture.js";
import { Captions } from "./captions.js";
import { loadNetworks } from "./face_networks.js";
import { Files } from "./files.js";
import { Live } from "./live.js";
import { Meter } from "./meter.js";
import { manageLooks, prefer, preference } from "./preferences.js";
import { Stage } from "./stage.js";
import { fillIn, language, texts } from "./texts.js";
import { Transcript } from "./transcript.js";

const METER_MS = 100;
/** Notices are shown when they have lasted so long: a pause in speech is no fault of the microphone. */
const NOTICE_MS = 3000;
/** What the server has of ONNX Runtime Web, which cropping here needs. */
const RUNTIME = "runtime/";
/** The slider's lowest place means no noise. */
const NO_NOISE = -61;

const $ = (id) => document.getElementById(id);
const token = takeToken();
document.documentElement.lang = language;
document.title = texts.title;
fillIn(document);
manageLooks({ theme: $("theme"), large: $("large"), focus: $("focus") });

const stage = new Stage({
  video: $("video"),
  overlay: $("overlay"),
  picture: $("picture"),
  crop: $("crop"),
  cropPicture: $("crop-picture"),
  welcome: $("welcome"),
  hint: $("hint"),
});
const captions = new Captions({ root: $("captions"), said: $("said"), running: $("running"), empty: $("captions-empty") });
const transcript = new Transcript({
  list: $("transcript"),
  empty: $("transcript-empty"),
  choice: $("document"),
  buttons: $("downloads").querySelectorAll("button"),
});
const level = new Meter($("level"), $("level-value"), { high: -3, write: (value) => (value === null ? texts.unknown : texts.levelValue(value)) });
const lag = new Meter($("lag"), $("lag-value"), {
  high: 1.5,
  write: (value) => (value === null ? texts.unknown : texts.lagValue(Math.max(0, value))),
});
new Files(
  {
    hint: $("file-hint"),
    choose: $("file-choose"),
    input: $("file-input"),
    work: $("file-work"),
    state: $("file-state"),
    progress: $("file-progress"),
    cancel: $("file-cancel"),
    drop: $("drop"),
  },
  transcript,
  () => ({ modality: modality(), token }),
  tell,
);

let live = null;
let liveDocument = null;
let began = null;
let wakeLock = null;
let loading = null; // the face networks
let noticed = new Map(); // from notices to since when

become("idle");
showDevices();
offerCropping();
rememberChoices();
showNoise();
setInterval(measure, METER_MS);

$("start").onclick = () => (live ? live.stop() : start());
$("problem-close").onclick = () => tell("");
$("clear").onclick = () => {
  if (!confirm(texts.clearQuestion)) return;
  if (transcript.shown === liveDocument) captions.clear();
  transcript.clear();
};
for (const button of $("downloads").querySelectorAll("[data-format]")) {
  button.setAttribute("aria-label", texts.downloadAs(button.textContent));
  button.onclick = () => transcript.download(button.dataset.format);
}
$("senses").onchange = () => {
  live?.setModality(modality());
  stage.hint("");
};
$("noise").oninput = showNoise;
$("noise-kind").onchange = showNoise;
navigator.mediaDevices?.addEventListener("devicechange", showDevices);
addEventListener("offline", () => live?.drop());
addEventListener("beforeunload", (event) => live && event.preventDefault());
document.addEventListener("visibilitychange", stayAwake);

function start() {
  tell("");
  if (!window.isSecureContext) return tell(texts.problemInsecure);
  if (!supported()) return tell(texts.problemBrowser);
  const camera = chosenDevice("camera");
  const microphone = chosenDevice("microphone");
  if (camera === null && microphone === null) return tell(texts.problemNothingChosen);
  live = new Live(
    { camera, microphone, modality: modality(), token, began, networks: $("here").checked ? networks : null },
    {
      state: become,
      opened,
      language: speak,
      event: take,
      status: showStatus,
      look: (look) => stage.look(look),
      lag: (value) => lag.show(value),
      problem: explain,
    },
  );
}

/** The face networks, loaded once. */
function networks() {
  const addresses = { detector: "face/detector.onnx", mesh: "face/mesh.onnx" };
  loading ??= loadNetworks(new URL(RUNTIME, document.baseURI), addresses).catch((error) => {
    loading = null;
    throw new DOMException(error.message, "NetworksError");
  });
  return loading;
}

/** Offer to crop here, if the server has what that needs. */
async function offerCropping() {
  const answer = await fetch(RUNTIME).catch(() => null);
  const files = answer?.ok ? (await answer.json()).files : [];
  $("here-choice").hidden = !files.length;
  $("here").checked = files.length > 0 && preference("here", false);
  $("here").onchange = () => {
    prefer("here", $("here").checked);
    if ($("here").checked) networks().catch(() => {}); // Start says what is wrong
  };
}

/** The devices are open: show the picture, and their names, which browsers tell only now. */
function opened(capture) {
  stage.open(capture.picture);
  stage.hint(capture.hasPictures ? "" : texts.noCamera);
  showNoise();
  showDevices();
}

/** Tell screen readers in which language captions are. */
function speak(code) {
  for (const id of ["said", "running", "transcript"]) $(id).lang = code ?? language;
}

function take(event, offset) {
  const shifted = shift(event, offset);
  captions.show(shifted);
  if (event.kind === "final") transcript.add(liveDocument, shifted);
}

/** An event with its times moved by some seconds. */
function shift(event, seconds) {
  const words = event.words.map((word) => ({ ...word, start: word.start + seconds, end: word.end + seconds }));
  return { ...event, words, start: event.start + seconds, end: event.end + seconds };
}

function showStatus(status) {
  const pictures = live?.capture?.hasPictures && modality() !== "audio";
  stage.hint(pictures ? "" : texts.noCamera);
  const now = performance.now();
  noticed = new Map(status.notices.map((notice) => [notice, noticed.get(notice) ?? now]));
  const lasting = [...noticed].filter(([, since]) => now - since >= NOTICE_MS).map(([notice]) => notice);
  if ($("notices").textContent !== lasting.join(" ")) $("notices").textContent = lasting.join(" ");
}

function become(state) {
  const working = state !== "idle";
  $("state").dataset.state = state;
  $("state").textContent = texts[state];
  $("start").textContent = working ? texts.stop : texts.start;
  $("start").classList.toggle("running-now", working);
  $("start").disabled = state === "stopping";
  $("camera").disabled = $("microphone").disabled = $("here").disabled = working;
  if (state === "listening") {
    tell("");
    began = live.began;
    liveDocument ??= transcript.open(texts.liveDocument);
  }
  if (state === "idle") {
    live = null;
    stage.close();
    level.show(null);
    lag.show(null);
    $("notices").textContent = "";
  }
  stayAwake();
}

/** Ten times a second. */
function measure() {
  if (!live?.capture) return;
  level.show(live.capture.measure());
  writeNoise();
}

function showNoise() {
  live?.capture?.setNoise($("noise-kind").value, noiseLevel());
  prefer("noiseKind", $("noise-kind").value);
  writeNoise();
}

function noiseLevel() {
  const value = Number($("noise").value);
  return value === NO_NOISE ? -Infinity : value;
}

function writeNoise() {
  const wanted = noiseLevel();
  let text = texts.noiseOff;
  if (Number.isFinite(wanted)) {
    const voice = live?.capture?.voiceLevel ?? null;
    text = voice === null ? texts.noiseLevel(wanted) : `${texts.noiseLevel(wanted)}, ${compared(Math.round(wanted - voice))}`;
  }
  if ($("noise-value").textContent === text) return;
  $("noise-value").textContent = text;
  $("noise").setAttribute("aria-valuetext", text);
}

function compared(difference) {
  if (difference === 0) return texts.noiseEqual;
  return difference < 0 ? texts.noiseQuieter(-difference) : texts.noiseLouder(difference);
}

function modality() {
  return $("senses").querySelector("input:checked").value;
}

/** A device's id, "" for whichever the browser takes, null for none. */
function chosenDevice(kind) {
  return $(kind).value === "none" ? null : $(kind).value;
}

async function showDevices() {
  const devices = await listDevices();
  for (const [kind, nameless] of [["camera", texts.cameraNumber], ["microphone", texts.microphoneNumber]]) {
    const known = devices.filter((device) => device.kind === kind && device.id);
    const options = known.map(({ id, name }, at) => new Option(name || nameless(at + 1), id));
    if (!known.length) options.push(new Option(texts.anyDevice, ""));
    options.push(new Option(texts.noneDevice, "none"));
    const wanted = $(kind).value || preference(kind, "");
    $(kind).replaceChildren(...options);
    if (options.some((option) => option.value === wanted)) $(kind).value = wanted;
  }
}

function rememberChoices() {
  for (const kind of ["camera", "microphone"]) $(kind).onchange = () => prefer(kind, $(kind).value);
  $("noise-kind").value = preference("noiseKind", "babble");
  for (const [id, apply] of [
    ["mirror", (on) => (stage.mirrored = on)],
    ["details", (on) => $("transcript").classList.toggle("detailed", on)],
  ]) {
    $(id).checked = preference(id, true);
    apply($(id).checked);
    $(id).onchange = () => {
      prefer(id, $(id).checked);
      apply($(id).checked);
    };
  }
}

/** One sentence about what is wrong; "" if nothing is. */
function tell(text) {
  $("problem").hidden = !text;
  $("problem-text").textContent = text;
}

/** Tell what a session or the devices complain about. */
function explain(error) {
  const known = {
    NotAllowedError: texts.problemRefused,
    SecurityError: texts.problemRefused,
    NotFoundError: texts.problemNoDevice,
    OverconstrainedError: texts.problemNoDevice,
    NotReadableError: texts.problemBusyDevice,
    NetworksError: texts.problemNetworks,
    TrackEnded: texts.problemTrackEnded,
    busy: error.message || texts.problemBusy,
    gone: texts.problemGone,
    unreachable: texts.problemServer,
    unauthorised: texts.problemToken,
  };
  tell(known[error.code] ?? known[error.name] ?? error.message);
}

/** Keep the screen on while listening, where the browser can. */
async function stayAwake() {
  const wanted = live !== null && document.visibilityState === "visible";
  if (wanted && !wakeLock) {
    wakeLock = navigator.wakeLock?.request("screen").catch(() => null) ?? null;
  } else if (!wanted && wakeLock) {
    const held = await wakeLock;
    wakeLock = null;
    held?.release();
  }
}

/** The token of an address such as `…/#token=SECRET`, which is then taken out of sight. */
function takeToken() {
  const found = new URLSearchParams(location.hash.slice(1)).get("token");
  try {
    if (found) sessionStorage.setItem("token", found);
    if (found) history.replaceState(null, "", location.pathname);
    return found ?? sessionStorage.getItem("token");
  } catch {
    return found;
  }
}
