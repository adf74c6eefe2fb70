// Buttons in ComfyUI's own lists of what is missing: the overlay after loading a workflow, and the Errors tab.
// There is no public interface for them; the test ids are those of ComfyUI_frontend 1.47 (MissingModelCard.vue,
// MissingModelRow.vue, MissingNodeCard.vue, ErrorOverlay.vue). Where they differ, the panel alone has the buttons.
import { isBusy, onChange, planNow, pod } from "./pod.js";
import { allModels, allNodes, make, oneModel } from "./view.js";

const SETTLE_MS = 100;
const at = (name, below = document) => below.querySelector(`[data-testid="${name}"]`);
let timer = 0, openPanel = () => {};

/** Keep the buttons in place; `open` opens the panel. */
export function keepButtons(open) {
  openPanel = open;
  new MutationObserver(soon).observe(document.body, { childList: true, subtree: true });
  onChange(place);
}

function soon() {
  timer ||= setTimeout(() => {
    timer = 0;
    place();
  }, SETTLE_MS);
}

function place() {
  try {
    const overlay = at("error-overlay-see-errors"), rows = at("missing-model-importable-rows"), nodes = at("missing-node-card");
    if ((overlay || rows || nodes) && pod.stale && !pod.planning) void planNow();
    if (overlay) put("overlay", overlay.parentElement, overlay, allModels(), overlay.className, openPanel);
    if (rows) {
      put("all", rows.parentElement, null, allModels());
      for (const row of rows.children) {
        const label = row.querySelector("[title]"), line = row.firstElementChild;
        if (label && line) put("one", row, line.nextSibling, oneModel(label.title));
      }
    }
    if (nodes) put("nodes", nodes, null, allNodes(), undefined, openPanel);
  } catch (error) {
    console.warn("podkeeper: cannot add buttons to this list:", error);
  }
}

/** Put a button into `parent`, in front of `before`, or bring it up to date; take it away where it has nothing to do. */
function put(kind, parent, before, what, className = "podkeeper-button", then = () => {}) {
  let found = parent.querySelector(`:scope > [data-podkeeper="${kind}"]`);
  if (!what.isNeeded && !isBusy()) {
    found?.remove();
    return;
  }
  if (!found) {
    if (!what.isNeeded) return;
    found = make("button", { type: "button", className, dataset: { podkeeper: kind } });
    found.addEventListener("click", (event) => {
      event.stopPropagation();
      then();
      found.run();
    });
    parent.insertBefore(found, before);
  }
  found.run = what.run;
  if (found.textContent !== what.words) found.textContent = what.words;
  if (found.disabled !== what.isOff) found.disabled = what.isOff;
}
