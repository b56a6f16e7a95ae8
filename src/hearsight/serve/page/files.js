// Recordings dropped on the page or chosen: one after the other, with progress, each into a document of its own.

import { texts } from "./texts.js";
import { clock } from "./transcript.js";
import { transcribeFile } from "./upload.js";

export class Files {
  #parts;
  #transcript;
  #options;
  #problem;
  #waiting = [];
  #abort = null;

  /** `parts`: hint, choose, input, work, state, progress, cancel, drop; `options()` gives modality and token. */
  constructor(parts, transcript, options, problem) {
    this.#parts = parts;
    this.#transcript = transcript;
    this.#options = options;
    this.#problem = problem;
    parts.choose.onclick = () => parts.input.click();
    parts.input.onchange = () => {
      this.#take([...parts.input.files]);
      parts.input.value = "";
    };
    parts.cancel.onclick = () => {
      this.#waiting.length = 0;
      this.#abort?.abort();
    };
    this.#acceptDrops();
  }

  #acceptDrops() {
    const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
    addEventListener("dragover", (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      this.#parts.drop.hidden = false;
    });
    addEventListener("dragleave", (event) => event.relatedTarget === null && (this.#parts.drop.hidden = true));
    addEventListener("drop", (event) => {
      this.#parts.drop.hidden = true;
      if (!hasFiles(event)) return;
      event.preventDefault();
      this.#take([...event.dataTransfer.files]);
    });
  }

  async #take(files) {
    this.#waiting.push(...files);
    if (this.#abort) return;
    this.#abort = new AbortController();
    this.#parts.work.hidden = false;
    this.#parts.hint.hidden = true;
    for (let file; (file = this.#waiting.shift()); ) await this.#transcribe(file);
    this.#abort = null;
    this.#parts.progress.hidden = true;
    this.#parts.cancel.hidden = true;
    this.#parts.hint.hidden = false;
  }

  async #transcribe(file) {
    const { progress, cancel, state } = this.#parts;
    const made = this.#transcript.open(file.name);
    if (this.#abort.signal.aborted) this.#abort = new AbortController();
    progress.hidden = cancel.hidden = false;
    const on = {
      sent: (share) => this.#progress(100 * share, texts.fileSending(file.name, Math.floor(100 * share))),
      progress: ({ heard, duration }) => this.#heard(file.name, heard, duration),
      final: (event) => this.#transcript.add(made, event),
    };
    try {
      await transcribeFile(file, { ...this.#options(), signal: this.#abort.signal, on });
      state.textContent = made.utterances.length ? texts.fileDone(file.name) : texts.fileSilent(file.name);
    } catch (error) {
      if (error.name === "AbortError") {
        state.textContent = texts.fileCancelled(file.name);
      } else {
        state.textContent = "";
        this.#problem(fileProblem(error, file.name));
      }
    }
  }

  #heard(name, heard, duration) {
    if (!duration) return this.#progress(null, texts.fileReading(name, clock(heard)));
    const share = Math.min(100, Math.floor((100 * heard) / duration));
    this.#progress(share, texts.fileReadingPercent(name, share));
  }

  /** A share in percent, null where it is not known. */
  #progress(percent, text) {
    if (percent === null) this.#parts.progress.removeAttribute("value");
    else this.#parts.progress.value = percent;
    if (this.#parts.state.textContent !== text) this.#parts.state.textContent = text;
  }
}

function fileProblem(error, name) {
  if (error.message) return error.message;
  return error.status ? texts.problemFile(name) : texts.problemServer;
}
