// What the parts of an opened module are made of.

const FIRST_ROWS = 25;

/** Splits a list from the number of items that were cut off, to keep the page small. */
function splitRest(list) {
  const last = list[list.length - 1];
  const isCut = last !== null && typeof last === "object" && "rest" in last;
  return isCut ? { items: list.slice(0, -1), rest: last.rest } : { items: list, rest: 0 };
}

/** How long a list was before it was cut. */
function fullLength(list) {
  const { items, rest } = splitRest(list);
  return items.length + rest;
}

/** A part of an opened module, which addresses name by its title without the number. */
function section(title, ...children) {
  const words = title.split(":")[0];
  const name = words.toLowerCase().replaceAll(" ", "-");
  const head = element("div", { class: "head" }, element("h3", {}, title), partLink(name, words));
  return element("section", { "data-part": name }, head, ...children);
}

/** A link to a part of the module that is open. */
function partLink(name, words) {
  return element(
    "a",
    { class: "anchor", href: `#part=${encode(name)}`, "data-to-part": name },
    element("span", { "aria-hidden": "true" }, "#"),
    element("span", { class: "hidden" }, `Link to ${words}`),
  );
}

/** A path or a name as addresses have it. */
function encode(text) {
  return encodeURIComponent(text).replaceAll("%2F", "/");
}

function note(text) {
  return element("p", { class: "empty" }, text);
}

function code(text) {
  return element("code", {}, text);
}

/** A list of sentences. */
function bullets(list) {
  const { items, rest } = splitRest(list);
  return element(
    "ul",
    { class: "bullets" },
    items.map((item) => element("li", {}, item)),
    rest ? element("li", {}, `… and ${formatNumber(rest)} more`) : null,
  );
}

/** Terms and what they are; those without a value are left out. */
function definitions(pairs) {
  return element(
    "dl",
    { class: "facts" },
    pairs
      .filter(([, value]) => value !== "" && value !== null && value !== undefined)
      .map(([term, value]) =>
        element("div", {}, element("dt", {}, term), element("dd", {}, value)),
      ),
  );
}

/**
 * A table of a list, the first rows of it until a button is pressed.
 *
 * Columns are `{title, cell, kind}`; `cell(item)` returns a text or an element. `source` says where
 * to find what was cut off.
 */
function listTable(list, columns, source) {
  const { items, rest } = splitRest(list);
  const body = element("tbody", {});
  const fill = (from, to) => {
    for (const item of items.slice(from, to)) {
      body.append(
        element(
          "tr",
          {},
          columns.map((column) =>
            element(
              "td",
              { class: column.kind || null, "data-title": column.title },
              column.cell(item),
            ),
          ),
        ),
      );
    }
  };
  fill(0, FIRST_ROWS);
  const heads = columns.map((column) =>
    element("th", { scope: "col", class: column.kind || null }, column.title),
  );
  const table = element(
    "div",
    { class: "scroll" },
    element("table", { class: "plain" }, element("thead", {}, element("tr", {}, heads)), body),
  );
  const parts = [table];
  if (items.length > FIRST_ROWS) {
    const button = element("button", { type: "button" }, `Show all ${formatNumber(items.length)}`);
    button.addEventListener("click", () => {
      fill(FIRST_ROWS, items.length);
      button.remove();
    });
    parts.push(element("p", {}, button));
  }
  if (rest) parts.push(note(`${formatNumber(rest)} more are not in this page: ${source} has all.`));
  return parts;
}
