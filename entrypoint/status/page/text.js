// Numbers and times for people, and the DOM functions that every section uses.

export const now = { offset: 0, get: () => Date.now() / 1000 + now.offset };

export function bytes(value, unit = 1000) {
  if (value === null || value === undefined) return "unknown";
  const names = unit === 1024 ? ["B", "KiB", "MiB", "GiB", "TiB"] : ["B", "kB", "MB", "GB", "TB"];
  let step = 0;
  while (value >= unit * 0.9995 && step < names.length - 1) {
    value /= unit;
    step += 1;
  }
  return `${step && value < 100 ? value.toFixed(1) : Math.round(value)} ${names[step]}`;
}

export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return whole < 600 && whole % 60 ? `${Math.floor(whole / 60)} min ${whole % 60} s` : `${Math.floor(whole / 60)} min`;
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  if (hours < 48) return minutes ? `${hours} h ${minutes} min` : `${hours} h`;
  return `${Math.floor(hours / 24)} days ${hours % 24} h`;
}

export function clock(at) {
  const date = new Date(at * 1000);
  const time = date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
  const today = new Date(now.get() * 1000).toDateString() === date.toDateString();
  return today ? time : `${date.toLocaleDateString([], { day: "numeric", month: "short" })} ${time}`;
}

export const count = (number, one, many = `${one}s`) => `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
export const capital = (text) => (/^[a-z][a-z]*[ ,]/.test(text) ? text[0].toUpperCase() + text.slice(1) : text);
export const byId = (id) => document.getElementById(id);

// h("p", {class: "x", onclick: f}, "text", child): an element. No markup is ever parsed.
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

// Change the page only where something differs: this keeps selections and focus and does not disturb screen readers.
export function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function set(element, name, value) {
  if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
}

export function show(element, visible) {
  if (element.hidden === visible) element.hidden = !visible;
}

// What is fine is folded; it opens by itself once something is not, and stays as the user leaves it.
export function fold(details, wrong) {
  if (wrong && !details.dataset.wrong) details.open = true;
  details.dataset.wrong = wrong ? "yes" : "";
}

// One child for each key, made once and updated in place, in the order of `items`.
export function keyed(parent, items, key, make) {
  parent.views ??= new Map();
  const wanted = new Set(items.map(key));
  for (const [name, view] of parent.views) {
    if (!wanted.has(name)) {
      view.element.remove();
      parent.views.delete(name);
    }
  }
  items.forEach((item, index) => {
    const name = key(item);
    if (!parent.views.has(name)) parent.views.set(name, make(item));
    const view = parent.views.get(name);
    if (parent.children[index] !== view.element) parent.insertBefore(view.element, parent.children[index] ?? null);
    view.update(item);
  });
}
