// The pod's side: what the loaded workflow needs, downloads and their progress, at /podkeeper/workflow/ of this origin
// (entrypoint/door/workflow.conf). Where no program responds there, nothing of this extension is shown.
import { api } from "../../scripts/api.js";
import { app } from "../../scripts/app.js";

const PROBLEMS = {
  401: "log in to the pod again: open its address with the token",
  413: "this workflow is larger than 32 MB",
};
const BUSY_MS = 1000, IDLE_MS = 5000;

/** What views show. `stale`: the graph has been replaced since the plan. `mine`: jobs of this page that have not ended. */
export const pod = {
  plan: null, stale: true, planning: false, problem: "", state: null, mine: new Set(), outcome: null, watched: 0,
};

const listeners = new Set();
let plans = 0, timer = 0, polling = false;

/** Call `listener` after each change; returns a function that ends it. */
export function onChange(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function changed() {
  for (const listener of listeners) {
    try {
      listener();
    } catch (error) {
      console.error("podkeeper:", error);
    }
  }
}

async function ask(operation, body) {
  const post = body === undefined ? {} : {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  };
  const response = await fetch(api.fileURL(`/podkeeper/workflow/${operation}`), { cache: "no-store", ...post });
  const isJson = (response.headers.get("Content-Type") ?? "").startsWith("application/json");
  const content = isJson ? await response.json() : {};
  if (response.ok && isJson) return content;
  const error = new Error(content.problem || PROBLEMS[response.status] || `the pod responds with HTTP ${response.status}`);
  error.status = response.status;
  throw error;
}

/** Whether the pod responds. */
export async function isHere() {
  try {
    pod.state = await ask("state");
  } catch {
    return false;
  }
  return pod.state.podkeeper === 1;
}

/** Plan the loaded workflow. */
export async function planNow() {
  const number = ++plans;
  Object.assign(pod, { planning: true, problem: "", stale: false });
  changed();
  try {
    const plan = await ask("plan", (app.rootGraph ?? app.graph).serialize());
    if (number === plans) pod.plan = plan;
  } catch (error) {
    if (number === plans) Object.assign(pod, { plan: null, problem: error.message });
  }
  if (number !== plans) return;
  pod.planning = false;
  changed();
}

/** Another graph was loaded: its plan is made once a view needs it. */
export function graphReplaced() {
  plans++;
  Object.assign(pod, { plan: null, stale: true, planning: false, problem: "", outcome: null });
  changed();
}

export const placeOf = (model) => (model.directory ? `${model.directory}/${model.name}` : model.name);

/** Models to download: those that are missing, and those whose source refuses, which a login may mend. */
export function wantedModels() {
  const can = (model) => model.state === "missing" || (model.state === "unavailable" && model.url);
  return (pod.plan?.models ?? []).filter(can);
}

/** Node packs to install. */
export function wantedNodes() {
  return (pod.plan?.nodes ?? []).filter((node) => node.state === "missing" && node.install);
}

/** The running download of a model file, or the running installation of a node pack; undefined: there is none. */
export function progressOf(name) {
  const job = pod.state?.job;
  return job?.models.find((each) => each.dest === name) ?? job?.nodes.find((each) => each.name === name);
}

/** Whether a job of this page waits or runs. */
export const isBusy = () => pod.mine.size > 0;

/** Ask the pod for these model files and node packs of the plan. */
export async function bring(models, nodes) {
  if (isBusy() || !(models.length || nodes.length)) return;
  pod.mine.add("asked");
  Object.assign(pod, { outcome: null, problem: "" });
  changed();
  try {
    const title = app.extensionManager?.workflow?.activeWorkflow?.filename ?? "workflow";
    const request = () => ask("fetch", {
      plan: pod.plan.id, title, models: models.map(placeOf), nodes: nodes.map((each) => each.install),
    });
    const { id } = await request().catch(async (error) => {
      if (error.status !== 404) throw error;
      await planNow(); // the pod keeps the last plans only
      if (!pod.plan) throw new Error(pod.problem);
      return request();
    });
    pod.mine.add(id);
  } catch (error) {
    pod.problem = error.message;
    toast("error", "Not downloaded", error.message);
  }
  pod.mine.delete("asked");
  poll();
}

/** Keep the progress fresh while a view is open; returns a function that ends it. */
export function watch() {
  pod.watched++;
  poll();
  return () => pod.watched--;
}

/** Ask for the state, and again while there is something to see. */
export async function poll() {
  if (polling) return;
  clearTimeout(timer);
  polling = true;
  try {
    const known = [...pod.mine]; // a job that is asked for meanwhile need not be in this state
    pod.state = await ask("state");
    await noticeEnds(known);
  } catch {
    // The status server restarts, or ComfyUI's page is offline: the next try shows it.
  }
  polling = false;
  changed();
  const isMoving = isBusy() || pod.outcome?.reload === "waiting";
  if (isMoving || pod.watched) timer = setTimeout(poll, isMoving || pod.state?.job ? BUSY_MS : IDLE_MS);
}

async function noticeEnds(known) {
  for (const done of pod.state.done ?? []) {
    if (!pod.mine.delete(done.id)) continue;
    const nodes = done.nodes.filter((each) => each.state === "installed");
    pod.outcome = { ...done, reload: nodes.length ? "waiting" : "" };
    if (done.problems.length) toast("warn", "Not everything was downloaded", done.problems[0]);
    else toast("success", "On this pod now", [...done.models.map((each) => each.dest), ...nodes.map((each) => each.name)]
      .join(", "));
    await refresh();
    void planNow();
  }
  const { waiting, job } = pod.state;
  for (const id of known) {
    if (id !== "asked" && id !== job?.id && !waiting.includes(id)) pod.mine.delete(id); // the pod has started anew
  }
  if (pod.outcome?.reload === "waiting" && pod.state.restarted >= pod.outcome.at) pod.outcome.reload = "now";
}

/** The graph's widgets can choose the new files, without a reload of the page. */
async function refresh() {
  try {
    // Of the frontend from 1.45 on; it also takes the files that are there now out of the list of missing ones.
    if (typeof app.refreshMissingModels === "function") await app.refreshMissingModels({ silent: true });
    else await app.refreshComboInNodes();
  } catch (error) {
    console.warn("podkeeper: cannot refresh the widgets:", error);
  }
}

function toast(severity, summary, detail) {
  app.extensionManager?.toast?.add({ severity, summary, detail, life: severity === "success" ? 6000 : 15000 });
}
