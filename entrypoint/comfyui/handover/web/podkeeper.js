// "Download to this pod": what the loaded workflow needs and does not have comes to the pod, verified, and not to the
// browser's computer. docs/workflows.md is for users.
import { app } from "../../scripts/app.js";
import { keepButtons } from "./buttons.js";
import { destroy, render } from "./panel.js";
import { graphReplaced, isHere, pod, poll } from "./pod.js";

const TAB = "podkeeper";
let isReady = false;

app.registerExtension({
  name: "podkeeper.workflows",
  async setup() {
    if (!(await isHere())) return; // no door in front of ComfyUI, the status page is off, or it wants a login
    const style = document.createElement("link");
    Object.assign(style, { rel: "stylesheet", href: new URL("podkeeper.css", import.meta.url).href });
    document.head.append(style);
    app.extensionManager.registerSidebarTab({
      id: TAB, icon: "pi pi-cloud-download", title: "On this pod", tooltip: "What this workflow needs on this pod",
      type: "custom", render, destroy,
    });
    isReady = true;
    keepButtons(openPanel);
    for (const id of pod.state.waiting) pod.mine.add(id); // asked for before this page was reloaded
    if (pod.mine.size) poll();
  },
  afterConfigureGraph() {
    if (isReady) graphReplaced();
  },
});

function openPanel() {
  const tabs = app.extensionManager.sidebarTab;
  if (tabs && tabs.activeSidebarTabId !== TAB) tabs.activeSidebarTabId = TAB;
}
