// The series of one layer: a chart for each quantity that was measured of it.
class SeriesPanel {
  constructor(data) {
    this.data = data;
    this.section = document.getElementById("series");
    this.title = document.getElementById("series-title");
    this.host = document.getElementById("charts");
    this.charts = [];
    this.layer = null;
    document.getElementById("close").addEventListener("click", () => this.close());
  }

  open(layer, first) {
    this.clear();
    this.layer = layer;
    this.section.hidden = false;
    const { path, type, source } = this.data.layers[layer];
    const name = document.createElement("code");
    name.textContent = path;
    const rest = document.createElement("small");
    rest.textContent = [type, source].filter((text) => text !== "").map((text) => ` \u00b7 ${text}`).join("");
    this.title.replaceChildren(name, rest);
    const order = this.data.quantities.filter((quantity) => this.data.packed[quantity].has(layer));
    order.sort((a, b) => (b === first) - (a === first) || a - b);
    for (const quantity of order) this.charts.push(this.chart(layer, quantity));
  }

  chart(layer, quantity) {
    const { name, share } = QUANTITIES[quantity];
    const { bins, last, least, most } = this.data.series(layer, quantity);
    const marks = this.data.findings.filter((finding) => finding.layer === layer);
    return new Chart(this.host, {
      title: name, marks, share, sync: "series", steps: Array.from(bins, (bin) => bin * this.data.stepsPerBin), last, least,
      most, log: !share && wantsLog(Array.from(last)), until: this.data.steps - 1, text: share ? Numbers.percent : Numbers.short,
    });
  }

  clear() {
    for (const chart of this.charts) chart.destroy();
    this.charts = [];
  }

  close() {
    if (this.layer === null) return;
    this.clear();
    this.layer = null;
    this.section.hidden = true;
    document.getElementById("scroll").focus({ preventScroll: true });
  }

  redraw(first) { if (this.layer !== null) this.open(this.layer, first); }

  resize() { for (const chart of this.charts) chart.resize(); }
}
