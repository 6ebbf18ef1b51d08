// The table of modules: sorted, filtered, and drawn where it is seen.
//
// Ten thousand rows would be slow to lay out. Only those near the window are in the document; each
// stands at its place in a box that is as high as all of them.

const EXTRA_ROWS = 8;
// Even of a table that is out of the window: the keyboard and screen readers have to get to it.
const LEAST_ROWS = 24;
const MOST_PRINTED = 1000;

const COLUMNS = [
  { key: "path", title: "Module", cell: (row) => row.path },
  { key: "outcome", title: "Outcome" },
  { key: "seconds", title: "Time", cell: (row) => formatSeconds(row.seconds), figure: true },
  {
    key: "source_bytes",
    title: "TF1 module",
    cell: (row) => formatBytes(row.source_bytes),
    figure: true,
  },
  {
    key: "destination_bytes",
    title: "SavedModel",
    cell: (row) => formatBytes(row.destination_bytes),
    figure: true,
  },
  {
    key: "variables",
    title: "Variables",
    cell: (row) => formatNumber(row.variables),
    figure: true,
  },
  { key: "worst_rel", title: "Worst error", cell: formatEquality, figure: true },
];

/** How equal a module is to its original. */
function formatEquality(row) {
  if (row.tensors === null) return "";
  // That it was not compared in full is its outcome.
  if (row.verdict !== "equal") return row.verdict === "differs" ? "differs" : "";
  return row.bit_equal === row.tensors ? "bit for bit" : formatError(row.worst_rel);
}

/** The rows that a state shows, in its order. */
function selectRows(rows, state) {
  const words = state.q.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = rows.filter(
    (row) =>
      (!state.outcomes.size || state.outcomes.has(row.outcome)) &&
      (state.cause === null || row.cause === state.cause) &&
      (state.group === null || state.group.causes.includes(row.cause)) &&
      (state.folder === null || row.path.startsWith(`${state.folder}/`)) &&
      words.every((word) => row.words.includes(word)),
  );
  const key = state.sort.replace(/^-/, "");
  const sign = state.sort.startsWith("-") ? -1 : 1;
  const valueOf = key === "worst_rel" ? errorOf : (row) => row[key];
  // What has no value comes last, either way. Rows are in the order of their paths before.
  return shown.sort((one, other) => compareValues(valueOf(one), valueOf(other), sign));
}

function errorOf(row) {
  if (row.worst_rel === null) return null;
  if (row.verdict !== "equal") return row.verdict === "differs" ? Infinity : null;
  return row.bit_equal === row.tensors ? -1 : toNumber(row.worst_rel);
}

function compareValues(one, other, sign) {
  if (one === other) return 0;
  if (one === null) return 1;
  if (other === null) return -1;
  return one < other ? -sign : sign;
}

class ModuleTable {
  /** `hrefOf(row)` is the link that opens a module; `onSort(key)` is told of a pressed head. */
  constructor({ labels, hrefOf, onSort }) {
    this.labels = labels;
    this.hrefOf = hrefOf;
    this.box = byId("rows");
    this.shown = [];
    this.drawn = new Map();
    this.isPrinting = false;
    this.makeHeads(onSort);
    const redraw = () => this.requestDraw();
    addEventListener("scroll", redraw, { passive: true });
    addEventListener("resize", () => this.relayout());
    addEventListener("beforeprint", () => this.print(true));
    addEventListener("afterprint", () => this.print(false));
    this.box.addEventListener("keydown", (event) => this.moveFocus(event));
    this.relayout();
  }

  makeHeads(onSort) {
    this.heads = COLUMNS.map((column) => {
      const button = element("button", { type: "button" }, column.title);
      button.addEventListener("click", () => onSort(column.key));
      return element(
        "div",
        { role: "columnheader", class: column.figure ? "figure" : null },
        button,
      );
    });
    byId("heads").append(
      element("div", { role: "row", class: "row", "aria-rowindex": 1 }, this.heads),
    );
    byId("table").setAttribute("aria-colcount", COLUMNS.length);
  }

  show(rows, sort) {
    this.shown = rows;
    this.clear();
    byId("table").setAttribute("aria-rowcount", rows.length + 1);
    const key = sort.replace(/^-/, "");
    this.heads.forEach((head, place) => {
      const isSorted = COLUMNS[place].key === key;
      const order = sort.startsWith("-") ? "descending" : "ascending";
      head.setAttribute("aria-sort", isSorted ? order : "none");
    });
    this.draw();
  }

  clear() {
    this.drawn.clear();
    this.box.replaceChildren();
  }

  /** The height of a row is the style's; it is another one in a narrow window. */
  relayout() {
    const height = parseFloat(getComputedStyle(this.box).getPropertyValue("--row"));
    if (height !== this.rowHeight) {
      this.rowHeight = height;
      this.clear();
    }
    this.draw();
  }

  requestDraw() {
    if (this.isRequested) return;
    this.isRequested = true;
    requestAnimationFrame(() => {
      this.isRequested = false;
      this.draw();
    });
  }

  draw() {
    this.box.style.height = this.isPrinting ? "auto" : `${this.shown.length * this.rowHeight}px`;
    const { first, end } = this.visibleRange();
    for (const [place, row] of this.drawn) {
      // The row that has the focus stays, or the keyboard would lose its place.
      if ((place < first || place >= end) && !row.contains(document.activeElement)) {
        row.remove();
        this.drawn.delete(place);
      }
    }
    for (let place = first; place < end; place++) {
      if (!this.drawn.has(place)) this.insert(place);
    }
  }

  visibleRange() {
    if (this.isPrinting) return { first: 0, end: Math.min(this.shown.length, MOST_PRINTED) };
    const top = -this.box.getBoundingClientRect().top;
    const within = (place) => Math.max(0, Math.min(this.shown.length, place));
    const above = Math.floor(top / this.rowHeight) - EXTRA_ROWS;
    const below = Math.ceil((top + innerHeight) / this.rowHeight) + EXTRA_ROWS;
    const first = within(Math.min(above, this.shown.length - LEAST_ROWS));
    return { first, end: within(Math.max(below, first + LEAST_ROWS)) };
  }

  /** Adds a row among its neighbors: a screen reader follows the document, not the picture. */
  insert(place) {
    const row = this.makeRow(this.shown[place], place);
    const later = [...this.drawn.keys()].filter((other) => other > place);
    this.box.insertBefore(row, later.length ? this.drawn.get(Math.min(...later)) : null);
    this.drawn.set(place, row);
  }

  makeRow(row, place) {
    const made = element(
      "div",
      { role: "row", class: "row", "aria-rowindex": place + 2, "data-place": place },
      COLUMNS.map((column) => this.makeCell(column, row)),
    );
    made.style.top = `${place * this.rowHeight}px`;
    return made;
  }

  makeCell(column, row) {
    const attributes = { role: "cell", class: `${column.key}${column.figure ? " figure" : ""}` };
    if (column.key === "path") {
      return element(
        "div",
        attributes,
        element("a", { class: "path", href: this.hrefOf(row), title: row.path }, row.path),
      );
    }
    if (column.key === "outcome") {
      const warned = row.warnings ? element("small", {}, plural(row.warnings, "warning")) : null;
      return element("div", attributes, chip(row.outcome, this.labels), warned);
    }
    const text = column.cell(row);
    const isBad = column.key === "worst_rel" && text === "differs";
    return element(
      "div",
      { ...attributes, "data-title": text ? column.title : null },
      isBad ? element("b", { class: "bad" }, text) : text,
    );
  }

  moveFocus(event) {
    const row = event.target.closest("[data-place]");
    const page = Math.max(1, Math.floor(innerHeight / this.rowHeight) - 4);
    const steps = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: page,
      PageUp: -page,
      Home: -Infinity,
      End: Infinity,
    };
    if (!row || !(event.key in steps) || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    this.focus(Number(row.dataset.place) + steps[event.key]);
  }

  /** Brings a row into the window, and gives it the focus. */
  focus(place) {
    const target = Math.max(0, Math.min(this.shown.length - 1, place));
    const top = this.box.getBoundingClientRect().top + target * this.rowHeight;
    const covered = byId("tools").offsetHeight + byId("heads").offsetHeight;
    if (top < covered) scrollBy(0, top - covered);
    else if (top + this.rowHeight > innerHeight)
      scrollBy(0, top + this.rowHeight - innerHeight + 4);
    this.draw();
    this.drawn.get(target)?.querySelector("a").focus({ preventScroll: true });
  }

  /** Brings the row of a module into the window, and gives it the focus; whether it is shown. */
  reveal(path) {
    const place = this.shown.findIndex((row) => row.path === path);
    if (place >= 0) this.focus(place);
    return place >= 0;
  }

  print(isPrinting) {
    this.isPrinting = isPrinting;
    this.clear();
    this.draw();
    const rest = this.shown.length - MOST_PRINTED;
    byId("unprinted").hidden = !isPrinting || rest <= 0;
    byId("unprinted").textContent = `… and ${formatNumber(rest)} more: report.csv has all.`;
  }
}
