// Noise to mix into one's own microphone, made here: pink noise, and babble of many voices.

const SECONDS = 8;
const VOICES = 12;

/** A loop of noise with an RMS of 1, as an AudioBuffer. `kind` is `pink` or `babble`. */
export function makeNoise(context, kind) {
  const samples = kind === "pink" ? pink(SECONDS * context.sampleRate) : babble(SECONDS, context.sampleRate);
  const power = samples.reduce((sum, value) => sum + value * value, 0) / samples.length;
  const buffer = context.createBuffer(1, samples.length, context.sampleRate);
  buffer.copyToChannel(samples.map((value) => value / Math.sqrt(power)), 0);
  return buffer;
}

/** Pink noise, power falling by 3 dB an octave, by Paul Kellet's filter of white noise. */
function pink(length) {
  const samples = new Float32Array(length);
  const poles = [0.99886, 0.99332, 0.969, 0.8665, 0.55, -0.7616];
  const gains = [0.0555179, 0.0750759, 0.153852, 0.3104856, 0.5329522, -0.016898];
  const state = new Float64Array(6);
  let last = 0;
  for (let at = 0; at < length; at++) {
    const white = 2 * Math.random() - 1;
    let sum = 0.5362 * white + last;
    for (let pole = 0; pole < 6; pole++) {
      state[pole] = poles[pole] * state[pole] + gains[pole] * white;
      sum += state[pole];
    }
    last = 0.115926 * white;
    samples[at] = sum;
  }
  return samples;
}

/** Voices that say vowels and hisses at the pace of syllables, each with its own pitch, all at once. */
function babble(seconds, rate) {
  const samples = new Float32Array(Math.round(seconds * rate));
  for (let voice = 0; voice < VOICES; voice++) addVoice(samples, rate, 90 + 150 * Math.random());
  return samples;
}

/** Formants of vowels in Hz (Peterson and Barney, 1952). */
const VOWELS = [
  [270, 2290, 3010],
  [390, 1990, 2550],
  [530, 1840, 2480],
  [660, 1720, 2410],
  [730, 1090, 2440],
  [570, 840, 2410],
  [300, 870, 2240],
  [490, 1350, 1690],
];

function addVoice(samples, rate, pitch) {
  const resonators = [new Resonator(rate, 80), new Resonator(rate, 110), new Resonator(rate, 160)];
  const size = 0.9 + 0.25 * Math.random(); // shorter vocal tracts have higher formants
  let phase = Math.random();
  for (let at = Math.floor(-0.2 * rate * Math.random()); at < samples.length; ) {
    const length = Math.round(rate * (0.12 + 0.16 * Math.random()));
    const kind = Math.random();
    const formants = VOWELS[Math.floor(VOWELS.length * Math.random())].map((hertz) => size * hertz);
    const bend = 1 + 0.3 * (Math.random() - 0.5);
    resonators.forEach((resonator, number) => resonator.tune(formants[number]));
    for (let step = 0; step < length && at < samples.length; step++, at++) {
      phase += (pitch * bend) / rate;
      let source = kind < 0.2 ? 0.3 * (Math.random() - 0.5) : 0.02 * (Math.random() - 0.5);
      if (phase >= 1) {
        phase -= 1;
        if (kind >= 0.2) source += 1;
      }
      const loudness = kind < 0.12 ? 0 : Math.sin((Math.PI * step) / length);
      let sound = 0;
      for (const resonator of resonators) sound += resonator.step(source);
      if (at >= 0) samples[at] += loudness * sound;
    }
  }
}

/** A resonance of two poles. */
class Resonator {
  #rate;
  #radius;
  #first = 0;
  #second = 0;
  #gain = 1;
  #before = 0;
  #beforeThat = 0;

  constructor(rate, bandwidth) {
    this.#rate = rate;
    this.#radius = Math.exp((-Math.PI * bandwidth) / rate);
  }

  tune(hertz) {
    this.#first = 2 * this.#radius * Math.cos((2 * Math.PI * hertz) / this.#rate);
    this.#second = -this.#radius * this.#radius;
    this.#gain = 1 - this.#radius;
  }

  step(input) {
    const output = this.#gain * input + this.#first * this.#before + this.#second * this.#beforeThat;
    this.#beforeThat = this.#before;
    this.#before = output;
    return output;
  }
}
