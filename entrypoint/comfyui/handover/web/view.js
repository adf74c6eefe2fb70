// What the panel and the buttons in ComfyUI's own lists have in common.
import { bring, isBusy, placeOf, progressOf, wantedModels, wantedNodes } from "./pod.js";

/** An element; children that are false or null are left out. */
export function make(tag, properties, ...children) {
  const { dataset, ...others } = properties ?? {};
  const made = Object.assign(document.createElement(tag), others);
  Object.assign(made.dataset, dataset);
  made.append(...children.filter((each) => each || each === 0));
  return made;
}

export function gigabytes(bytes) {
  if (!bytes) return "";
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  return bytes >= 1e6 ? `${Math.round(bytes / 1e6)} MB` : `${Math.max(1, Math.round(bytes / 1e3))} kB`;
}

export function duration(seconds) {
  if (seconds == null) return "";
  return seconds < 90 ? `${Math.max(1, Math.round(seconds))} s` : `${Math.round(seconds / 60)} min`;
}

/** The words of a state that a model or node pack has in the running job; "": none. */
export function statusOf(name) {
  const found = progressOf(name);
  if (!found) return "";
  if (found.state === "fetching") return found.size ? `${Math.floor((100 * found.bytes) / found.size)}%` : "downloading";
  return { there: "verified", busy: "another pod downloads it" }[found.state] ?? found.state;
}

/** All models of the plan, in one button: [words, what a click does, whether it can be clicked]. */
export function allModels() {
  const models = wantedModels().filter((each) => each.state === "missing");
  const size = gigabytes(models.reduce((sum, each) => sum + (each.bytes ?? 0), 0));
  const words = isBusy() ? "Downloading to this pod…" : `Download to this pod${size ? ` (${size})` : ""}`;
  return { words, run: () => bring(models, []), isOff: isBusy() || !models.length, isNeeded: models.length > 0 };
}

export function allNodes() {
  const nodes = wantedNodes();
  const names = nodes.map((each) => each.install.split("@")[0]).join(", ");
  const words = isBusy() ? "Installing on this pod…" : `Install on this pod: ${names}`;
  return { words, run: () => bring([], nodes), isOff: isBusy() || !nodes.length, isNeeded: nodes.length > 0 };
}

/** One model, by its name in the workflow. */
export function oneModel(name) {
  const model = wantedModels().find((each) => each.name === name || placeOf(each) === name);
  const status = model ? statusOf(placeOf(model)) : "";
  return { words: status || "Download to this pod", run: () => bring([model], []), isOff: isBusy() || !model, isNeeded: !!model };
}
