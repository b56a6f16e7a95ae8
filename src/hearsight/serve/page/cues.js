// Finals to cues, what is shown on a screen at once: the same rules as hearsight/captions/cues.py, so that a
// transcript saved here equals one that the command line writes.

const LINE_CHARACTERS = 42;
const LINES = 2;
const LONGEST_S = 6.0;
const SHORTEST_S = 1.0;
const PAUSE_S = 0.8;

/** The cues `{start, end, lines}` of utterances (`{words: [{word, start, end}]}`), in order, never two at a time. */
export function toCues(utterances) {
  const cues = utterances.flatMap((utterance) => splitWords(utterance.words)).map((words) => ({
    start: words[0].start,
    end: words.at(-1).end,
    lines: wrap(words),
  }));
  cues.forEach((cue, at) => {
    const limit = at + 1 < cues.length ? cues[at + 1].start : cue.start + SHORTEST_S;
    cue.end = Math.max(cue.end, Math.min(cue.start + SHORTEST_S, limit));
  });
  return cues;
}

/** Cut an utterance at its pauses, and what is still too long or too slow at its widest gap. */
export function splitWords(words) {
  const groups = [];
  while (words.length) {
    let count = fitting(words);
    if (count < words.length && gap(words, count) < PAUSE_S) count = widestGap(words, count);
    groups.push(words.slice(0, count));
    words = words.slice(count);
  }
  return groups;
}

/** The words in lines; words longer than a line are broken. */
export function wrap(words) {
  const lines = [];
  let line = "";
  for (let rest of words.flatMap((word) => word.word.split(/\s+/)).filter(Boolean)) {
    if (line && characters(line) + 1 + characters(rest) <= LINE_CHARACTERS) {
      line += ` ${rest}`;
      continue;
    }
    if (characters(rest) > LINE_CHARACTERS && line && characters(line) + 1 < LINE_CHARACTERS) {
      const room = LINE_CHARACTERS - characters(line) - 1;
      line += ` ${[...rest].slice(0, room).join("")}`;
      rest = [...rest].slice(room).join("");
    }
    if (line) lines.push(line);
    while (characters(rest) > LINE_CHARACTERS) {
      lines.push([...rest].slice(0, LINE_CHARACTERS).join(""));
      rest = [...rest].slice(LINE_CHARACTERS).join("");
    }
    line = rest;
  }
  if (line) lines.push(line);
  return lines;
}

function characters(text) {
  return [...text].length;
}

function gap(words, at) {
  return words[at].start - words[at - 1].end;
}

/** How many of the first words make one cue, up to the first pause; at least one. */
function fitting(words) {
  for (let count = 1; count < words.length; count++) {
    const tooSlow = words[count].end - words[0].start > LONGEST_S;
    if (gap(words, count) >= PAUSE_S || tooSlow || wrap(words.slice(0, count + 1)).length > LINES) return count;
  }
  return words.length;
}

/** Where to cut before the word that does not fit: at the widest gap past the first third, the latest of equals. */
function widestGap(words, count) {
  let best = Math.max(1, Math.ceil(count / 3));
  for (let at = best + 1; at <= count; at++) if (gap(words, at) >= gap(words, best)) best = at;
  return best;
}
