// Makes elements, and words numbers.
//
// All data of the page were written by others: they become printable text, never markup.

const SVG = "http://www.w3.org/2000/svg";

// The characters of `printable_lines` in printable.py: all but tabs and newlines.
const UNPRINTABLE = new RegExp(
  "(?![\\t\\n])[\\x00-\\x1f\\x7f-\\x9f\\xad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u3164" +
    "\\uffa0\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufe00-\\ufe0f\\ufeff\\ufff0-\\ufffb\\ufffe\\uffff" +
    "\\ud800-\\udfff\\u{1bca0}-\\u{1bca3}\\u{1d173}-\\u{1d17a}\\u{e0000}-\\u{e0fff}]",
  "gu",
);

/** Text with an escape, such as `\u202e`, for each character that a reader would not see. */
function printable(text) {
  return text.replace(UNPRINTABLE, (found) => {
    const code = found.codePointAt(0);
    if (code < 0x100) return `\\x${code.toString(16).padStart(2, "0")}`;
    if (code < 0x10000) return `\\u${code.toString(16).padStart(4, "0")}`;
    return `\\U${code.toString(16).padStart(8, "0")}`;
  });
}

function printableOf(value) {
  return typeof value === "string" ? printable(value) : value;
}

/** An element; an attribute that is null or false is left out. */
function element(tag, attributes, ...children) {
  return furnish(document.createElement(tag), attributes, children);
}

function svgElement(tag, attributes, ...children) {
  return furnish(document.createElementNS(SVG, tag), attributes, children);
}

function furnish(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value !== null && value !== false) {
      made.setAttribute(name, value === true ? "" : printableOf(value));
    }
  }
  const given = children.flat(Infinity).filter((child) => child !== null && child !== undefined);
  made.append(...given.map(printableOf));
  return made;
}

function byId(id) {
  return document.getElementById(id);
}

function formatNumber(count) {
  return count === null || count === undefined ? "" : count.toLocaleString("en-US");
}

function plural(count, noun, ending = "s") {
  return `${formatNumber(count)} ${noun}${count === 1 ? "" : ending}`;
}

function formatBytes(size) {
  if (size === null || size === undefined) return "";
  if (size < 1024) return `${size} bytes`;
  const units = ["KiB", "MiB", "GiB", "TiB", "PiB"];
  let unit = -1;
  do {
    size /= 1024;
    unit += 1;
  } while (size >= 1024 && unit < units.length - 1);
  const digits = size < 9.95 ? 1 : 0;
  return `${size.toLocaleString("en-US", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  })} ${units[unit]}`;
}

function formatSeconds(seconds) {
  if (seconds === null || seconds === undefined) return "";
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 59.5) return `${seconds.toFixed(0)} s`;
  const whole = Math.round(seconds);
  const two = (number) => String(number).padStart(2, "0");
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}:${two(whole % 60)} min`;
  return `${formatNumber(Math.floor(minutes / 60))}:${two(minutes % 60)} h`;
}

function formatTime(seconds) {
  if (!(seconds > 0) || seconds >= 253402300800) return "";
  return `${new Date(seconds * 1000).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

/** A difference; one that JSON cannot hold is a string, such as `inf`. */
function formatError(value) {
  if (value === null || value === undefined) return "";
  const number = toNumber(value);
  if (!Number.isFinite(number)) return Number.isNaN(number) ? "not a number" : "infinite";
  if (number === 0) return "0";
  const isPlain = Math.abs(number) >= 0.01 && Math.abs(number) < 1000;
  return isPlain ? String(Number(number.toPrecision(2))) : number.toExponential(1);
}

function toNumber(value) {
  if (typeof value === "number") return value;
  return { inf: Infinity, "-inf": -Infinity }[value] ?? NaN;
}

/** A count of units in the last place, however large. */
function formatUlps(value) {
  return value < 100000 ? formatNumber(value) : Number(value).toExponential(0);
}

function formatShape(shape) {
  if (shape === null) return "of any rank";
  return `[${shape.map((size) => size ?? "?").join(", ")}]`;
}

/** A type: `float32 [?, 224, 224, 3]`, `sparse int64 [?, ?]`. */
function formatType(value) {
  const kind = value.kind && value.kind !== "dense" ? `${value.kind} ` : "";
  return `${kind}${value.dtype} ${formatShape(value.shape)}`;
}

function formatTags(tags) {
  return `{${tags.join(", ")}}`;
}
