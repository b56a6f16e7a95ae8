// The two face networks in the browser: detector and mesh, as in hearsight/face/detector.py and mesh.py.

import { extent, invert, mean, sample, squareToOutput, transform } from "./geometry.js";

const SIZE = 192;
const GRID = 48;
const MINIMUM_SCORE = 0.5;
const OVERLAP = 0.3;
const LANDMARKS = 468;
/** Side of the region that the mesh looks at, in units of the face's longer side. */
export const MARGIN = 1.5;
const RIGHT_EYE_CORNER = 33;
const LEFT_EYE_CORNER = 263;

/** Open both networks with ONNX Runtime Web, which is loaded from the address of a folder, `runtime`, an URL. */
export async function loadNetworks(runtime, addresses) {
  const ort = await import(new URL("ort.wasm.min.mjs", runtime));
  ort.env.wasm.wasmPaths = runtime.href;
  ort.env.wasm.numThreads = 1; // more would need headers that keep other pages of this site apart
  const [detector, mesh] = await Promise.all(
    [addresses.detector, addresses.mesh].map((address) => ort.InferenceSession.create(address, { executionProviders: ["wasm"] })),
  );
  const run = (session, view) => session.run({ picture: new ort.Tensor("uint8", view, [1, SIZE, SIZE, 3]) });
  const nothing = new Uint8Array(3 * SIZE * SIZE);
  for (const session of [detector, mesh]) await run(session, nothing); // the first time takes longest
  return {
    detect: (picture) => detect(picture, (view) => run(detector, view)),
    fit: (picture, region) => fit(picture, region, (view) => run(mesh, view)),
  };
}

/** Faces in a picture, the largest first: `[{box: [leftTop, rightBottom], eyes: [right, left]}]` in its pixels. */
async function detect(picture, run) {
  const side = Math.max(picture.width, picture.height);
  const middle = [picture.width / 2, picture.height / 2];
  const { boxes, scores } = await run(sample(picture, squareToOutput(middle, side, 0, SIZE), SIZE));
  const threshold = Math.log(MINIMUM_SCORE / (1 - MINIMUM_SCORE));
  const found = [];
  scores.data.forEach((logit, cell) => {
    if (logit <= threshold) return;
    const points = candidate(boxes.data.subarray(16 * cell, 16 * cell + 16), cell);
    const placed = points.map(([u, v]) => [u * side + middle[0] - side / 2, v * side + middle[1] - side / 2]);
    found.push({ score: 1 / (1 + Math.exp(-logit)), points: placed });
  });
  return merge(found.sort((one, other) => other.score - one.score)).sort((one, other) => size(other) - size(one));
}

/** Two corners and two eyes of one cell's candidate, as parts of the input. */
function candidate(raw, cell) {
  const at = [((cell % GRID) + 0.5) / GRID, (Math.floor(cell / GRID) + 0.5) / GRID];
  const pair = (number) => [raw[2 * number] / SIZE, raw[2 * number + 1] / SIZE];
  const [centre, extent] = [pair(0), pair(1)];
  const point = ([u, v], share) => [u + at[0] + share * extent[0], v + at[1] + share * extent[1]];
  return [point(centre, -0.5), point(centre, 0.5), point(pair(2), 0), point(pair(3), 0)];
}

/** Join overlapping candidates into faces, weighted by score. */
function merge(candidates) {
  const faces = [];
  for (let left = candidates; left.length; ) {
    const first = left[0];
    const same = left.filter((other) => other === first || overlap(first.points, other.points) > OVERLAP);
    left = left.filter((other) => !same.includes(other));
    const total = same.reduce((sum, { score }) => sum + score, 0);
    const points = first.points.map((_, at) =>
      [0, 1].map((axis) => same.reduce((sum, one) => sum + (one.score / total) * one.points[at][axis], 0)),
    );
    faces.push({ box: points.slice(0, 2), eyes: points.slice(2) });
  }
  return faces;
}

function overlap([low, high], [otherLow, otherHigh]) {
  const area = (from, to) => Math.max(to[0] - from[0], 0) * Math.max(to[1] - from[1], 0);
  const shared = area(
    [Math.max(low[0], otherLow[0]), Math.max(low[1], otherLow[1])],
    [Math.min(high[0], otherHigh[0]), Math.min(high[1], otherHigh[1])],
  );
  return shared / (area(low, high) + area(otherLow, otherHigh) - shared);
}

function size({ box: [low, high] }) {
  return Math.max(high[0] - low[0], high[1] - low[1]);
}

/** The 468 landmarks of the face in a region of a picture, and the probability that there is one. */
async function fit(picture, { centre, side, angle }, run) {
  const toInput = squareToOutput(centre, side, angle, SIZE);
  const { landmarks, presence } = await run(sample(picture, toInput, SIZE));
  const back = invert(toInput);
  const points = Array.from({ length: LANDMARKS }, (_, at) => transform(back, landmarks.data.subarray(2 * at, 2 * at + 2)));
  return { landmarks: points, presence: 1 / (1 + Math.exp(-presence.data[0])) };
}

/** Where to look for a face in the next frame, from its landmarks. */
export function regionAround(landmarks) {
  const [from, to] = [landmarks[RIGHT_EYE_CORNER], landmarks[LEFT_EYE_CORNER]];
  const angle = Math.atan2(to[1] - from[1], to[0] - from[0]);
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  const [low, high] = extent(landmarks.map(([u, v]) => [cosine * u + sine * v, cosine * v - sine * u]));
  const [u, v] = mean([low, high]);
  const side = MARGIN * Math.max(high[0] - low[0], high[1] - low[1]);
  return { centre: [cosine * u - sine * v, sine * u + cosine * v], side, angle };
}

/** The region of a detected face. */
export function regionOf(face) {
  const [from, to] = face.eyes;
  return { centre: mean(face.box), side: MARGIN * size(face), angle: Math.atan2(to[1] - from[1], to[0] - from[0]) };
}
