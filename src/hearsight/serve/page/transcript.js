// What is kept: documents of final utterances, one of them shown, with the time and the confidence of each word.

import { download } from "./formats.js";
import { texts } from "./texts.js";

/** Words less sure than this are marked. */
const UNSURE = 0.6;
const NEAR_THE_END = 80;

export class Transcript {
  #list;
  #empty;
  #choice;
  #buttons;
  #documents = [];
  #shown = null;

  /** `list` is an ol, `choice` a select among documents, `buttons` what needs a transcript to work on. */
  constructor({ list, empty, choice, buttons }) {
    this.#list = list;
    this.#empty = empty;
    this.#choice = choice;
    this.#buttons = buttons;
    choice.onchange = () => this.show(this.#documents[choice.selectedIndex]);
    this.#arrange();
  }

  /** A new, empty document; it is shown at once. */
  open(name) {
    const made = { name, utterances: [] };
    this.#documents.push(made);
    this.#choice.append(new Option(name));
    this.show(made);
    return made;
  }

  /** Add a final to a document; its times in seconds of that document. */
  add(made, utterance) {
    if (!utterance.words.length) return;
    made.utterances.push(utterance);
    if (made === this.#shown) this.#append(utterance);
    this.#arrange();
  }

  show(made) {
    this.#shown = made;
    this.#choice.selectedIndex = this.#documents.indexOf(made);
    this.#list.replaceChildren();
    made.utterances.forEach((utterance) => this.#append(utterance));
    this.#arrange();
  }

  /** The document shown, or null. */
  get shown() {
    return this.#shown;
  }

  /** Empty the document shown. */
  clear() {
    this.#shown.utterances.length = 0;
    this.show(this.#shown);
  }

  /** Let the browser save the document shown. */
  download(format) {
    download(this.#shown.utterances, format, this.#shown.name.replace(/\.\w{1,5}$/, "").replaceAll(/[^\p{L}\p{N}._-]+/gu, "-"));
  }

  #append(utterance) {
    const { scrollTop, clientHeight, scrollHeight } = this.#list;
    const follow = scrollTop + clientHeight > scrollHeight - NEAR_THE_END;
    this.#list.append(entry(utterance));
    if (follow) this.#list.scrollTop = this.#list.scrollHeight;
  }

  #arrange() {
    const filled = Boolean(this.#shown?.utterances.length);
    this.#empty.hidden = filled;
    this.#list.hidden = !filled;
    this.#choice.hidden = this.#documents.length < 2;
    for (const button of this.#buttons) button.disabled = !filled;
  }
}

/** One utterance: when it began, its words, and by what it was recognised. */
function entry(utterance) {
  const item = document.createElement("li");
  const time = element("time", "", clock(utterance.start));
  time.dateTime = `PT${utterance.start.toFixed(2)}S`;
  const words = element("ol", "words");
  words.append(...utterance.words.map(wordEntry));
  item.append(time, words, element("p", "senses-used", senses(utterance)));
  return item;
}

function wordEntry(word) {
  const item = document.createElement("li");
  const unsure = word.confidence < UNSURE;
  const facts = element("span", "facts", `${texts.seconds(word.start)}–${texts.seconds(word.end)} `);
  facts.append(element("span", unsure ? "doubt" : "sure", texts.percent(word.confidence)));
  const text = element("span", unsure ? "word unsure" : "word", word.word);
  if (unsure) text.title = texts.unsure;
  item.append(text, facts);
  return item;
}

function senses({ senses: used, on_screen: onScreen }) {
  const both = used.includes("audio") && used.includes("video");
  const how = both ? texts.heardAndLipRead : used.includes("video") ? texts.lipRead : texts.heard;
  return onScreen === false ? `${how}, ${texts.offScreen}` : how;
}

/** Seconds as m:ss or h:mm:ss. */
export function clock(seconds) {
  const whole = Math.floor(Math.max(0, seconds));
  const two = (value) => String(value).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

function element(name, className, text = "") {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.textContent = text;
  return made;
}
