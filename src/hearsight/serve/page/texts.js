// Every word the page shows, in one place. To add a language: add an object with the same keys under its code.

const en = {
  title: "hearsight: live captions",
  skip: "Skip to the captions",

  // What is going on
  idle: "Not listening",
  starting: "Asking for camera and microphone…",
  listening: "Listening",
  stopping: "Finishing the last words…",
  reconnecting: "Connection lost, trying again. Nothing you say is lost for half a minute",

  // Header
  themeAuto: "Theme: auto",
  themeLight: "Theme: light",
  themeDark: "Theme: dark",
  largeText: "Large text",
  captionsOnly: "Captions only",

  // Picture
  picture: "Your camera",
  welcome: "Speak, and read it here while you speak.",
  welcomeFiles: "Or drop a recording anywhere on this page.",
  privacy: "Sound and pictures go only to the computer this page came from. Nothing is stored.",
  noCamera: "No picture: going by ear",
  modelSees: "What the model sees",
  dropHere: "Drop the recording to transcribe it",

  // Captions
  captions: "Captions",
  captionsEmpty: "Captions appear here.",
  offScreen: "somebody not in the picture",

  // Controls
  controls: "Controls",
  start: "Start captions",
  stop: "Stop",
  senses: "Go by",
  both: "Both",
  soundOnly: "Sound",
  lipsOnly: "Lips",
  noise: "Noise mixed into my microphone",
  noiseKind: "Kind of noise",
  babble: "Babble of 12 voices",
  pink: "Pink noise",
  noiseOff: "off",
  noiseLevel: (level) => `${level} dB`,
  noiseQuieter: (difference) => `${difference} dB quieter than your voice`,
  noiseLouder: (difference) => `${difference} dB louder than your voice`,
  noiseEqual: "as loud as your voice",
  devices: "Camera, microphone and noise",
  camera: "Camera",
  microphone: "Microphone",
  anyDevice: "Whichever the browser offers",
  noneDevice: "None",
  cameraNumber: (number) => `Camera ${number}`,
  microphoneNumber: (number) => `Microphone ${number}`,
  cropHere: "Keep my face here: send only the crop of the mouth",
  mirror: "Mirror my picture",

  // Meters
  level: "Sound",
  levelValue: (level) => (level === -Infinity ? "silent" : `${Math.round(level)} dB`),
  lag: "Lag",
  lagValue: (seconds) => `${seconds.toFixed(1)} s`,
  unknown: "–",

  // Transcript
  transcript: "Transcript",
  liveDocument: "Live captions",
  transcriptEmpty: "Finished sentences are kept here, with the time of every word and how sure the model is of it.",
  details: "Times and confidence",
  download: "Download",
  downloadAs: (format) => `Download as ${format}`,
  clear: "Clear",
  clearQuestion: "Throw this transcript away?",
  heard: "heard",
  lipRead: "lip-read",
  heardAndLipRead: "heard and lip-read",
  seconds: (value) => value.toFixed(2),
  percent: (value) => `${Math.round(100 * value)} %`,
  unsure: "unsure",

  // Files
  file: "A recording",
  fileHint: "Drop a sound or video file on the page, or",
  fileChoose: "Choose a file",
  fileCancel: "Cancel",
  fileSending: (name, percent) => `Sending ${name}: ${percent} %`,
  fileReading: (name, time) => `Transcribing ${name}: ${time} done`,
  fileReadingPercent: (name, percent) => `Transcribing ${name}: ${percent} %`,
  fileDone: (name) => `${name} is transcribed.`,
  fileSilent: (name) => `No speech was found in ${name}.`,
  fileCancelled: (name) => `Stopped: what was found in ${name} so far is in the transcript.`,

  // What can go wrong, each one sentence that says what to do
  dismiss: "Close",
  problemRefused: "The browser was not allowed to use the camera or microphone: allow it beside the address and press Start again.",
  problemNoDevice: "No camera or microphone was found: plug one in and press Start again.",
  problemBusyDevice: "The camera or microphone is in use by another program: close that and press Start again.",
  problemNetworks: "The face networks could not be loaded: reload the page, or let the server look for your face.",
  problemNothingChosen: "Choose a camera or a microphone first.",
  problemInsecure: "Browsers give camera and microphone only to https pages or to localhost: open this page under one of these.",
  problemBrowser: "This browser cannot record sound and pictures for the server: use a recent Firefox, Chrome, Edge or Safari.",
  problemBusy: "The server is full: try again in a moment.",
  problemGone: "The server has not answered for half a minute: it is tried again, and what was said until then is kept here.",
  problemServer: "The server cannot be reached: see whether it is still running, then try again.",
  problemFile: (name) => `${name} could not be transcribed: is it a sound or video file?`,
  problemToken: "The server wants a token: open the page with #token=… at the end of its address.",
  problemTrackEnded: "The camera or microphone was unplugged: plug it in again and press Start.",
};

const languages = { en };

const preferred = navigator.languages.map((code) => code.split("-")[0]).find((code) => code in languages);

/** The code of the language in use. */
export const language = preferred ?? "en";

/** The texts of the language in use. */
export const texts = languages[language];

/** Fill in `data-text` (content), `data-label` (aria-label) and `data-title` of everything under `root`. */
export function fillIn(root) {
  for (const element of root.querySelectorAll("[data-text]")) element.textContent = texts[element.dataset.text];
  for (const element of root.querySelectorAll("[data-label]")) element.setAttribute("aria-label", texts[element.dataset.label]);
  for (const element of root.querySelectorAll("[data-title]")) element.title = texts[element.dataset.title];
}
