// A small chart: a line over the last hour with its area filled; `top` is the value at the upper edge.

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 300;
const HEIGHT = 60;

function svg(tag, properties) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(properties)) element.setAttribute(name, value);
  return element;
}

export class Chart {
  constructor() {
    this.element = svg("svg", { class: "chart", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true", focusable: "false" });
    this.area = svg("path", { class: "area" });
    this.line = svg("path", { class: "line", "vector-effect": "non-scaling-stroke" });
    const grid = svg("path", { class: "grid", d: `M0 ${HEIGHT / 2}H${WIDTH}`, "vector-effect": "non-scaling-stroke" });
    this.element.append(grid, this.area, this.line);
  }

  // points: [time, value or null]; a gap longer than `gap` seconds, or a null, breaks the line.
  draw(points, top, from, to, gap = 30) {
    const x = (at) => (((at - from) / (to - from)) * WIDTH).toFixed(1);
    const y = (value) => (HEIGHT - 1.5 - Math.min(1, Math.max(0, value / top)) * (HEIGHT - 3)).toFixed(1);
    let line = "";
    let area = "";
    let last = null;
    const close = () => {
      if (last !== null) area += `L${x(last)} ${HEIGHT}Z`;
      last = null;
    };
    for (const [at, value] of points) {
      if (at < from) continue;
      if (value === null || value === undefined || (last !== null && at - last > gap)) close();
      if (value === null || value === undefined) continue;
      line += `${last === null ? "M" : "L"}${x(at)} ${y(value)}`;
      area += last === null ? `M${x(at)} ${HEIGHT}L${x(at)} ${y(value)}` : `L${x(at)} ${y(value)}`;
      last = at;
    }
    close();
    this.line.setAttribute("d", line);
    this.area.setAttribute("d", area);
  }
}
