// The map of layers by steps, and what hands can do with it.
class LayerMap {
  constructor(data, panel) {
    this.data = data;
    this.panel = panel;
    this.scroll = document.getElementById("scroll");
    this.tip = document.getElementById("tip");
    this.status = document.getElementById("status");
    this.select = document.getElementById("quantity");
    this.view = new MapView(document.getElementById("cells"), data);
    this.cursor = null;
    this.pending = false;
    document.getElementById("map").hidden = false;
    document.getElementById("tall").style.height = `${data.layers.length * this.view.rowHeight + AXIS}px`;
    this.scroll.style.height = `${this.view.height + AXIS}px`;
    for (const quantity of data.quantities) this.select.add(new Option(QUANTITIES[quantity].name, quantity));
    this.addOrigins();
    this.addSearch();
    this.listen();
    this.view.resize(this.scroll.clientWidth);
    const first = data.findings.find((finding) => finding.layer !== null);
    if (first === undefined) this.show(data.quantities[0]);
    else this.showFinding(first, false);
  }

  show(quantity) {
    this.quantity = quantity;
    this.select.value = quantity;
    this.grid = this.data.grid(quantity);
    this.scale = new Scale(this.grid, QUANTITIES[quantity]);
    this.scale.explain(document.getElementById("legend"));
    document.getElementById("about").textContent = QUANTITIES[quantity].about;
    this.draw();
  }

  draw() {
    if (this.pending) return;
    this.pending = true;
    requestAnimationFrame(() => {
      this.pending = false;
      this.view.draw({ grid: this.grid, scale: this.scale, top: this.scroll.scrollTop, cursor: this.cursor });
    });
  }

  // Brings the origin of a finding into view, in the quantity that shows it.
  showFinding(finding, focus) {
    const shown = this.data.packed[finding.quantity].has(finding.layer);
    this.show(shown ? finding.quantity : this.data.quantities[0]);
    this.center(finding.layer);
    if (!focus) return;
    this.moveTo(finding.layer, this.data.columnAt(finding.step));
    this.scroll.focus({ preventScroll: true });
    this.scroll.scrollIntoView({ block: "center" });
  }

  center(row) { this.scroll.scrollTop = (row + 0.5) * this.view.rowHeight - this.view.height / 2; }

  moveTo(row, column) {
    const { rowHeight, height } = this.view;
    this.cursor = { row: Math.min(this.data.layers.length - 1, Math.max(0, row)),
                    column: Math.min(this.data.columns.length - 1, Math.max(0, column)) };
    const y = this.cursor.row * rowHeight;
    if (y < this.scroll.scrollTop) this.scroll.scrollTop = y;
    if (y + rowHeight > this.scroll.scrollTop + height) this.scroll.scrollTop = y + rowHeight - height;
    this.status.textContent = this.words(this.cursor);
    this.draw();
  }

  words({ row, column }) {
    const value = this.grid[row * this.data.columns.length + column];
    return `${this.data.nameOf(row)}, ${this.data.stepName(column)}: ${this.scale.text(value)}`;
  }

  open(row) {
    this.panel.open(row, this.quantity);
    this.panel.section.scrollIntoView({ block: "nearest" });
  }

  addOrigins() {
    const host = document.getElementById("origins");
    for (const finding of this.data.findings) {
      if (finding.layer === null) continue;
      const button = document.createElement("button");
      button.type = "button";
      button.className = `origin ${finding.severity}`;
      button.textContent = `${finding.number} \u00b7 ${this.data.nameOf(finding.layer)} at step ${finding.step}`;
      button.addEventListener("click", () => this.showFinding(finding, true));
      host.append(button);
    }
    for (const button of document.querySelectorAll(".show")) {
      const finding = this.data.findings[Number(button.dataset.finding) - 1];
      button.hidden = finding.layer === null;
      button.addEventListener("click", () => this.showFinding(finding, true));
    }
  }

  addSearch() {
    const input = document.getElementById("find"), names = document.getElementById("layer-names");
    if (this.data.layers.length < 12) {
      document.getElementById("find-field").hidden = true;
      return;
    }
    input.addEventListener("input", () => {
      const wanted = input.value.toLowerCase();
      const found = [];
      for (let row = 0; row < this.data.layers.length && wanted !== "" && found.length < 20; ++row) {
        if (this.data.nameOf(row).toLowerCase().includes(wanted)) found.push(row);
      }
      names.replaceChildren(...found.map((row) => new Option(this.data.nameOf(row))));
      if (found.length === 0) return;
      this.center(found[0]);
      this.moveTo(found[0], this.cursor === null ? 0 : this.cursor.column);
    });
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && this.cursor !== null) this.open(this.cursor.row);
    });
  }

  listen() {
    this.select.addEventListener("change", () => {
      this.show(Number(this.select.value));
      this.panel.redraw(this.quantity);
    });
    this.scroll.addEventListener("scroll", () => { this.tip.hidden = true; this.draw(); }, { passive: true });
    this.scroll.addEventListener("focus", () => { if (this.cursor === null) this.moveTo(0, this.data.columns.length - 1); });
    this.scroll.addEventListener("keydown", (event) => this.key(event));
    const canvas = this.view.canvas;
    canvas.addEventListener("pointermove", (event) => this.hover(event));
    canvas.addEventListener("pointerleave", () => { this.tip.hidden = true; });
    canvas.addEventListener("click", (event) => this.click(event));
    new ResizeObserver(() => this.resized()).observe(this.scroll);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.show(this.quantity));
  }

  resized() {
    if (this.scroll.clientWidth === this.view.width) return;
    this.view.resize(this.scroll.clientWidth);
    this.draw();
  }

  key(event) {
    const at = this.cursor || { row: 0, column: 0 };
    const page = Math.floor(this.view.height / this.view.rowHeight);
    const moves = {
      ArrowUp: [at.row - 1, at.column], ArrowDown: [at.row + 1, at.column],
      ArrowLeft: [at.row, at.column - 1], ArrowRight: [at.row, at.column + 1],
      PageUp: [at.row - page, at.column], PageDown: [at.row + page, at.column],
      Home: [at.row, 0], End: [at.row, this.data.columns.length - 1],
    };
    if (moves[event.key]) this.moveTo(...moves[event.key]);
    else if (event.key === "Enter" || event.key === " ") this.open(at.row);
    else return;
    event.preventDefault();
  }

  hover(event) {
    const cell = this.view.cellAt(event.offsetX, event.offsetY);
    this.tip.hidden = cell === null || event.offsetX > this.view.left + this.view.room;
    if (this.tip.hidden) return;
    const { path, type } = this.data.layers[cell.row];
    const name = document.createElement("b");
    name.textContent = path;
    const value = cell.column === null ? null : this.grid[cell.row * this.data.columns.length + cell.column];
    const rest = value === null ? type : `${this.data.stepName(cell.column)}: ${this.scale.text(value)}`;
    this.tip.replaceChildren(name, rest);
    const left = Math.min(event.offsetX + 14, this.view.width - this.tip.offsetWidth);
    const below = event.offsetY + 18 + this.tip.offsetHeight < this.view.height + AXIS;
    const top = below ? event.offsetY + 18 : event.offsetY - this.tip.offsetHeight - 10;
    this.tip.style.transform = `translate(${Math.max(0, left)}px, ${top}px)`;
  }

  click(event) {
    if (this.view.scrolls && event.offsetX >= this.view.width - STRIP - 4) {
      this.center(Math.floor((event.offsetY / this.view.height) * this.data.layers.length));
      return;
    }
    const cell = this.view.cellAt(event.offsetX, event.offsetY);
    if (cell === null) return;
    this.moveTo(cell.row, cell.column === null ? this.data.columns.length - 1 : cell.column);
    this.open(cell.row);
  }
}
