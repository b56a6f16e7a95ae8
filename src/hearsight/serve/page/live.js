// Live captions from start to stop: devices, session, and beginning anew when a session cannot be resumed.

import { Capture } from "./capture.js";
import { KIND, Session } from "./connection.js";
import { FacePath } from "./face_path.js";

const ADDRESS = new URL("v1/stream", document.baseURI.replace(/^http/, "ws"));
/** After these the user has to do something; after the others it is tried again. */
const HOPELESS = new Set(["bad_message", "unauthorised", "unsupported_version", "taken_over", "bad_media"]);
const AGAIN_MS = 3000;
const LAST_WORDS_MS = 20_000;

/**
 * From pressing Start to the last words after Stop.
 *
 * `on` has functions: `state` with `starting`, `listening`, `reconnecting`, `stopping` or `idle`, which is the last;
 * `opened` with the Capture; `language` with the code of the model's language; `event` with the message and the seconds
 * to add to its times; `status`; `look`; `lag` in seconds; `problem` with a ConnectionError or with what the devices
 * said.
 */
export class Live {
  #on;
  #options;
  #capture = null;
  #session = null;
  #networks = null;
  #state = "";
  #began;
  #offset = 0; // from the session's times to the transcript's, in seconds
  #unfinished = null;
  #timer = 0;

  /**
   * `options`: `camera` and `microphone` as for Capture.open; `modality`; `token` or null; `began`, performance.now() of
   * the transcript's second 0, null to make it now; `networks`, a function that loads the face networks if the mouth is
   * to be cropped here, else null.
   */
  constructor(options, on) {
    this.#options = options;
    this.#on = on;
    this.#began = options.began;
    this.#open();
  }

  get capture() {
    return this.#capture;
  }

  /** performance.now() of second 0 of the times that events are given. */
  get began() {
    return this.#began;
  }

  setModality(modality) {
    this.#options.modality = modality;
    this.#capture?.setModality(modality);
    this.#session?.setModality(modality);
  }

  /** Let the last words be said. */
  async stop() {
    if (this.#state === "stopping" || this.#state === "idle") return;
    const waiting = !this.#session;
    this.#become("stopping");
    clearTimeout(this.#timer);
    await this.#capture?.close();
    if (waiting) return this.#close();
    this.#timer = setTimeout(() => this.#close(), LAST_WORDS_MS);
    this.#session?.end();
  }

  /** Break the connection, as when the network says that it is gone. */
  drop() {
    this.#session?.drop();
  }

  async #open() {
    this.#become("starting");
    try {
      this.#networks = (await this.#options.networks?.()) ?? null;
      this.#capture = await Capture.open(this.#options);
    } catch (error) {
      this.#on.problem(error);
      return this.#close();
    }
    if (this.#state !== "starting") return this.#close();
    this.#capture.setModality(this.#options.modality);
    this.#capture.onEnded(() => {
      if (this.#state === "listening") this.#on.problem(new DOMException("", "TrackEnded"));
      this.stop();
    });
    this.#on.opened(this.#capture);
    this.#connect();
  }

  #connect() {
    const { modality, token } = this.#options;
    const here = this.#networks !== null;
    const hello = { format: here ? "ticks" : "webm", modality, look: !here, ...(token && { token }) };
    this.#session = new Session(ADDRESS, hello, {
      hello: ({ language }) => {
        this.#on.language(language);
        this.#record().catch((error) => {
          this.#on.problem(error);
          this.#close();
        });
      },
      event: (event) => this.#event(event),
      status: (status) => {
        this.#lag(status.heard);
        this.#on.status(status);
      },
      look: (look) => this.#state === "listening" && this.#on.look(look),
      lost: () => this.#state === "listening" && this.#become("reconnecting"),
      resumed: () => this.#state === "reconnecting" && this.#become("listening"),
      done: () => this.#close(),
      failed: (error) => this.#failed(error),
    });
  }

  async #record() {
    const session = this.#session;
    if (this.#state === "stopping") return session.end();
    if (this.#networks) {
      const send = (content) => session.push(KIND.ticks, content);
      await this.#capture.recordTicks(new FacePath(this.#networks), send, this.#on.look);
    } else {
      this.#capture.record((slice) => session.push(KIND.webm, slice));
    }
    if (this.#state === "stopping") return;
    this.#began ??= this.#capture.began;
    this.#offset = (this.#capture.began - this.#began) / 1000;
    this.#become("listening");
  }

  #event(event) {
    this.#unfinished = event.kind === "partial" ? event : null;
    this.#lag(event.end);
    this.#on.event(event, this.#offset);
  }

  /** How long ago was said what has just been recognised. */
  #lag(heard) {
    if (this.#state === "listening") this.#on.lag((performance.now() - this.#capture.began) / 1000 - heard);
  }

  async #failed(error) {
    this.#session = null;
    this.#keepUnfinished();
    const first = this.#state === "starting";
    if (this.#state === "stopping") return this.#close();
    this.#on.problem(error);
    if (first || HOPELESS.has(error.code)) return this.#close();
    this.#become("reconnecting");
    await this.#capture.stopRecording();
    if (this.#state === "reconnecting") this.#timer = setTimeout(() => this.#connect(), AGAIN_MS);
  }

  /** What was being said when the session was lost is kept as it stood. */
  #keepUnfinished() {
    if (this.#unfinished) this.#event({ ...this.#unfinished, kind: "final" });
  }

  async #close() {
    clearTimeout(this.#timer);
    this.#session?.abandon();
    this.#session = null;
    this.#keepUnfinished();
    if (this.#state !== "idle") this.#become("idle");
    await this.#capture?.close();
  }

  #become(state) {
    this.#state = state;
    this.#on.state(state);
  }
}
