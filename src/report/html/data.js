// The run as the page's JSON tells it; how numbers are coded is written in src/report/html_series.h.
const ZERO = 0, FIRST_CODE = 1, LAST_CODE = 65534, NON_FINITE = 65535;
const NOT_MEASURED = -1;  // in grids, whose other values are sizes and shares, or NaN

// In the order of sonde::Quantity.
const QUANTITIES = [
  { name: "Gradient of the weights", about: "Root mean square of the gradient of each layer's largest parameter." },
  { name: "Gradient at the output", about: "Root mean square of the gradient that arrives at each layer's output. It flows from the bottom, where the loss is, to the top." },
  { name: "Update ratio", about: "Size of the optimizer's update over the size of the weights. About 0.001 is usual; above 0.1 the weights are thrown about." },
  { name: "Dead units", about: "Share of units that have been zero on all recent observed steps.", share: true },
  { name: "Saturation", about: "Share of outputs in the flat tails of a saturating activation.", share: true },
  { name: "Not finite", about: "Share of NaN and infinite values in the output of a layer and of what follows it.", share: true, alarm: true },
  { name: "Output size", about: "Root mean square of each layer's output." },
  { name: "Weight size", about: "Root mean square of each layer's largest parameter." },
];

function codesOf(text) {
  const bytes = atob(text);
  const codes = new Uint16Array(bytes.length / 2);
  for (let i = 0; i < codes.length; ++i) codes[i] = bytes.charCodeAt(2 * i) | (bytes.charCodeAt(2 * i + 1) << 8);
  return codes;
}

// `least` and `most` are decimal logarithms.
function valuesOf(text, least, most) {
  return Float32Array.from(codesOf(text), (code) => {
    if (code === NON_FINITE) return NaN;
    return code === ZERO ? 0 : 10 ** (least + ((code - FIRST_CODE) * (most - least)) / (LAST_CODE - FIRST_CODE));
  });
}

const NOT_FINITE = 5, OUTPUT_SIZE = 6;  // in QUANTITIES

class RunData {
  constructor(json) {
    this.steps = json.steps;
    this.stepsPerBin = json.stepsPerBin;
    this.layers = json.layers.map(([path, type, source]) => ({ path, type, source }));
    this.losses = json.losses;
    this.learningRate = json.learningRate;
    this.findings = json.findings;
    this.patterns = json.patterns.map(codesOf);
    this.packed = QUANTITIES.map(() => new Map());  // layer to what is coded of it
    for (const [layer, quantity, pattern, least, most, ...coded] of json.series) {
      this.packed[quantity].set(layer, { pattern, least, most, coded });
    }
    this.columns = this.columnsOf(json.columns);
    this.grids = new Map();
  }

  // The bins that the map shows: those with an observed step, and those in which an incident began.
  columnsOf(observed) {
    const bins = new Set(observed);
    for (const finding of this.findings) bins.add(Math.floor(finding.step / this.stepsPerBin));
    if (observed.length === 0) for (const pattern of this.patterns) pattern.forEach((bin) => bins.add(bin));
    return [...bins].sort((a, b) => a - b);
  }

  get quantities() { return QUANTITIES.map((_, i) => i).filter((i) => this.packed[i].size > 0); }

  // The series of a layer, or null: bins, and the last, least and largest value in each.
  series(layer, quantity) {
    const packed = this.packed[quantity].get(layer);
    if (packed === undefined) return null;
    const [last, least, most] = packed.coded.map((text) => valuesOf(text, packed.least, packed.most));
    const series = { bins: this.patterns[packed.pattern], last, least: least || last, most: most || last };
    return quantity === NOT_FINITE ? this.withZeros(series, this.packed[OUTPUT_SIZE].get(layer)) : series;
  }

  // What is not finite is kept from the first such value on; before, there was none.
  withZeros(series, measured) {
    const before = measured === undefined ? [] : this.patterns[measured.pattern].filter((bin) => bin < series.bins[0]);
    const joined = (values) => [...before].fill(0).concat(...values);
    return { bins: [...before, ...series.bins], last: joined(series.last), least: joined(series.least), most: joined(series.most) };
  }

  // The values of all layers, a row each, a column for each of `columns`.
  grid(quantity) {
    if (!this.grids.has(quantity)) this.grids.set(quantity, this.makeGrid(quantity));
    return this.grids.get(quantity);
  }

  makeGrid(quantity) {
    const width = this.columns.length;
    const grid = new Float32Array(width * this.layers.length).fill(quantity === NOT_FINITE ? 0 : NOT_MEASURED);
    const column = new Map(this.columns.map((bin, i) => [bin, i]));
    for (const layer of this.packed[quantity].keys()) {
      const { bins, last } = this.series(layer, quantity);
      bins.forEach((bin, i) => {
        const at = column.get(bin);
        if (at !== undefined) grid[layer * width + at] = last[i];
        else if (Number.isNaN(last[i])) grid[layer * width + this.columnAt(bin * this.stepsPerBin)] = NaN;
      });
    }
    return grid;
  }

  // The first column that holds `step` or lies after it, else the last.
  columnAt(step) {
    const bin = Math.floor(step / this.stepsPerBin);
    const found = this.columns.findIndex((one) => one >= bin);
    return found < 0 ? Math.max(0, this.columns.length - 1) : found;
  }

  stepOf(column) { return this.columns[column] * this.stepsPerBin; }

  stepName(column) {
    const from = this.stepOf(column);
    return this.stepsPerBin === 1 ? `step ${from}` : `steps ${from} to ${from + this.stepsPerBin - 1}`;
  }

  nameOf(layer) { return this.layers[layer].path; }
}
