// A recording to text over POST /v1/audio/transcriptions, with progress and with each final as it comes.

const ADDRESS = "v1/audio/transcriptions";

/**
 * Send a file and read what it says.
 *
 * `on` has functions: `sent` with a share from 0 to 1, `progress` with `{heard, duration}` in seconds, `final` with a
 * final event. Resolves when all is said; rejects with an Error whose message is the server's sentence, if it
 * gave one, and whose `status` is the HTTP status (0: no answer). An AbortSignal stops it.
 */
export function transcribeFile(file, { modality, token, signal, on }) {
  const form = new FormData();
  const fields = { model: "default", stream: "true", progress: "true", modality, file };
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  const request = new XMLHttpRequest(); // unlike fetch, it tells how much has been sent
  return new Promise((resolve, reject) => {
    const reader = new EventReader((message) => {
      if (message.type === "hearsight.progress") on.progress(message);
      else if (message.type === "hearsight.event" && message.kind === "final") on.final(message);
      else if (message.type === "error" || message.error) reject(failure(request, message.error ?? message));
    });
    request.open("POST", ADDRESS);
    if (token) request.setRequestHeader("Authorization", `Bearer ${token}`);
    request.upload.onprogress = ({ loaded, total }) => on.sent(total ? loaded / total : 1);
    request.onprogress = () => request.status === 200 && reader.read(request.responseText);
    request.onload = () => {
      if (request.status !== 200) return reject(failure(request, errorOf(request.responseText)));
      reader.read(request.responseText);
      resolve();
    };
    request.onerror = () => reject(failure(request));
    request.onabort = () => reject(new DOMException("", "AbortError"));
    signal.addEventListener("abort", () => request.abort());
    request.send(form);
  });
}

/** Server-sent events out of a text that grows. */
class EventReader {
  #take;
  #at = 0;

  constructor(take) {
    this.#take = take;
  }

  read(text) {
    for (let end; (end = text.indexOf("\n\n", this.#at)) >= 0; this.#at = end + 2) {
      const data = text.slice(this.#at, end).split("\n").filter((line) => line.startsWith("data:"));
      const joined = data.map((line) => line.slice(5).trim()).join("\n");
      if (joined && joined !== "[DONE]") this.#take(JSON.parse(joined));
    }
  }
}

function errorOf(text) {
  try {
    return JSON.parse(text).error;
  } catch {
    return null;
  }
}

function failure(request, error) {
  return Object.assign(new Error(error?.message ?? ""), { status: request.status });
}
