// The state of the page is in its address: what is filtered, how it is sorted, what is open.
//
//   #module=text/nnlm&part=variables
//   #outcome=refused,failed&q=bert&cause=2&group=damaged-on-disk&folder=text&sort=-seconds

const data = JSON.parse(byId("data").textContent);
const rows = data.rows.map(readRow);
const rowOf = new Map(rows.map((row) => [row.path, row]));
const dialog = byId("module");
let state = readState();
// The module that is or was open, and the element that had the focus before.
let opened = null;
let opener = null;

function readRow(values) {
  const row = Object.fromEntries(data.columns.map((name, place) => [name, values[place]]));
  const cause = row.cause === null ? null : data.causes[row.cause];
  const words = [row.path, data.labels[row.outcome], cause && cause.kind, cause && cause.shape];
  row.words = words.filter(Boolean).join("\n").toLowerCase();
  return row;
}

function readState() {
  const parameters = new URLSearchParams(location.hash.slice(1));
  const outcomes = (parameters.get("outcome") || "")
    .split(",")
    .filter((name) => name in data.labels);
  const cause = Number.parseInt(parameters.get("cause"), 10);
  const sort = parameters.get("sort") || "path";
  return {
    module: parameters.get("module"),
    part: parameters.get("part"),
    folder: parameters.get("folder"),
    group: data.groups.find((group) => group.slug === parameters.get("group")) || null,
    outcomes: new Set(outcomes),
    q: parameters.get("q") || "",
    cause: cause in data.causes ? cause : null,
    sort: COLUMNS.some((column) => column.key === sort.replace(/^-/, "")) ? sort : "path",
  };
}

function hashOf({ module, part, outcomes, q, cause, group, folder, sort }) {
  const parts = [
    module === null ? "" : `module=${encode(module)}`,
    module === null || part === null ? "" : `part=${encode(part)}`,
    outcomes.size ? `outcome=${[...outcomes].join(",")}` : "",
    q ? `q=${encode(q)}` : "",
    cause === null ? "" : `cause=${cause}`,
    group === null ? "" : `group=${encode(group.slug)}`,
    folder === null ? "" : `folder=${encode(folder)}`,
    sort === "path" ? "" : `sort=${sort}`,
  ];
  return `#${parts.filter(Boolean).join("&")}`;
}

const table = new ModuleTable({
  labels: data.labels,
  hrefOf: (row) => hashOf({ ...state, module: row.path, part: null }),
  onSort: (key) => change({ sort: state.sort === key ? `-${key}` : key }),
});
const chips = new Map(Object.keys(data.labels).map((name) => [name, makeFilter(name)]));

function makeFilter(name) {
  const count = rows.filter((row) => row.outcome === name).length;
  const button = element(
    "button",
    { type: "button", "data-outcome": name, hidden: !count },
    element("span", { class: `dot fill-${name}` }),
    `${data.labels[name]} `,
    element("b", {}, formatNumber(count)),
  );
  button.addEventListener("click", () => {
    const outcomes = new Set(state.outcomes);
    if (!outcomes.delete(name)) outcomes.add(name);
    change({ outcomes });
  });
  byId("filters").append(button);
  return button;
}

/** Filters or sorts anew; that is no place to go back to. */
function change(changes) {
  state = { ...state, ...changes };
  history.replaceState(history.state, "", hashOf(state));
  showTable();
  if (byId("modules").getBoundingClientRect().top < 0) byId("modules").scrollIntoView();
}

function showTable() {
  const shown = selectRows(rows, state);
  table.show(shown, state.sort);
  byId("shown").textContent =
    shown.length === rows.length
      ? plural(rows.length, "module")
      : `${formatNumber(shown.length)} of ${plural(rows.length, "module")}`;
  byId("nothing").hidden = shown.length > 0;
  if (byId("search").value !== state.q) byId("search").value = state.q;
  for (const [name, button] of chips) button.setAttribute("aria-pressed", state.outcomes.has(name));
  showNarrowing();
}

/** Says to what the table is narrowed by a link, with a button that widens it. */
function showNarrowing() {
  const cause = state.cause === null ? null : data.causes[state.cause];
  const parts = [
    state.folder === null ? null : ["the folder ", code(state.folder)],
    state.group === null ? null : [state.group.title],
    cause === null ? null : [code(cause.kind), ` ${cause.shape}`],
  ].filter(Boolean);
  byId("cause").hidden = !parts.length;
  if (!parts.length) return;
  const button = element("button", { type: "button" }, "Show all causes and folders");
  button.addEventListener("click", () => {
    change({ cause: null, group: null, folder: null });
    byId("search").focus();
  });
  const shown = parts.map((part, place) => [place ? ", " : "", ...part]);
  byId("cause").replaceChildren(element("span", {}, "Only ", shown), " ", button);
}

const EVERYTHING = { outcomes: new Set(), q: "", cause: null, group: null, folder: null };

/** Widens a table that would not have the module which an address names. */
function admitModule() {
  const row = rowOf.get(state.module);
  if (row && !selectRows([row], state).length) state = { ...state, ...EVERYTHING };
}

/** Opens or closes a module, as the state says. */
async function showModule() {
  const path = state.module;
  if (path === null) {
    if (!dialog.open) return;
    dialog.close();
    leaveModule(opened);
    return;
  }
  opened = path;
  byId("module-title").textContent = printable(path);
  byId("details").replaceChildren();
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
  byId("module-title").focus();
  showNeighbors(path);
  const parts = await partsOf(path);
  // Another one may have been opened meanwhile.
  if (state.module !== path) return;
  byId("details").replaceChildren(...parts.flat().filter(Boolean));
  for (const link of byId("details").querySelectorAll("[data-to-part]")) {
    link.href = hashOf({ ...state, part: link.dataset.toPart });
  }
  showPart();
}

/** Opens the part of the module that the address names, and brings it into the window. */
function showPart() {
  if (state.part === null) return;
  const part = byId("details").querySelector(`[data-part="${CSS.escape(state.part)}"]`);
  if (!part) return;
  if (part.tagName === "DETAILS") part.open = true;
  part.setAttribute("tabindex", "-1");
  part.scrollIntoView();
  part.focus({ preventScroll: true });
}

function goToPart(name) {
  state = { ...state, part: name };
  history.replaceState(history.state, "", hashOf(state));
  showPart();
}

async function partsOf(path) {
  if (!rowOf.has(path)) return [note("This report has no module of this name.")];
  if (!("DecompressionStream" in window)) {
    return [note("This browser cannot unpack the details; one of 2023 or later can.")];
  }
  try {
    return moduleParts(await unpackDetails(rowOf.get(path)), data.labels, data.models);
  } catch (error) {
    return [element("p", { class: "notice" }, `The details cannot be shown: ${error}`)];
  }
}

function showNeighbors(path) {
  const place = table.shown.findIndex((row) => row.path === path);
  for (const [id, step] of [
    ["previous", -1],
    ["next", 1],
  ]) {
    const neighbor = place < 0 ? undefined : table.shown[place + step];
    byId(id).disabled = !neighbor;
    byId(id).onclick = () => {
      state = { ...state, module: neighbor.path, part: null };
      history.replaceState(history.state, "", hashOf(state));
      showModule();
    };
  }
}

function openModule(path, part) {
  state = { ...state, module: path, part };
  history.pushState({ isOpened: true }, "", hashOf(state));
  opener = document.activeElement;
  showModule();
}

/** Gives the focus back to the link that opened the module, or to the module's row. */
function leaveModule(path) {
  const isElsewhere = opener && opener.isConnected && !byId("rows").contains(opener);
  if (isElsewhere && opener !== document.body) opener.focus();
  else table.reveal(path);
  opener = null;
}

/** Goes back to where the module was opened, or, where the page began with it, to the table. */
function closeModule() {
  const path = state.module;
  if (path === null) return;
  if (history.state && history.state.isOpened) {
    history.back();
  } else {
    state = { ...state, module: null };
    history.replaceState(null, "", hashOf(state));
    showModule();
  }
}

/** Shows what the address says; one that names a part of the page says nothing. */
function follow() {
  if (location.hash && !location.hash.includes("=")) return;
  const before = hashOf({ ...state, module: null });
  state = readState();
  admitModule();
  const isChanged = before !== hashOf({ ...state, module: null });
  if (isChanged) showTable();
  showModule();
  // Somebody typed an address, or followed a link from elsewhere to this page.
  if (isChanged && state.module === null && !history.state) byId("modules").scrollIntoView();
}

addEventListener("popstate", follow);
document.addEventListener("click", (event) => {
  const link = event.target.closest('a[href^="#"]');
  if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey)
    return;
  const href = link.getAttribute("href");
  if (link.dataset.toPart !== undefined) {
    event.preventDefault();
    goToPart(link.dataset.toPart);
  } else if (href.startsWith("#module=")) {
    event.preventDefault();
    const parameters = new URLSearchParams(href.slice(1));
    openModule(parameters.get("module"), parameters.get("part"));
  } else if (href.includes("=")) {
    event.preventDefault();
    history.pushState(null, "", href);
    follow();
    byId("modules").scrollIntoView();
  }
});
dialog.addEventListener("cancel", (event) => {
  event.preventDefault();
  closeModule();
});
dialog.addEventListener("close", closeModule);
dialog.addEventListener("click", (event) => {
  if (event.target === dialog) closeModule(); // Beside it.
});
byId("close").addEventListener("click", closeModule);
byId("search").addEventListener("input", (event) => change({ q: event.target.value }));
byId("reset").addEventListener("click", () => {
  change(EVERYTHING);
  byId("search").focus();
});

if (byId("durations")) byId("durations").append(durationChart(data.durations));
if (byId("distribution")) byId("distribution").append(errorChart(data.histogram));
admitModule();
showTable();
showModule();
// An address that says what the table shows leads to it.
if (location.hash.includes("=") && state.module === null) byId("modules").scrollIntoView();
