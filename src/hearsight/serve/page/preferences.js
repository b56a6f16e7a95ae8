// What the user has chosen, kept in this browser only; and how the page looks.

import { texts } from "./texts.js";

const KEY = "hearsight";
const THEMES = ["auto", "light", "dark"];
const chosen = read();
const light = window.matchMedia("(prefers-color-scheme: light)");

/** What was chosen under this name, or else the default. */
export function preference(name, otherwise) {
  return chosen[name] ?? otherwise;
}

/** Keep a choice. */
export function prefer(name, value) {
  chosen[name] = value;
  try {
    localStorage.setItem(KEY, JSON.stringify(chosen));
  } catch {
    // A browser that keeps nothing still shows captions.
  }
}

/** Make the buttons for theme, large text and captions alone work. */
export function manageLooks({ theme, large, focus }) {
  theme.onclick = () => {
    prefer("theme", THEMES[(THEMES.indexOf(preference("theme", "auto")) + 1) % THEMES.length]);
    show();
  };
  large.onclick = () => {
    prefer("large", !preference("large", false));
    show();
  };
  focus.onclick = () => {
    document.documentElement.toggleAttribute("data-focus");
    show();
  };
  light.addEventListener("change", show);
  show();

  function show() {
    const root = document.documentElement;
    const choice = preference("theme", "auto");
    root.dataset.theme = choice === "auto" ? (light.matches ? "light" : "dark") : choice;
    root.toggleAttribute("data-large", preference("large", false));
    theme.textContent = { auto: texts.themeAuto, light: texts.themeLight, dark: texts.themeDark }[choice];
    large.setAttribute("aria-pressed", preference("large", false));
    focus.setAttribute("aria-pressed", root.hasAttribute("data-focus"));
    focus.textContent = texts.captionsOnly;
  }
}

function read() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? {};
  } catch {
    return {};
  }
}
