// A transcript as a file: TXT, SRT and VTT as hearsight/captions/writers.py writes them.

import { toCues } from "./cues.js";

/** Plain text, one line per utterance. */
function txt(utterances) {
  return utterances.map((utterance) => `${utterance.text}\n`).join("");
}

/** SubRip subtitles. */
function srt(utterances) {
  return toCues(utterances)
    .map((cue, at) => [at + 1, times(cue, ","), ...cue.lines, "", ""].join("\n"))
    .join("");
}

/** WebVTT subtitles (W3C). */
function vtt(utterances) {
  const cues = toCues(utterances).map((cue) => [times(cue, "."), ...cue.lines.map(escaped), "", ""].join("\n"));
  return ["WEBVTT\n\n", ...cues].join("");
}

/** From a format's name to its writer and media type. */
export const FORMATS = {
  txt: { write: txt, type: "text/plain" },
  srt: { write: srt, type: "application/x-subrip" },
  vtt: { write: vtt, type: "text/vtt" },
};

/** Let the browser save utterances in one of the formats. */
export function download(utterances, format, name) {
  const { write, type } = FORMATS[format];
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([write(utterances)], { type: `${type};charset=utf-8` }));
  link.download = `${name}.${format}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

function times(cue, point) {
  return `${timestamp(cue.start, point)} --> ${timestamp(cue.end, point)}`;
}

function timestamp(seconds, point) {
  const whole = Math.max(0, Math.round(seconds * 1000));
  const pad = (value, width = 2) => String(Math.floor(value)).padStart(width, "0");
  return `${pad(whole / 3_600_000)}:${pad((whole / 60_000) % 60)}:${pad((whole / 1000) % 60)}${point}${pad(whole % 1000, 3)}`;
}

function escaped(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
