// Affine maps between the picture and what the networks and crops see of it, as in hearsight/face/geometry.py.
//
// A map is six numbers [a, b, x, c, d, y]: (u, v) goes to (a u + b v + x, c u + d v + y). Points are [u, v] pairs.

/** Map one point. */
export function transform([a, b, x, c, d, y], [u, v]) {
  return [a * u + b * v + x, c * u + d * v + y];
}

/** The map back. */
export function invert([a, b, x, c, d, y]) {
  const determinant = a * d - b * c;
  return [d, -b, b * y - d * x, -c, a, c * x - a * y].map((value) => value / determinant);
}

/** The map that turns a square of the picture upright and fills `size` x `size` pixels. */
export function squareToOutput(centre, side, angle, size) {
  const cosine = (Math.cos(angle) * size) / side;
  const sine = (Math.sin(angle) * size) / side;
  const [u, v] = centre;
  return [cosine, sine, size / 2 - cosine * u - sine * v, -sine, cosine, size / 2 + sine * u - cosine * v];
}

/** Least-squares rotation, scale and shift from points to points (Umeyama, 1991). */
export function similarity(source, target) {
  const [u, v] = mean(source);
  let dot = 0;
  let cross = 0;
  let power = 0;
  let end = [0, 0];
  source.forEach(([s, t], at) => {
    const [p, q] = target[at];
    dot += (s - u) * p + (t - v) * q;
    cross += (s - u) * q - (t - v) * p;
    power += (s - u) ** 2 + (t - v) ** 2;
    end = [end[0] + p / source.length, end[1] + q / source.length];
  });
  const [real, imaginary] = [dot / power, cross / power];
  return [real, -imaginary, end[0] - real * u + imaginary * v, imaginary, real, end[1] - imaginary * u - real * v];
}

/** The middle of points. */
export function mean(points) {
  let [u, v] = [0, 0];
  for (const point of points) {
    u += point[0] / points.length;
    v += point[1] / points.length;
  }
  return [u, v];
}

/** Lowest and highest coordinates of points: `[[left, top], [right, bottom]]`. */
export function extent(points) {
  const low = [Infinity, Infinity];
  const high = [-Infinity, -Infinity];
  for (const point of points) {
    for (const axis of [0, 1]) {
      low[axis] = Math.min(low[axis], point[axis]);
      high[axis] = Math.max(high[axis], point[axis]);
    }
  }
  return [low, high];
}

/**
 * Draw `size` x `size` RGB pixels of a picture (`{width, height, data}` RGBA); what lies outside it is black.
 *
 * Bilinear; where the picture is more than twice as fine as the output, it is averaged first.
 */
export function sample(picture, map, size) {
  const step = Math.floor(1 / Math.hypot(map[0], map[3]));
  return step >= 2 ? draw(...shrink(picture, map, size, step), size) : draw(picture, map, size);
}

function draw({ width, height, data }, map, size) {
  const [a, b, x, c, d, y] = invert(map);
  const drawn = new Uint8Array(3 * size * size);
  for (let row = 0, to = 0; row < size; row++) {
    for (let column = 0; column < size; column++, to += 3) {
      const u = a * column + b * row + x;
      const v = c * column + d * row + y;
      const left = Math.floor(u);
      const top = Math.floor(v);
      if (left < -1 || top < -1 || left >= width || top >= height) continue;
      const right = u - left;
      const down = v - top;
      const weights = [(1 - right) * (1 - down), right * (1 - down), (1 - right) * down, right * down];
      for (let corner = 0; corner < 4; corner++) {
        const column = left + (corner & 1);
        const row = top + (corner >> 1);
        if (column < 0 || row < 0 || column >= width || row >= height) weights[corner] = 0;
      }
      const from = 4 * (top * width + left);
      for (let channel = 0; channel < 3; channel++) {
        let value = 0.5;
        if (weights[0]) value += weights[0] * data[from + channel];
        if (weights[1]) value += weights[1] * data[from + 4 + channel];
        if (weights[2]) value += weights[2] * data[from + 4 * width + channel];
        if (weights[3]) value += weights[3] * data[from + 4 * width + 4 + channel];
        drawn[to + channel] = value;
      }
    }
  }
  return drawn;
}

/** Average `step` x `step` pixels into one, in the part of the picture that is drawn. */
function shrink({ width, height, data }, map, size, step) {
  const back = invert(map);
  const corners = [[0, 0], [size, 0], [0, size], [size, size]].map((corner) => transform(back, corner));
  const [least, most] = extent(corners);
  const limit = [width, height];
  const low = least.map((value, axis) => Math.min(Math.max(Math.floor(value) - step, 0), limit[axis] - 1));
  const high = most.map((value, axis) => Math.min(Math.max(Math.ceil(value) + step, low[axis] + 1), limit[axis]));
  const wide = Math.max(1, Math.floor((high[0] - low[0]) / step));
  const tall = Math.max(1, Math.floor((high[1] - low[1]) / step));
  const small = new Float32Array(4 * wide * tall);
  for (let row = 0; row < Math.min(tall * step, high[1] - low[1]); row++) {
    for (let column = 0; column < Math.min(wide * step, high[0] - low[0]); column++) {
      const from = 4 * ((low[1] + row) * width + low[0] + column);
      const to = 4 * (Math.floor(row / step) * wide + Math.floor(column / step));
      for (let channel = 0; channel < 3; channel++) small[to + channel] += data[from + channel] / (step * step);
    }
  }
  const middle = low.map((value) => value + (step - 1) / 2);
  const [x, y] = transform(map, middle);
  const [a, b, , c, d] = map;
  return [{ width: wide, height: tall, data: small }, [a * step, b * step, x, c * step, d * step, y]];
}
