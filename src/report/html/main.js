// Puts the page together from the data in it.
function lossCharts(data) {
  const host = document.getElementById("loss-charts");
  const charts = [];
  const add = (curve, title, height) => {
    const { steps, last, min, max, bad } = curve;
    const log = wantsLog(last);
    for (const index of bad) last[index] = NaN;
    charts.push(new Chart(host, { title, steps, last, least: min || last, most: max || last, marks: data.findings, height,
                                  log, until: data.steps - 1, text: Numbers.short }));
  };
  for (const loss of data.losses) add(loss, loss.name, 240);
  const rate = data.learningRate;
  if (rate.last.some((value) => value !== rate.last[0])) add(rate, "learning rate", 130);
  return charts;
}

function start() {
  const data = new RunData(JSON.parse(document.getElementById("data").textContent));
  const panel = new SeriesPanel(data);
  if (data.layers.length > 0 && data.columns.length > 0 && data.quantities.length > 0) {
    const map = new LayerMap(data, panel);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => panel.redraw(map.quantity));
  }
  let losses = [];
  const drawLosses = () => {
    for (const chart of losses) chart.destroy();
    document.getElementById("loss").hidden = data.losses.length === 0;
    losses = data.losses.length === 0 ? [] : lossCharts(data);
  };
  drawLosses();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawLosses);
  addEventListener("keydown", (event) => { if (event.key === "Escape") panel.close(); });
  addEventListener("resize", () => { panel.resize(); for (const chart of losses) chart.resize(); });
}

start();
