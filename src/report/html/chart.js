// A chart of one number over steps: a line, the range it had within a bin, marks where incidents began.

// A vertical line for each finding, and a cross at the top where the number was not finite.
function marksPlugin({ marks, steps, last }) {
  const draw = (u) => {
    const context = u.ctx, ratio = uPlot.pxRatio, right = u.bbox.left + u.bbox.width;
    context.save();
    context.lineWidth = 1.5 * ratio;
    context.font = `700 ${11 * ratio}px ${theme("--sans")}`;
    context.textBaseline = "top";
    const within = (step) => Math.round(u.valToPos(step, "x", true));
    for (const { step, severity } of marks) {
      const x = within(step);
      if (x < u.bbox.left || x > right) continue;
      context.strokeStyle = context.fillStyle = theme(`--${severity}`);
      context.setLineDash([4 * ratio, 3 * ratio]);
      context.beginPath();
      context.moveTo(x, u.bbox.top);
      context.lineTo(x, u.bbox.top + u.bbox.height);
      context.stroke();
      const text = marks.filter((mark) => mark.step === step).map((mark) => mark.number).join(", ");
      const width = context.measureText(text).width;
      context.fillText(text, x + width + 5 * ratio < right ? x + 5 * ratio : x - width - 5 * ratio, u.bbox.top + 10 * ratio);
    }
    context.setLineDash([]);
    context.strokeStyle = theme("--nonfinite");
    context.beginPath();
    for (let i = 0; i < steps.length; ++i) {
      const x = Number.isNaN(last[i]) ? within(steps[i]) : -1;
      if (x < u.bbox.left || x > right) continue;
      for (const sign of [1, -1]) {
        context.moveTo(x - 3 * ratio, u.bbox.top + (4 - 3 * sign) * ratio);
        context.lineTo(x + 3 * ratio, u.bbox.top + (4 + 3 * sign) * ratio);
      }
    }
    context.stroke();
    context.restore();
  };
  return { hooks: { draw: [draw] } };
}

// The powers of ten between two values, six at most.
function decades(least, most) {
  const from = Math.ceil(Math.log10(least) - 1e-9), to = Math.floor(Math.log10(most) + 1e-9);
  const every = Math.max(1, Math.ceil((to - from + 1) / 6));
  return Array.from({ length: Math.floor((to - from) / every) + 1 }, (_, i) => Number(`1e${from + i * every}`));
}

// As many digits as tell neighbours apart.
function tickTexts(ticks, apart) {
  const most = ticks.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  const digits = Math.max(1, Math.min(15, 1 + Math.floor(Math.log10(most || 1)) - Math.floor(Math.log10(apart))));
  const scientific = most >= 1e5 || apart < 1e-5;
  const text = (tick) => (scientific ? tick.toExponential(digits - 1).replace("e+", "e") : String(Number(tick.toPrecision(digits))));
  return ticks.map((tick) => (Math.abs(tick) < apart / 1e6 ? "0" : text(tick)));
}

class Chart {
  // `line`: {title, steps, last, least, most, marks, text, until} and perhaps {share, log, height, sync}. Numbers are by bin:
  // null was not measured, NaN was not finite. `until` is the last step of the run, `marks` are findings.
  constructor(host, line) {
    this.line = line;
    this.figure = document.createElement("figure");
    this.figure.className = "chart";
    const caption = document.createElement("figcaption");
    this.readout = document.createElement("output");
    caption.append(line.title, this.readout);
    this.figure.append(caption);
    host.append(this.figure);
    const usable = (value) => Number.isFinite(value) && (!line.log || value > 0);
    const rows = [line.last, line.least, line.most].map((row) => Array.from(row, (v) => (usable(v) ? v : null)));
    if (!rows[0].some((value) => value !== null)) {
      const note = document.createElement("p");
      note.textContent = line.last.some((value) => value === 0) ? "Zero on every observed step." : "Not finite on any step.";
      this.figure.append(note);
      return;
    }
    this.summary(rows[0]);
    this.plot = new uPlot(this.options(rows), [line.steps, ...rows], this.figure);
  }

  summary(values) {
    const numbers = values.filter((value) => value !== null);
    const { last, text, title } = this.line;
    this.rest = `last ${text(last[last.length - 1])}`;
    this.readout.textContent = this.rest;
    this.figure.setAttribute("role", "img");
    this.figure.setAttribute("aria-label", `${title}: first ${text(last[0])}, ${this.rest}, least ` +
      `${text(numbers.reduce((a, b) => Math.min(a, b)))}, largest ${text(numbers.reduce((a, b) => Math.max(a, b)))}`);
  }

  options(rows) {
    const { line } = this;
    const color = theme("--accent");
    const axis = { stroke: theme("--muted"), font: `11px ${theme("--sans")}`, grid: { stroke: theme("--line"), width: 1 },
                   ticks: { stroke: theme("--line"), width: 1, size: 4 } };
    const few = rows[0].length <= 60;
    // The whole run, but for a part that was chosen with the pointer.
    const [first, last] = [line.steps[0], line.steps[line.steps.length - 1]];
    const range = (_, from, to) => {
      const whole = first === last || (from === first && to === last);
      return whole ? [0, Math.max(1, line.until)] : [from, to];
    };
    const stepTexts = (_, ticks) => ticks.map((tick) => (tick % 1 === 0 ? Numbers.step(tick) : ""));
    const texts = line.share || line.log ? (_, ticks) => ticks.map((tick) => (tick === null ? "" : line.text(tick)))
                                         : (_, ticks, index, space, apart) => tickTexts(ticks, apart);
    const splits = line.log ? { splits: (_, index, least, most) => decades(least, most), filter: (_, ticks) => ticks } : {};
    return {
      width: this.width, height: line.height || 180, legend: { show: false }, plugins: [marksPlugin(line)],
      scales: { x: { time: false, range }, y: line.log ? { distr: 3 } : line.share ? { range: [0, 1] } : {} },
      cursor: { y: false, points: { size: 6 }, sync: line.sync ? { key: line.sync } : undefined },
      bands: [{ series: [3, 2], fill: `color-mix(in srgb, ${color} 18%, transparent)` }],
      axes: [{ ...axis, size: 28, values: stepTexts }, { ...axis, ...splits, size: 58, values: texts }],
      series: [{}, { stroke: color, width: 1.75, spanGaps: true, points: { show: few, size: 4 } },
               { width: 0, spanGaps: true, points: { show: false } }, { width: 0, spanGaps: true, points: { show: false } }],
      hooks: { setCursor: [(u) => this.read(u.cursor.idx)] },
    };
  }

  read(index) {
    if (index === null || index === undefined) { this.readout.textContent = this.rest; return; }
    const { line } = this;
    this.readout.textContent = `step ${line.steps[index]}: ${line.text(line.last[index])}`;
  }

  get width() { return Math.max(220, Math.floor(this.figure.clientWidth)); }

  resize() {
    if (this.plot && this.plot.width !== this.width) this.plot.setSize({ width: this.width, height: this.plot.height });
  }

  destroy() {
    if (this.plot) this.plot.destroy();
    this.figure.remove();
  }
}

// Sizes that differ by more than a factor of 20 are told apart on a logarithmic axis only.
function wantsLog(values) {
  const positive = values.filter((value) => value > 0);
  if (positive.length === 0 || values.some((value) => value < 0)) return false;
  return positive.reduce((a, b) => Math.max(a, b)) > 20 * positive.reduce((a, b) => Math.min(a, b));
}
