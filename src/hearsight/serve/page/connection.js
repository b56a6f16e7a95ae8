// The client's side of docs/protocol.md, version 1: numbered input, events, and going on after a lost connection.

const VERSION = 1;
/** Kinds of binary messages. */
export const KIND = { webm: 1, ticks: 2 };
const HEADER_BYTES = 5;
/** While live the server says something twice a second; after this long without a word it counts as gone. */
const SILENCE_MS = 6000;
const HELLO_MS = 8000;
const RETRY_MS = [250, 500, 1000, 2000];
/** After these errors a client may try to resume. */
const PASSING = new Set(["gap", "timeout", "internal"]);
/** Input kept for a server that does not take it, in bytes, before the session is given up. */
const LARGEST_QUEUE = 64 * 2 ** 20;

/** A problem with a code: one of the protocol, or `unreachable`, `gone`. */
export class ConnectionError extends Error {
  constructor(code, message) {
    super(message ?? code);
    this.code = code;
  }
}

/**
 * One session, over as many connections as it takes.
 *
 * `on` has functions for what arrives: `hello`, `event`, `status`, `look` with the message, `lost` and `resumed`
 * when the connection breaks and comes back, `done` at the end, `failed` with a ConnectionError. After `done` or
 * `failed` nothing more is called.
 */
export class Session {
  #address;
  #hello;
  #on;
  #socket = null;
  #open = false;
  #over = false;
  #session = null;
  #limits = { message_bytes: 2 ** 20, unacknowledged: 64, resume_s: 30 };
  #queue = []; // messages that the server has not acknowledged, the oldest first
  #queued = 0; // bytes of them
  #first = 0; // number of the oldest message kept
  #next = 0; // number of the next message to send
  #count = 0; // messages made so far
  #ended = false;
  #event = 0;
  #lostAt = 0;
  #tries = 0;
  #timer = 0;
  #modality = null;

  constructor(address, hello, on) {
    this.#address = address;
    this.#hello = { type: "hello", version: VERSION, ...hello };
    this.#on = on;
    this.#connect();
  }

  /** Queue input of one kind; it is sent when the server has room. */
  push(kind, payload) {
    if (this.#over || this.#ended) return;
    const largest = this.#limits.message_bytes - HEADER_BYTES;
    for (let at = 0; at < payload.byteLength; at += largest) {
      const part = new Uint8Array(payload, at, Math.min(largest, payload.byteLength - at));
      const message = new Uint8Array(HEADER_BYTES + part.length);
      const header = new DataView(message.buffer);
      header.setUint8(0, kind);
      header.setUint32(1, this.#count, true);
      message.set(part, HEADER_BYTES);
      this.#queue.push(message);
      this.#queued += message.length;
      this.#count += 1;
    }
    if (this.#queued > LARGEST_QUEUE) this.#fail(new ConnectionError("gone"));
    this.#pump();
  }

  /** Go by other senses from now on. */
  setModality(modality) {
    this.#modality = modality;
    this.#say({ type: "modality", modality });
  }

  /** There is no more input: `done` follows when the last words are said. */
  end() {
    this.#ended = true;
    this.#pump();
  }

  /** Give up without waiting for the last words. */
  abandon() {
    this.#over = true;
    clearTimeout(this.#timer);
    this.#socket?.close(1000);
  }

  /** Take the connection for lost, and try to get another one. */
  drop() {
    this.#socket.onclose = null;
    this.#socket.close();
    this.#lose();
  }

  #connect() {
    const socket = new WebSocket(this.#address, "hearsight.v1");
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    socket.onopen = () => {
      const resume = this.#session && { session: this.#session, event: this.#event };
      socket.send(JSON.stringify(resume ? { ...this.#hello, resume } : this.#hello));
    };
    socket.onmessage = ({ data }) => socket === this.#socket && this.#receive(JSON.parse(data));
    socket.onclose = () => socket === this.#socket && this.#lose();
    this.#watch(HELLO_MS);
  }

  #receive(message) {
    if (this.#over) return;
    this.#watch(SILENCE_MS);
    if (message.type === "hello") this.#welcome(message);
    else if (message.type === "ack") this.#forget(message.next);
    else if (message.type === "event") this.#take(message);
    else if (message.type === "status") this.#on.status?.(message);
    else if (message.type === "look") this.#on.look?.(message);
    else if (message.type === "done") this.#finish();
    else if (message.type === "error" && !(PASSING.has(message.code) && this.#session))
      this.#fail(new ConnectionError(message.code, message.message));
  }

  #welcome(message) {
    const resumed = this.#session !== null;
    this.#session = message.session;
    this.#limits = { ...this.#limits, ...message.limits };
    this.#open = true;
    this.#lostAt = 0;
    this.#tries = 0;
    this.#next = message.next; // whatever was sent after it is sent again
    this.#forget(message.next);
    if (this.#modality) this.#say({ type: "modality", modality: this.#modality });
    if (resumed) this.#on.resumed?.();
    else this.#on.hello?.(message);
    this.#pump();
  }

  #take(event) {
    if (event.n <= this.#event) return;
    this.#event = event.n;
    this.#on.event?.(event);
    if (event.kind === "final") this.#say({ type: "ack", event: event.n });
  }

  #forget(next) {
    while (this.#first < next && this.#queue.length) {
      this.#queued -= this.#queue.shift().length;
      this.#first += 1;
    }
    this.#pump();
  }

  #pump() {
    if (!this.#canSend) return;
    while (this.#next < this.#count && this.#next - this.#first < this.#limits.unacknowledged) {
      this.#socket.send(this.#queue[this.#next - this.#first]);
      this.#next += 1;
    }
    if (this.#ended && this.#next === this.#count && this.#socket.endSaid !== true) {
      this.#socket.endSaid = true; // once for each connection
      this.#say({ type: "end", next: this.#count });
    }
  }

  #say(message) {
    if (this.#canSend) this.#socket.send(JSON.stringify(message));
  }

  /** A connection that is going down is open no more, before it says so. */
  get #canSend() {
    return this.#open && this.#socket.readyState === WebSocket.OPEN;
  }

  /** Start the clock anew after which the connection counts as lost. */
  #watch(milliseconds) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.drop(), milliseconds);
  }

  #lose() {
    clearTimeout(this.#timer);
    if (this.#over) return;
    if (this.#session === null) return this.#fail(new ConnectionError("unreachable"));
    if (this.#open) {
      this.#open = false;
      this.#lostAt = performance.now();
      this.#on.lost?.();
    }
    if (performance.now() - this.#lostAt > 1000 * this.#limits.resume_s) return this.#fail(new ConnectionError("gone"));
    const wait = RETRY_MS[Math.min(this.#tries++, RETRY_MS.length - 1)];
    this.#timer = setTimeout(() => this.#connect(), wait);
  }

  #finish() {
    this.abandon();
    this.#on.done?.();
  }

  #fail(error) {
    if (this.#over) return;
    this.abandon();
    this.#on.failed?.(error);
  }
}
