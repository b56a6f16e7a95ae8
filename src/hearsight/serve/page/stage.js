// The picture of oneself, with the face, the mouth's box and the crop that the model sees.

const FACE_COLOUR = "#78dce8";
const MOUTH_COLOUR = "#ff6f61";
const CROP_SIZE = 96;

export class Stage {
  #parts;

  /** `parts`: video, overlay and cropPicture (canvases), crop (their figure), welcome, picture, hint. */
  constructor(parts) {
    this.#parts = parts;
  }

  /** Show a camera's stream; null where there is none. */
  open(stream) {
    this.#parts.video.srcObject = stream;
    this.#parts.welcome.hidden = true;
  }

  close() {
    this.#parts.video.srcObject = null;
    this.#parts.welcome.hidden = false;
    this.#parts.crop.hidden = true;
    this.hint("");
    this.#clear();
  }

  set mirrored(mirrored) {
    this.#parts.picture.classList.toggle("mirrored", mirrored);
  }

  /** A short sentence over the picture; "" for none. */
  hint(text) {
    this.#parts.hint.hidden = !text;
    if (this.#parts.hint.textContent !== text) this.#parts.hint.textContent = text;
  }

  /** Draw a `look` message; its crop may be the 96 x 96 bytes themselves. */
  look({ width, height, face, mouth, crop }) {
    const context = this.#clear();
    this.#parts.crop.hidden = !crop;
    if (crop) this.#drawCrop(crop);
    if (!width || !height) return;
    const { width: wide, height: high } = this.#parts.overlay;
    const scale = Math.min(wide / width, high / height);
    const left = (wide - scale * width) / 2;
    const top = (high - scale * height) / 2;
    const place = ([x, y]) => [left + scale * x, top + scale * y];
    context.lineWidth = Math.max(2, wide / 400);
    if (face) outline(context, FACE_COLOUR, [[face[0], face[1]], [face[2], face[1]], [face[2], face[3]], [face[0], face[3]]].map(place));
    if (mouth) outline(context, MOUTH_COLOUR, mouth.map(place));
  }

  #clear() {
    const { overlay } = this.#parts;
    const ratio = window.devicePixelRatio || 1;
    overlay.width = Math.round(overlay.clientWidth * ratio);
    overlay.height = Math.round(overlay.clientHeight * ratio);
    return overlay.getContext("2d");
  }

  #drawCrop(crop) {
    const grey = typeof crop === "string" ? Uint8Array.from(atob(crop), (character) => character.charCodeAt(0)) : crop;
    const context = this.#parts.cropPicture.getContext("2d");
    const image = context.createImageData(CROP_SIZE, CROP_SIZE);
    for (let at = 0; at < grey.length; at++) image.data.fill(grey[at], 4 * at, 4 * at + 3);
    for (let at = 3; at < image.data.length; at += 4) image.data[at] = 255;
    context.putImageData(image, 0, 0);
  }
}

function outline(context, colour, corners) {
  context.strokeStyle = colour;
  context.beginPath();
  corners.forEach((corner) => context.lineTo(...corner));
  context.closePath();
  context.stroke();
}
