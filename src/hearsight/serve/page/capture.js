// Camera and microphone: opening them, mixing noise in, measuring the level, and recording slices of WebM or ticks.

import { makeNoise } from "./noise.js";
import { TickRecorder } from "./ticks.js";

const SLICE_MS = 100;
const VIDEO_BITS_PER_SECOND = 800_000;
const AUDIO_BITS_PER_SECOND = 64_000;
/** What the server reads, the cheapest to encode first, by what there is to record. */
const TYPES = {
  av: ["video/webm;codecs=vp8,opus", "video/webm;codecs=vp9,opus", "video/webm"],
  video: ["video/webm;codecs=vp8", "video/webm;codecs=vp9", "video/webm"],
  audio: ["audio/webm;codecs=opus", "audio/webm"],
};
/** Of a microphone the model wants what is there, not what telephony makes of it. */
const SOUND = { echoCancellation: false, noiseSuppression: false, autoGainControl: false, channelCount: 1 };
const PICTURES = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 25, max: 30 } };
/** A moment counts as speech if it is this much louder than the quiet ones, in dB. */
const SPEECH_ABOVE_QUIET_DB = 12;
const FADE_S = 0.05;
const RESUME_MS = 2000;
const WORKLET = new URL("tick_worklet.js", import.meta.url);

/** Whether this browser can do all that is needed. */
export function supported() {
  return Boolean(window.MediaRecorder && window.AudioContext && mediaType("av"));
}

function mediaType(modality) {
  return TYPES[modality].find((type) => MediaRecorder.isTypeSupported(type));
}

/** The cameras and microphones, as far as the browser tells: `[{id, name, kind}]`, kind `camera` or `microphone`. */
export async function listDevices() {
  const kinds = { videoinput: "camera", audioinput: "microphone" };
  const devices = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
  return devices
    .filter(({ kind, deviceId }) => kind in kinds && deviceId !== "communications")
    .map(({ kind, deviceId, label }) => ({ id: deviceId, name: label, kind: kinds[kind] }));
}

/** An open camera and an open microphone, either of which may be missing. */
export class Capture {
  #devices;
  #context;
  #microphoneGain;
  #noiseGain;
  #noise = null;
  #analyser;
  #modality = "av";
  #mix; // the microphone and the noise
  #stop = null; // stops recording
  #ticks = null;
  #levels = [];
  /** When recording began, by performance.now(). */
  began = 0;

  /**
   * Ask for the devices; ids as from listDevices, "" for whichever, null for none.
   *
   * If both are wanted and one is not there, the other is opened alone. Throws what getUserMedia throws.
   */
  static async open({ camera, microphone }) {
    const video = camera === null ? false : { ...PICTURES, ...(camera && { deviceId: { exact: camera } }) };
    const audio = microphone === null ? false : { ...SOUND, ...(microphone && { deviceId: { exact: microphone } }) };
    let refusal;
    for (const wanted of [{ video, audio }, { video: false, audio }, { video, audio: false }]) {
      if (!wanted.video && !wanted.audio) continue;
      try {
        const capture = new Capture(await navigator.mediaDevices.getUserMedia(wanted));
        // Firefox does not start without a loudspeaker, and does not say so either.
        await Promise.race([capture.#context.resume(), new Promise((over) => setTimeout(over, RESUME_MS))]);
        return capture;
      } catch (error) {
        refusal ??= error;
        if (error.name !== "NotFoundError" && error.name !== "NotReadableError") break;
      }
    }
    throw refusal;
  }

  constructor(devices) {
    this.#devices = devices;
    this.#context = new AudioContext({ latencyHint: "interactive" });
    this.#mix = this.#context.createGain();
    this.#microphoneGain = this.#context.createGain();
    this.#noiseGain = this.#context.createGain();
    this.#noiseGain.gain.value = 0;
    this.#analyser = this.#context.createAnalyser();
    this.#analyser.fftSize = 4096;
    if (this.hasSound) {
      const microphone = this.#context.createMediaStreamSource(new MediaStream(devices.getAudioTracks()));
      microphone.connect(this.#analyser);
      microphone.connect(this.#microphoneGain).connect(this.#mix);
      this.#noiseGain.connect(this.#mix);
    }
  }

  /** The camera's stream, for showing oneself. */
  get picture() {
    return this.hasPictures ? new MediaStream(this.#devices.getVideoTracks()) : null;
  }

  get hasPictures() {
    return this.#devices.getVideoTracks().length > 0;
  }

  get hasSound() {
    return this.#devices.getAudioTracks().length > 0;
  }

  /** Call `ended` when a device goes away. */
  onEnded(ended) {
    for (const track of this.#devices.getTracks()) track.addEventListener("ended", ended, { once: true });
  }

  /** What is not used does not leave the page: pictures become black, or sound silent. */
  setModality(modality) {
    this.#modality = modality;
    for (const track of this.#devices.getVideoTracks()) track.enabled = modality !== "audio";
    for (const track of this.#devices.getAudioTracks()) track.enabled = modality !== "video";
    this.#fade(this.#microphoneGain, modality === "video" ? 0 : 1);
    if (this.#ticks) this.#ticks.senses = this.#senses;
  }

  get #senses() {
    return { audio: this.hasSound && this.#modality !== "video", video: this.hasPictures && this.#modality !== "audio" };
  }

  /** Mix in noise of a kind at a level in dBFS; -Infinity for none. */
  setNoise(kind, level) {
    const gain = 10 ** (level / 20);
    if (gain > 0 && this.#noise?.kind !== kind) {
      this.#noise?.source.stop();
      const source = this.#context.createBufferSource();
      source.buffer = makeNoise(this.#context, kind);
      source.loop = true;
      source.connect(this.#noiseGain);
      source.start();
      this.#noise = { kind, source };
    }
    this.#fade(this.#noiseGain, gain);
  }

  /** RMS level of the microphone's last moment without the noise, in dBFS; call it ten times a second. */
  measure() {
    if (!this.hasSound) return -Infinity;
    const samples = new Float32Array(this.#analyser.fftSize);
    this.#analyser.getFloatTimeDomainData(samples);
    const power = samples.reduce((sum, value) => sum + value * value, 0) / samples.length;
    const level = 10 * Math.log10(power);
    if (Number.isFinite(level)) this.#levels.push(level);
    if (this.#levels.length > 300) this.#levels.shift();
    return level;
  }

  /** Level of the voice over the last half minute in dBFS, or null while nobody has spoken. */
  get voiceLevel() {
    const sorted = [...this.#levels].sort((one, other) => one - other);
    const quiet = sorted[Math.floor(sorted.length / 10)];
    const speech = sorted.filter((level) => level > Math.max(quiet + SPEECH_ABOVE_QUIET_DB, -60));
    if (speech.length < 5) return null;
    return 10 * Math.log10(speech.reduce((sum, level) => sum + 10 ** (level / 10), 0) / speech.length);
  }

  /** Begin to record: `slice` gets ArrayBuffers of WebM, in order. */
  record(slice) {
    const mixed = this.#context.createMediaStreamDestination();
    mixed.channelCount = 1;
    this.#mix.connect(mixed);
    // Where the mixer does not run, the microphone goes without it.
    const sound = this.#context.state === "running" ? mixed.stream : this.#devices;
    const tracks = [...this.#devices.getVideoTracks(), ...(this.hasSound ? sound.getAudioTracks() : [])];
    const recorder = new MediaRecorder(new MediaStream(tracks), {
      mimeType: mediaType(!this.hasPictures ? "audio" : !this.hasSound ? "video" : "av"),
      videoBitsPerSecond: VIDEO_BITS_PER_SECOND,
      audioBitsPerSecond: AUDIO_BITS_PER_SECOND,
    });
    let order = Promise.resolve();
    recorder.ondataavailable = ({ data }) => {
      const bytes = data.size ? data.arrayBuffer() : null;
      order = order.then(async () => bytes && slice(await bytes));
    };
    recorder.onstart = () => (this.began = performance.now());
    this.#stop = async () => {
      this.#mix.disconnect(mixed);
      if (recorder.state === "inactive") return;
      await new Promise((stopped) => {
        recorder.onstop = stopped;
        recorder.stop();
      });
      await order;
    };
    this.began = performance.now();
    recorder.start(SLICE_MS);
  }

  /** Begin to crop the mouth here: `path`, `send` and `looked` as for a TickRecorder. */
  async recordTicks(path, send, looked) {
    await this.#context.audioWorklet.addModule(WORKLET);
    const video = this.hasPictures ? await playing(this.picture) : null;
    const ticks = new TickRecorder({ video, path, send, looked });
    this.#ticks = ticks;
    ticks.senses = this.#senses;
    let cutter = null;
    this.#stop = async () => {
      this.#mix.disconnect();
      cutter?.disconnect();
      ticks.stop();
      this.#ticks = null;
    };
    await ticks.ready;
    if (this.#ticks !== ticks) return; // stopped meanwhile
    this.began = performance.now();
    cutter = new AudioWorkletNode(this.#context, "ticks", { channelCount: 1, channelCountMode: "explicit" });
    cutter.port.onmessage = ({ data }) => this.#ticks?.hear(data);
    this.#mix.connect(cutter);
    cutter.connect(this.#context.destination); // silent, but browsers run only what leads somewhere
  }

  /** Stop recording; resolves when the last input has been given out. */
  async stopRecording() {
    const stop = this.#stop;
    this.#stop = null;
    await stop?.();
  }

  /** Let go of the devices. */
  async close() {
    await this.stopRecording();
    for (const track of this.#devices.getTracks()) track.stop();
    if (this.#context.state !== "closed") await this.#context.close();
  }

  #fade(node, value) {
    node.gain.setTargetAtTime(value, this.#context.currentTime, FADE_S);
  }
}

/** A video element, seen by nobody, that plays a stream. */
async function playing(stream) {
  const video = document.createElement("video");
  video.muted = true;
  video.playsInline = true;
  video.srcObject = stream;
  await video.play();
  return video;
}
