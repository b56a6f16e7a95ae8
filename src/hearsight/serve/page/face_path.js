// Finds, follows, aligns and crops the speaker's mouth in the browser, as hearsight/face does on the server.

import { extent, mean, sample, similarity, transform } from "./geometry.js";
import { MARGIN, regionAround, regionOf } from "./face_networks.js";

export const CROP_SIZE = 96;
const MINIMUM_PRESENCE = 0.5;
const MEMORY_FRAMES = 25;
const CANDIDATES = 3;
const MESH_INTERVAL = 2;
const STEADY = 0.02;
const WINDOW_FRAMES = 12;
/** Where right eye, left eye, nose tip and mouth lie on the canvas of the mean face. */
const REFERENCE = [[102.1, 94.3], [156.4, 93.6], [129.0, 135.9], [129.3, 157.8]];
const RIGHT_EYE = [33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246];
const LEFT_EYE = [263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466];
const NOSE_TIP = [1];
const LIPS = [
  61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185, 78, 95, 88, 178, 87, 14,
  317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191,
];

/** Looks at one picture after the other; `networks` as from loadNetworks. */
export class FacePath {
  #tracker;
  #aligner = new Aligner();

  constructor(networks) {
    this.#tracker = new Tracker(networks);
  }

  /**
   * The mouth in the next picture (`{width, height, data}` RGBA), or null where there is no face.
   *
   * `crop` is 96 x 96 grey bytes; `face` its box and `mouth` the corners of the crop, in pixels of the picture.
   */
  async process(picture) {
    const face = await this.#tracker.next(picture);
    const map = this.#aligner.next(face);
    if (!map) return null;
    const [low, high] = extent(face.landmarks);
    return { crop: grey(sample(picture, map, CROP_SIZE)), face: [...low, ...high], mouth: corners(map) };
  }
}

/** Runs the mesh where the face was, and the detector only when it is not there any more. */
class Tracker {
  #networks;
  #landmarks = null;
  #lostFor = 0;
  #number = -1;
  #size = "";
  // The course of a steady face: what the mesh saw last, its motion a frame, and how often that was carried on.
  #seen = null;
  #motion = null;
  #carried = 0;

  constructor(networks) {
    this.#networks = networks;
  }

  async next(picture) {
    const size = `${picture.width}x${picture.height}`;
    if (size !== this.#size) {
      this.#forgetCourse();
      this.#landmarks = null;
      this.#size = size;
    }
    const face = this.#carryOn() ?? (await this.#look(picture));
    if (face) {
      this.#landmarks = face.landmarks;
      this.#lostFor = 0;
      return face;
    }
    this.#forgetCourse();
    this.#lostFor += 1;
    if (this.#lostFor > MEMORY_FRAMES) this.#landmarks = null;
    return null;
  }

  async #look(picture) {
    const region = this.#landmarks && regionAround(this.#landmarks);
    const face = region && (await this.#fit(picture, region, this.#number));
    if (face) {
      this.#note(face);
      return face;
    }
    this.#forgetCourse();
    return this.#find(picture, region);
  }

  async #find(picture, known) {
    const elsewhere = (face) => {
      if (!known) return true;
      const [u, v] = mean(face.box);
      return Math.hypot(u - known.centre[0], v - known.centre[1]) >= known.side / MARGIN / 2;
    };
    const found = await this.#networks.detect(picture);
    const sorted = [...found.filter((face) => !elsewhere(face)), ...found.filter(elsewhere)];
    for (const detection of sorted.slice(0, CANDIDATES)) {
      const number = this.#number + (elsewhere(detection) ? 1 : 0);
      const face = await this.#fit(picture, regionOf(detection), number);
      if (face) {
        this.#number = number;
        return face;
      }
    }
    return null;
  }

  async #fit(picture, region, number) {
    const { landmarks, presence } = await this.#networks.fit(picture, region);
    return presence >= MINIMUM_PRESENCE ? { landmarks, number } : null;
  }

  #forgetCourse() {
    this.#seen = this.#motion = null;
    this.#carried = 0;
  }

  #note(face) {
    const before = this.#seen;
    const frames = this.#carried + 1;
    this.#seen = face;
    this.#motion = null;
    this.#carried = 0;
    if (!before) return;
    const motion = face.landmarks.map(([u, v], at) => [(u - before.landmarks[at][0]) / frames, (v - before.landmarks[at][1]) / frames]);
    const [low, high] = extent(face.landmarks);
    const moved = motion.reduce((sum, [u, v]) => sum + Math.hypot(u, v), 0) / motion.length;
    if (moved <= STEADY * Math.max(high[0] - low[0], high[1] - low[1])) this.#motion = motion;
  }

  /** The face as it is expected in this frame, or null where the mesh has to look. */
  #carryOn() {
    if (!this.#motion || this.#carried + 1 >= MESH_INTERVAL) return null;
    this.#carried += 1;
    const landmarks = this.#seen.landmarks.map(([u, v], at) => [
      u + this.#carried * this.#motion[at][0],
      v + this.#carried * this.#motion[at][1],
    ]);
    return { ...this.#seen, landmarks };
  }
}

/** Maps each frame's mouth onto the crop, smoothed over the frames before it, never after. */
class Aligner {
  #window = [];
  #number = -1;

  next(face) {
    if (face && face.number !== this.#number) {
      this.#window = [];
      this.#number = face.number;
    }
    const points = face && [RIGHT_EYE, LEFT_EYE, NOSE_TIP, LIPS].map((group) => mean(group.map((at) => face.landmarks[at])));
    this.#window.push(points);
    if (this.#window.length > WINDOW_FRAMES) this.#window.shift();
    if (!points) return null;
    const seen = this.#window.filter(Boolean);
    const steady = points.map((_, at) => mean(seen.map((shape) => shape[at])));
    const [here, there] = [mean(points), mean(steady)];
    const shape = steady.map(([u, v]) => [u + here[0] - there[0], v + here[1] - there[1]]);
    const canvas = similarity(shape, REFERENCE);
    const [u, v] = transform(canvas, shape[3]).map((value) => evenly(value - CROP_SIZE / 2));
    const [a, b, x, c, d, y] = canvas;
    return [a, b, x - u, c, d, y - v];
  }
}

/** Rounded to whole numbers, halves to the even one, as NumPy does. */
function evenly(value) {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 ? rounded - 1 : rounded;
}

function grey(colours) {
  const pixels = new Uint8Array(CROP_SIZE * CROP_SIZE);
  for (let at = 0, from = 0; at < pixels.length; at++, from += 3)
    pixels[at] = 0.299 * colours[from] + 0.587 * colours[from + 1] + 0.114 * colours[from + 2] + 0.5;
  return pixels;
}

/** Where the corners of the crop lie in the picture. */
function corners([a, b, x, c, d, y]) {
  const determinant = a * d - b * c;
  return [[0, 0], [CROP_SIZE, 0], [CROP_SIZE, CROP_SIZE], [0, CROP_SIZE]].map(([u, v]) => [
    (d * (u - x) - b * (v - y)) / determinant,
    (a * (v - y) - c * (u - x)) / determinant,
  ]);
}
