// Sound and crops in step, as the protocol's messages of ticks: the picture itself does not leave the page.

import { CROP_SIZE } from "./face_path.js";

const SAMPLES = 640;
const TICK_MS = 40;
const TICKS_IN_A_MESSAGE = 2;
/** Sound waits so long for the crop of its moment. */
const WAIT_MS = 120;
/** A crop older than this is of no use any more. */
const STALE_MS = 200;
/** Ticks over which the clock of the sound is compared with that of the pictures. */
const CLOCK_TICKS = 250;
const FIRST_LOOK_MS = 3000;
const WIDEST = 640;

/** Follows the mouth in a video element and joins its crops to the sound. */
export class TickRecorder {
  #video;
  #path;
  #looked;
  #send;
  #crops = []; // {at, crop}: the newest last
  #heard = 0; // ticks of sound
  #late = []; // for each of the last ticks, when the first tick began if this one came at once
  #waiting = []; // {at, samples}: the oldest first
  #ready = []; // {samples, crop} for the next message
  #canvas = document.createElement("canvas");
  #stopped = false;
  #begin; // called when the first picture has been looked at
  /** Resolves when the first picture has been looked at, which takes longest, or does not come. */
  ready = new Promise((ready) => (this.#begin = ready));
  /** Whether pictures, and sound, are used at all. */
  senses = { audio: true, video: true };

  /**
   * `video` plays the camera, or is null; `path` is a FacePath; `send` takes the content of binary messages; `looked`
   * gets `{width, height, face, mouth, crop}` for each picture looked at.
   */
  constructor({ video, path, send, looked }) {
    this.#video = video;
    this.#path = path;
    this.#send = send;
    this.#looked = looked;
    if (video) this.#watch();
    setTimeout(this.#begin, video ? FIRST_LOOK_MS : 0);
  }

  /** Take the next tick's 640 samples. */
  hear(samples) {
    // Sound comes late at times, never early: the earliest of the last ticks tells when this one began.
    this.#late.push(performance.now() - TICK_MS * (this.#heard + 1));
    if (this.#late.length > CLOCK_TICKS) this.#late.shift();
    this.#waiting.push({ at: Math.min(...this.#late) + TICK_MS * this.#heard, samples });
    this.#heard += 1;
    while (this.#waiting.length && this.#waiting[0].at < performance.now() - WAIT_MS) this.#join(this.#waiting.shift());
  }

  /** Send what is left. */
  stop() {
    this.#stopped = true;
    this.#waiting.splice(0).forEach((tick) => this.#join(tick));
    this.#flush();
  }

  async #watch() {
    while (!this.#stopped) {
      const at = await nextFrame(this.#video);
      if (!this.senses.video || !this.#video.videoWidth) continue;
      const picture = this.#grab();
      const found = await this.#path.process(picture);
      this.#crops.push({ at, crop: found?.crop ?? null });
      if (this.#crops.length > 25) this.#crops.shift();
      this.#begin();
      const { width, height } = picture;
      if (!this.#stopped) this.#looked({ width, height, face: null, mouth: null, crop: null, ...found });
    }
  }

  #grab() {
    const scale = Math.min(1, WIDEST / this.#video.videoWidth);
    const width = Math.round(scale * this.#video.videoWidth);
    const height = Math.round(scale * this.#video.videoHeight);
    if (this.#canvas.width !== width || this.#canvas.height !== height) Object.assign(this.#canvas, { width, height });
    const context = this.#canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(this.#video, 0, 0, width, height);
    return context.getImageData(0, 0, width, height);
  }

  /** The sound of a tick and the newest crop that was not taken after it. */
  #join({ at, samples }) {
    const crop = this.#crops.findLast((one) => one.at <= at + TICK_MS);
    const fresh = this.senses.video && crop && at - crop.at < STALE_MS;
    this.#ready.push({ samples, crop: fresh ? crop.crop : null });
    if (this.#ready.length === TICKS_IN_A_MESSAGE) this.#flush();
  }

  #flush() {
    const ticks = this.#ready.splice(0);
    if (ticks.length) this.#send(message(ticks, this.senses));
  }
}

/** When the next frame of a video is shown, in milliseconds of performance.now(). */
function nextFrame(video) {
  return new Promise((shown) => video.requestVideoFrameCallback((now, about) => shown(about.captureTime ?? now)));
}

/** The bytes of docs/protocol.md, kind 2. */
function message(ticks, { audio, video }) {
  const pixels = CROP_SIZE * CROP_SIZE;
  const pictures = ticks.map(({ crop }) => 4 + (crop ? pixels : 0)).reduce((sum, bytes) => sum + bytes, 0);
  const bytes = new Uint8Array(4 + (audio ? 2 * SAMPLES * ticks.length : 0) + (video ? pictures : 0));
  const view = new DataView(bytes.buffer);
  bytes.set([ticks.length, Number(audio), Number(video), 0]);
  let at = 4;
  if (audio) {
    for (const { samples } of ticks) for (const sample of samples) view.setInt16((at += 2) - 2, sample, true);
  }
  if (video) {
    for (const { crop } of ticks) {
      view.setUint32(at, crop ? pixels : 0, true);
      if (crop) bytes.set(crop, at + 4);
      at += 4 + (crop ? pixels : 0);
    }
  }
  return bytes.buffer;
}
