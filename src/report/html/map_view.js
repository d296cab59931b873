// Draws the map: a row for each layer, a column for each bin of steps, an axis below. Only the rows in view are drawn; a
// strip at the right shows all of them when they do not fit.
const AXIS = 26, STRIP = 12, MOST_HEIGHT = 520;

class MapView {
  constructor(canvas, data) {
    this.canvas = canvas;
    this.data = data;
    this.context = canvas.getContext("2d");
    const rows = data.layers.length;
    this.rowHeight = rows <= 10 ? 30 : rows <= 24 ? 22 : 17;
    this.height = Math.min(rows * this.rowHeight, Math.max(240, Math.min(MOST_HEIGHT, innerHeight * 0.62)));
    this.scrolls = rows * this.rowHeight > this.height;
    this.originOf = new Map();  // row to its first finding
    for (const finding of data.findings) {
      if (finding.layer !== null && !this.originOf.has(finding.layer)) this.originOf.set(finding.layer, finding);
    }
  }

  resize(width) {
    const ratio = devicePixelRatio || 1;
    this.width = width;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round((this.height + AXIS) * ratio);
    Object.assign(this.canvas.style, { width: `${width}px`, height: `${this.height + AXIS}px` });
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.context.font = this.font(400);
    const longest = this.data.layers.slice(0, 2000)
      .reduce((most, layer) => Math.max(most, this.context.measureText(layer.path).width), 40);
    this.left = Math.round(Math.min(longest + 34, width * (width < 500 ? 0.4 : 0.28)));
    const room = width - this.left - (this.scrolls ? STRIP + 8 : 2);
    this.columns = Math.max(1, Math.min(this.data.columns.length, Math.floor(room)));  // drawn, some may hold several
    this.room = Math.min(room, this.columns * 44);
  }

  font(weight) { return `${weight} ${this.rowHeight > 20 ? 13 : 12}px ${theme("--mono")}`; }

  // Drawn columns hold the columns of the data evenly.
  firstOf(drawn) { return Math.floor((drawn * this.data.columns.length) / this.columns); }
  drawnOf(column) { return Math.floor(((column + 0.5) * this.columns) / this.data.columns.length); }
  xOf(drawn) { return this.left + Math.round((drawn * this.room) / this.columns); }
  yOf(row) { return row * this.rowHeight - this.top; }

  // What is not finite is shown whatever else there is.
  valueAt(grid, row, drawn) {
    let value = NOT_MEASURED;
    const begin = row * this.data.columns.length;
    for (let column = this.firstOf(drawn); column < this.firstOf(drawn + 1); ++column) {
      const here = grid[begin + column];
      if (Number.isNaN(here)) return here;
      if (here !== NOT_MEASURED) value = here;
    }
    return value;
  }

  // The cell at a place of the canvas, or null. A place beside the cells has column null.
  cellAt(x, y) {
    const row = Math.floor((y + this.top) / this.rowHeight);
    if (y < 0 || y >= this.height || row < 0 || row >= this.data.layers.length) return null;
    const drawn = Math.floor(((x - this.left) * this.columns) / this.room);
    const inside = drawn >= 0 && drawn < this.columns;
    return { row, column: inside ? this.firstOf(drawn + 1) - 1 : null };
  }

  draw({ grid, scale, top, cursor }) {
    const { context } = this;
    this.top = top;
    context.clearRect(0, 0, this.width, this.height + AXIS);
    context.save();
    context.beginPath();
    context.rect(0, 0, this.width, this.height);
    context.clip();
    const first = Math.floor(top / this.rowHeight);
    const last = Math.min(this.data.layers.length, Math.ceil((top + this.height) / this.rowHeight));
    for (let row = first; row < last; ++row) this.drawRow(row, grid, scale);
    for (let row = first; row < last; ++row) if (this.originOf.has(row)) this.drawOrigin(row, this.originOf.get(row));
    if (cursor !== null) this.framed(cursor.row, this.drawnOf(cursor.column), theme("--text"), 2);
    context.restore();
    this.drawAxis();
    if (this.scrolls) this.drawStrip(grid, scale);
  }

  drawRow(row, grid, scale) {
    const { context } = this;
    const y = this.yOf(row);
    const origin = this.originOf.get(row);
    if (origin !== undefined) {
      context.fillStyle = theme(`--${origin.severity}-tint`);
      context.fillRect(0, y, this.left - 4, this.rowHeight - 1);
      context.fillStyle = theme(`--${origin.severity}`);
      context.fillRect(0, y, 4, this.rowHeight - 1);
    }
    context.fillStyle = theme(origin === undefined ? "--muted" : `--${origin.severity}`);
    context.font = this.font(origin === undefined ? 400 : 700);
    context.textBaseline = "middle";
    context.fillText(this.shortened(this.data.nameOf(row), this.left - 18), 10, y + this.rowHeight / 2);
    // Neighbours of one colour are one rectangle.
    for (let begin = 0, end = 0; begin < this.columns; begin = end) {
      const value = this.valueAt(grid, row, begin);
      const color = scale.color(value);
      for (end = begin + 1; end < this.columns && scale.color(this.valueAt(grid, row, end)) === color; ++end);
      context.fillStyle = color;
      context.fillRect(this.xOf(begin), y, this.xOf(end) - this.xOf(begin), this.rowHeight - 1);
      if (scale.alarms(value)) for (let drawn = begin; drawn < end; ++drawn) this.cross(drawn, y);
    }
  }

  // For those who cannot tell the colour.
  cross(drawn, y) {
    const x = this.xOf(drawn), width = this.xOf(drawn + 1) - x, size = Math.min(width, this.rowHeight) * 0.22;
    if (width < 7) return;
    const { context } = this;
    const middle = [x + width / 2, y + (this.rowHeight - 1) / 2];
    context.strokeStyle = theme("--on-nonfinite");
    context.lineWidth = 1.5;
    context.beginPath();
    for (const sign of [1, -1]) {
      context.moveTo(middle[0] - size, middle[1] - sign * size);
      context.lineTo(middle[0] + size, middle[1] + sign * size);
    }
    context.stroke();
  }

  // A frame around a cell, set off from whatever colour lies below it.
  framed(row, drawn, color, width) {
    const { context } = this;
    const x = this.xOf(drawn);
    for (const [stroke, thick] of [[theme("--surface"), 2 * width], [color, width]]) {
      context.strokeStyle = stroke;
      context.lineWidth = thick;
      context.strokeRect(x - 1, this.yOf(row) - 1, Math.max(4, this.xOf(drawn + 1) - x) + 2, this.rowHeight + 1);
    }
  }

  // Where an incident began: its row framed, its cell marked, and said in words beside it.
  drawOrigin(row, finding) {
    const { context } = this;
    const color = theme(`--${finding.severity}`);
    const drawn = this.drawnOf(this.data.columnAt(finding.step));
    const y = this.yOf(row), middle = y + (this.rowHeight - 1) / 2;
    context.strokeStyle = color;
    context.lineWidth = 1.5;
    context.strokeRect(0.75, y - 0.5, this.left + this.room - 0.75, this.rowHeight);
    this.framed(row, drawn, color, 3);
    const text = `${finding.number} \u00b7 step ${finding.step}`;
    context.font = `700 11px ${theme("--sans")}`;
    const width = context.measureText(text).width + 14, height = Math.min(19, this.rowHeight - 1);
    const right = this.xOf(drawn + 1) + 6;
    const x = right + width < this.left + this.room ? right : Math.max(this.left, this.xOf(drawn) - 6 - width);
    context.fillStyle = color;
    context.beginPath();
    context.roundRect(x, middle - height / 2, width, height, height / 2);
    context.fill();
    context.strokeStyle = theme("--surface");
    context.lineWidth = 1;
    context.stroke();
    context.fillStyle = theme("--surface");
    context.fillText(text, x + 7, middle + 0.5);
  }

  drawAxis() {
    const { context } = this;
    context.font = `11px ${theme("--sans")}`;
    context.textBaseline = "top";
    context.fillStyle = theme("--muted");
    context.fillText("step", this.left - 6 - context.measureText("step").width, this.height + 8);
    let free = this.left;
    for (let drawn = 0; drawn < this.columns; ++drawn) {
      const text = Numbers.step(this.data.stepOf(this.firstOf(drawn)));
      const x = this.xOf(drawn), width = context.measureText(text).width;
      if (x < free || x + width > this.left + this.room) continue;
      context.fillRect(x, this.height + 2, 1, 4);
      context.fillText(text, x, this.height + 8);
      free = x + width + 28;
    }
  }

  // All rows at once; a line holds a group of layers and shows the largest of their last values.
  drawStrip(grid, scale) {
    const { context } = this;
    const x = this.width - STRIP, rows = this.data.layers.length, lines = Math.floor(this.height);
    context.fillStyle = theme("--cell-empty");
    context.fillRect(x, 0, STRIP, this.height);
    for (let line = 0; line < lines; ++line) {
      const begin = Math.floor((line * rows) / lines), end = Math.max(begin + 1, Math.floor(((line + 1) * rows) / lines));
      let value = NOT_MEASURED;
      for (let row = begin; row < end && !Number.isNaN(value); ++row) {
        value = Math.max(value, this.valueAt(grid, row, this.columns - 1));
      }
      context.fillStyle = scale.color(value);
      context.fillRect(x + 2, line, STRIP - 4, 1);
    }
    for (const [row, finding] of this.originOf) {
      context.fillStyle = theme(`--${finding.severity}`);
      context.fillRect(x - 4, Math.round((row * this.height) / rows) - 2, STRIP + 4, 4);
    }
    context.strokeStyle = theme("--text");
    context.lineWidth = 1.5;
    const whole = rows * this.rowHeight;
    context.strokeRect(x + 0.75, (this.top * this.height) / whole + 0.75, STRIP - 1.5,
                       Math.max(6, (this.height * this.height) / whole) - 1.5);
  }

  // The end of a path tells more than its beginning.
  shortened(text, room) {
    const { context } = this;
    if (context.measureText(text).width <= room) return text;
    let begin = 0, end = text.length;
    while (begin < end) {
      const middle = (begin + end) >> 1;
      if (context.measureText(`\u2026${text.slice(middle)}`).width <= room) end = middle;
      else begin = middle + 1;
    }
    return `\u2026${text.slice(begin)}`;
  }
}
