// Draws bar charts as SVG.

const CHART = { width: 440, height: 132, bottom: 22, top: 14, left: 4, right: 4 };
const SPARK = { width: 100, height: 20, bars: 25 };
const LEAST_BARS = 12;
const CHARACTER_WIDTH = 7;

/** What entry `bit` of a histogram counts: `0`, `1`, `2 to 3`, `4 to 7`, …, `2¹⁰ to 2¹¹`. */
function rangeOf(bit) {
  if (bit < 2) return String(bit);
  return `${powerOfTwo(bit - 1)} to ${bit < 11 ? 2 ** bit - 1 : powerOfTwo(bit)}`;
}

function powerOfTwo(exponent) {
  if (exponent < 10) return String(2 ** exponent);
  return `2${[...String(exponent)].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit]).join("")}`;
}

function compact(count) {
  return count.toLocaleString("en-US", { notation: "compact", maximumSignificantDigits: 3 });
}

/** A histogram of errors in words. */
function describeHistogram(histogram) {
  const total = histogram.reduce((sum, count) => sum + count, 0);
  if (!total) return "No element is finite on both sides.";
  const parts = histogram.map((count, bit) =>
    count ? `${formatNumber(count)} ${bit ? `apart by ${rangeOf(bit)}` : "equal"}` : null,
  );
  return `${plural(total, "element")}: ${parts.filter(Boolean).join(", ")}`;
}

/** A small picture of a histogram of errors; pictures of one table have the same scale. */
function sparkline(histogram, passed) {
  const bars = histogram.slice(0, SPARK.bars - 1);
  bars.push(histogram.slice(SPARK.bars - 1).reduce((sum, count) => sum + count, 0));
  const total = histogram.reduce((sum, count) => sum + count, 0);
  const step = SPARK.width / SPARK.bars;
  const path = (from, to) => {
    let drawn = "";
    for (let bar = from; bar < to; bar++) {
      const height = heightOf(bars[bar] || 0, total, SPARK.height - 1);
      if (height)
        drawn += `M${bar * step + 0.5} ${SPARK.height - 1}v${-height}h${step - 1}v${height}z`;
    }
    return drawn;
  };
  return svgElement(
    "svg",
    {
      class: `spark${passed ? "" : " bad"}`,
      viewBox: `0 0 ${SPARK.width} ${SPARK.height}`,
      role: "img",
      "aria-label": describeHistogram(histogram),
    },
    svgElement("title", {}, describeHistogram(histogram)),
    svgElement("path", { class: "axis", d: `M0 ${SPARK.height - 0.5}h${SPARK.width}` }),
    svgElement("path", { class: "equal", d: path(0, 1) }),
    svgElement("path", { class: "apart", d: path(1, SPARK.bars) }),
  );
}

/** A logarithmic height: one element of a million can be seen. */
function heightOf(count, total, height) {
  if (!count) return 0;
  return Math.max(2, Math.round((height * Math.log1p(count)) / Math.log1p(total)));
}

/** A large picture of a histogram of errors. */
function errorChart(histogram) {
  const total = histogram.reduce((sum, count) => sum + count, 0);
  const bars = Array.from({ length: Math.max(LEAST_BARS, histogram.length) }, (_, bit) => ({
    label: bit ? powerOfTwo(bit - 1) : "0",
    count: histogram[bit] || 0,
    height: (space) => heightOf(histogram[bit] || 0, total, space),
    title: `${formatNumber(histogram[bit] || 0)} elements: ${bit ? `${rangeOf(bit)} apart` : "equal"}`,
    kind: bit ? "apart" : "equal",
  }));
  return barChart(bars, describeHistogram(histogram));
}

/** A picture of how long modules took. */
function durationChart(ranges) {
  const most = Math.max(...ranges.map((range) => range.count));
  const bars = ranges.map((range) => ({
    label: range.label,
    count: range.count,
    height: (space) => (range.count ? Math.max(2, (space * range.count) / most) : 0),
    title: `${plural(range.count, "module")}: ${describeRange(range)}`,
    kind: "time",
  }));
  return barChart(bars, bars.map((bar) => bar.title).join(", "));
}

function describeRange(range) {
  if (range.to === null) return `longer than ${formatSeconds(range.from)}`;
  return `up to ${formatSeconds(range.to)}`;
}

function barChart(bars, label) {
  const { width, height, bottom, top, left, right } = CHART;
  const step = Math.min(64, (width - left - right) / bars.length);
  const longest = Math.max(...bars.map((bar) => bar.label.length));
  const every = Math.ceil(((longest + 1) * CHARACTER_WIDTH) / step);
  const drawn = bars.map((bar, place) => {
    const size = bar.height(height - bottom - top);
    const x = left + place * step;
    const middle = x + step / 2;
    return svgElement(
      "g",
      {},
      svgElement("title", {}, bar.title),
      svgElement("rect", {
        class: bar.kind,
        x: x + 1,
        y: height - bottom - size,
        width: step - 2,
        height: size,
        rx: 1.5,
      }),
      bar.count && step > 30
        ? svgElement(
            "text",
            { class: "value", x: middle, y: height - bottom - size - 4 },
            compact(bar.count),
          )
        : null,
      place % every === 0
        ? svgElement("text", { x: middle, y: height - bottom + 15 }, bar.label)
        : null,
    );
  });
  const axis = svgElement("path", { class: "axis", d: `M0 ${height - bottom + 0.5}h${width}` });
  return svgElement(
    "svg",
    { class: "chart", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label },
    axis,
    ...drawn,
  );
}
