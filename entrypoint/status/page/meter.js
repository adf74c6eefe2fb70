// What the pod costs, whether it is idle, and when it is stopped.

import { byId, clock, duration, now, put, show } from "./text.js";

const PROPOSED_AFTER = 3600; // seconds of idleness after which the page proposes IDLE_STOP
const VERBS = { stop: "is stopped", terminate: "is terminated: its volume disk is deleted", exit: "ends" };
const money = (value) => `$${value.toFixed(2)}`;

function costs(meter) {
  const idle = meter.idle >= 60 ? `, ${duration(meter.idle)} of it idle` : "";
  if (meter.price === null) {
    return `The pod has run for ${duration(meter.run)}${idle}. What it costs is not known: set COST_PER_HOUR.`;
  }
  const wasted = meter.idle >= 60 ? `, ${money(meter.cost_idle)} of it idle` : "";
  const spot = meter.spot ? " (spot)" : "";
  return `${money(meter.price)} an hour${spot}. ${money(meter.cost)} since the start, ${duration(meter.run)} ago${wasted}. ${money(meter.cost_today)} today.`;
}

function state(meter) {
  const left = meter.stop_at === null ? null : Math.max(0, meter.stop_at - now.get());
  const verb = VERBS[meter.action] ?? "is stopped";
  const limit = { idle: "if nothing happens", run: "by MAX_HOURS", cost: "by MAX_COST" }[meter.limit];
  switch (meter.state) {
    case "": return "The meter does not run: podkeeper logs meter says why.";
    case "stopping": return "The pod is being stopped.";
    case "soon": return `This pod ${verb} in ${duration(left)} (at ${clock(meter.stop_at)}), ${limit}.`;
    case "kept": return `Idle, and kept until ${clock(meter.keep_until)}.`;
    case "busy": return `At work: ${meter.why}.${left === null ? "" : ` The pod ${verb} in ${duration(left)}, ${limit}.`}`;
    default: {
      const idle = `Idle for ${duration(now.get() - meter.idle_since)}.`;
      return left === null ? idle : `${idle} The pod ${verb} in ${duration(left)}, ${limit}.`;
    }
  }
}

// Only where nothing stops the pod yet.
function proposal(meter) {
  const idle = meter.idle_since === null ? 0 : now.get() - meter.idle_since;
  if (meter.action || idle < PROPOSED_AFTER) return "";
  const cost = meter.price === null ? "" : ` That has cost ${money((idle / 3600) * meter.price)}.`;
  return `Nothing has happened for ${duration(idle)}.${cost} IDLE_STOP=30m among the pod's variables stops such a pod by itself.`;
}

export class Meter {
  constructor(keep) {
    byId("keep").addEventListener("click", keep);
  }

  update({ meter }) {
    show(byId("meter"), Boolean(meter));
    if (!meter) return;
    put(byId("meter-cost"), costs(meter));
    put(byId("meter-state"), state(meter));
    put(byId("meter-proposal"), proposal(meter));
    byId("meter").dataset.soon = meter.state === "soon" ? "yes" : "";
    show(byId("meter-actions"), meter.limit === "idle" || meter.state === "kept");
  }
}
