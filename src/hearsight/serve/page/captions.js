// Captions under the picture: finals stay, of what is being said the stable words are solid and the others dimmed.

import { texts } from "./texts.js";

const KEPT = 40;
/** Whoever has scrolled up further than this many pixels is reading: the captions then stay where they are. */
const NEAR_THE_END = 48;

export class Captions {
  #root;
  #said;
  #running;
  #empty;

  /** `root` scrolls; `said` is a live region for finals, `running` holds the utterance that is being said. */
  constructor({ root, said, running, empty }) {
    this.#root = root;
    this.#said = said;
    this.#running = running;
    this.#empty = empty;
    new ResizeObserver(() => (root.scrollTop = root.scrollHeight)).observe(root);
  }

  /** Show a partial or final event. */
  show(event) {
    this.#following(() => {
      this.#running.replaceChildren();
      if (!event.words.length) return;
      this.#empty.hidden = true;
      if (event.kind === "final") this.#keep(event);
      else this.#running.append(...runningWords(event));
    });
  }

  clear() {
    this.#said.replaceChildren();
    this.#running.replaceChildren();
    this.#empty.hidden = false;
  }

  #keep(event) {
    const line = document.createElement("p");
    line.append(event.text);
    if (event.on_screen === false) line.append(" ", element("span", "aside", `(${texts.offScreen})`));
    this.#said.append(line);
    while (this.#said.children.length > KEPT) this.#said.firstElementChild.remove();
  }

  #following(change) {
    const { scrollTop, clientHeight, scrollHeight } = this.#root;
    const follow = scrollTop + clientHeight > scrollHeight - NEAR_THE_END;
    change();
    if (follow) this.#root.scrollTop = this.#root.scrollHeight;
  }
}

/** The stable words, then those that may still change. */
function runningWords(event) {
  const words = event.words.map(({ word }) => word);
  const stable = words.slice(0, event.stable).join(" ");
  const open = words.slice(event.stable).join(" ");
  return [element("span", "stable", stable), stable && open ? " " : "", element("span", "may-change", open)];
}

function element(name, className, text) {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}
