// Numbers as text, the same in every locale.
const Numbers = {
  // Two significant digits: what the codes of layers' series hold.
  short(value) {
    if (value === null || value === undefined) return "not measured";
    if (Number.isNaN(value)) return "not finite";
    if (value === 0) return "0";
    const size = Math.abs(value);
    if (size >= 0.001 && size < 10000) return String(Number(value.toPrecision(size < 1 ? 2 : 3)));
    return value.toExponential(1).replace("e+", "e").replace(".0e", "e");
  },
  percent(value) {
    if (value === null || value === undefined || Number.isNaN(value)) return Numbers.short(value);
    if (value > 0 && value < 0.01) return "under 1 %";
    return `${Math.round(100 * value)} %`;
  },
  step(value) {
    return value < 1e6 ? String(Math.round(value)) : Numbers.short(value);
  },
};
