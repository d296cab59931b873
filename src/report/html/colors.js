// Colours of cells. Sizes: viridis, which is even to the eye and to those who are colour-blind, over the logarithm.
// Shares: from the colour of nothing to that of everything. What is not finite has a colour of neither.
const VIRIDIS = ["#440154", "#482475", "#414487", "#355f8d", "#2a788e", "#21918c", "#22a884", "#44bf70", "#7ad151", "#bddf26", "#fde725"];

function theme(name) { return getComputedStyle(document.documentElement).getPropertyValue(name).trim(); }

// 256 colours along the anchors.
function ramp(anchors) {
  const parts = anchors.map((color) => [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16)));
  return Array.from({ length: 256 }, (_, i) => {
    const place = (i / 255) * (parts.length - 1);
    const from = Math.min(Math.floor(place), parts.length - 2);
    const mixed = parts[from].map((a, channel) => Math.round(a + (parts[from + 1][channel] - a) * (place - from)));
    return `rgb(${mixed.join(" ")})`;
  });
}

class Scale {
  // `share`: values are shares; `alarm`: shares of which any is too much.
  constructor(values, { share, alarm }) {
    this.share = share;
    this.alarm = alarm;
    this.colors = ramp(share ? [0, 1, 2, 3].map((i) => theme(`--share-${i}`)) : VIRIDIS);
    this.empty = theme("--cell-empty");
    this.zero = theme("--cell-zero");
    this.nonFinite = theme("--nonfinite");
    this.hasZero = this.hasNonFinite = this.hasEmpty = false;
    this.spread(values);
  }

  // From the 200th part of the values at one end to that at the other, at least a decade.
  spread(values) {
    this.hasEmpty = values.some((value) => value === NOT_MEASURED);
    this.hasZero = values.some((value) => value === 0);
    this.hasNonFinite = values.some(Number.isNaN);
    const sizes = values.filter((value) => value > 0).sort();
    const rest = Math.floor(sizes.length / 200);
    [this.least, this.most] = sizes.length === 0 ? [0, 1] : [sizes[rest], sizes[sizes.length - 1 - rest]].map(Math.log10);
    const missing = 1 - (this.most - this.least);
    if (missing > 0) { this.least -= missing / 2; this.most += missing / 2; }
  }

  color(value) {
    if (value === NOT_MEASURED) return this.empty;
    if (this.alarms(value)) return this.nonFinite;
    if (value === 0 && !this.share) return this.zero;
    const place = this.share ? value : (Math.log10(value) - this.least) / (this.most - this.least);
    return this.colors[Math.round(255 * Math.min(1, Math.max(0, place)))];
  }

  alarms(value) { return Number.isNaN(value) || (this.alarm && value > 0); }

  text(value) {
    if (value === NOT_MEASURED) return "not measured";
    return this.share ? Numbers.percent(value) : Numbers.short(value);
  }

  // What the colours mean, as children of `host`.
  explain(host) {
    const bar = document.createElement("canvas");
    bar.width = 128;
    bar.height = 10;
    const context = bar.getContext("2d");
    for (let i = 0; i < 128; ++i) {
      context.fillStyle = this.colors[2 * i];
      context.fillRect(i, 0, 1, 10);
    }
    const ends = this.share ? ["0 %", "100 %"] : [this.least, this.most].map((decade) => Numbers.short(10 ** decade));
    const scale = document.createElement("span");
    scale.append(ends[0], bar, ends[1]);
    const swatches = [];
    if (this.hasZero && !this.share) swatches.push(swatch(this.zero, "zero"));
    if (this.alarm) swatches.push(swatch(this.colors[0], "none"), swatch(this.nonFinite, "some"));
    if (this.hasNonFinite) swatches.push(swatch(this.nonFinite, "not finite"));
    if (this.hasEmpty) swatches.push(swatch(this.empty, "not measured"));
    host.replaceChildren(...(this.alarm ? [] : [scale]), ...swatches);
  }
}

function swatch(color, name) {
  const square = document.createElement("canvas");
  square.width = square.height = 10;
  const context = square.getContext("2d");
  context.fillStyle = color;
  context.fillRect(0, 0, 10, 10);
  const label = document.createElement("span");
  label.append(square, name);
  return label;
}
