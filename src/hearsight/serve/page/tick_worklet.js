// Runs beside the page: sound at whatever rate the computer has becomes ticks of 640 samples at 16 kHz.

const RATE = 16_000;
const TICK = 640;
/** Zero crossings of the low-pass filter on each side, and steps of its table between two of them. */
const CROSSINGS = 16;
const STEPS = 256;

class Ticks extends AudioWorkletProcessor {
  #step = sampleRate / RATE; // input samples from one output sample to the next
  #cutoff = Math.min(1, RATE / sampleRate);
  #reach = Math.ceil(CROSSINGS / this.#cutoff);
  #table = lowPass();
  #heard = new Float32Array(2 * this.#reach); // what the filter still needs of the past
  #at = this.#reach; // place of the next output sample in what has been heard
  #tick = new Int16Array(TICK);
  #filled = 0;

  process([input]) {
    const block = input[0] ?? new Float32Array(128);
    const joined = new Float32Array(this.#heard.length + block.length);
    joined.set(this.#heard);
    joined.set(block, this.#heard.length);
    for (; this.#at + this.#reach < joined.length; this.#at += this.#step) this.#add(this.#sampleAt(joined, this.#at));
    const used = Math.max(0, Math.floor(this.#at) - this.#reach);
    this.#heard = joined.slice(used);
    this.#at -= used;
    return true;
  }

  /** The sound at a place between samples, by a windowed sinc. */
  #sampleAt(sound, place) {
    let sum = 0;
    for (let at = Math.ceil(place - this.#reach); at <= place + this.#reach; at++) {
      const distance = Math.abs(at - place) * this.#cutoff * STEPS;
      const whole = Math.floor(distance);
      if (whole >= CROSSINGS * STEPS) continue;
      const share = distance - whole;
      sum += (sound[at] ?? 0) * ((1 - share) * this.#table[whole] + share * this.#table[whole + 1]);
    }
    return sum * this.#cutoff;
  }

  #add(sample) {
    this.#tick[this.#filled++] = Math.max(-32768, Math.min(32767, Math.round(32768 * sample)));
    if (this.#filled < TICK) return;
    this.port.postMessage(this.#tick, [this.#tick.buffer]);
    this.#tick = new Int16Array(TICK);
    this.#filled = 0;
  }
}

/** One side of a sinc under a Hann window. */
function lowPass() {
  return Float32Array.from({ length: CROSSINGS * STEPS + 2 }, (_, at) => {
    const x = at / STEPS;
    if (x >= CROSSINGS) return 0;
    const sinc = x ? Math.sin(Math.PI * x) / (Math.PI * x) : 1;
    return sinc * (0.5 + 0.5 * Math.cos((Math.PI * x) / CROSSINGS));
  });
}

registerProcessor("ticks", Ticks);
