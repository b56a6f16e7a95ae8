// A bar with a number beside it.

export class Meter {
  #bar;
  #output;
  #lowest;
  #highest;
  #high;
  #write;

  /** `high` is from where the value is a warning; `write` turns the value into text. */
  constructor(bar, output, { high, write }) {
    this.#bar = bar;
    this.#output = output;
    this.#lowest = Number(bar.getAttribute("aria-valuemin"));
    this.#highest = Number(bar.getAttribute("aria-valuemax"));
    this.#high = high;
    this.#write = write;
    this.show(null);
  }

  /** Show a value, null if there is none. */
  show(value) {
    const within = Math.min(Math.max(value ?? this.#lowest, this.#lowest), this.#highest);
    const text = this.#write(value);
    this.#bar.style.setProperty("--share", (within - this.#lowest) / (this.#highest - this.#lowest));
    this.#bar.toggleAttribute("data-high", value !== null && value >= this.#high);
    this.#bar.setAttribute("aria-valuenow", within.toFixed(1));
    this.#bar.setAttribute("aria-valuetext", text);
    if (this.#output.textContent !== text) this.#output.textContent = text;
  }
}
