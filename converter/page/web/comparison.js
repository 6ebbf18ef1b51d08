// Shows how equal a module is to its original.

function comparisonSection(report) {
  return section(
    "Compared with the original",
    element(
      "p",
      { class: report.verdict === "differs" ? "verdict bad" : "verdict" },
      { equal: "Equal: ", differs: "Differs: " }[report.verdict] || "Not compared in full: ",
      `${plural(report.tensors, "tensor")} compared, ${formatNumber(report.bit_equal)} of them bit for bit;`,
      report.conditional ? ` ${formatNumber(report.conditional)} more with random ops replaced;` : "",
      report.facts ? ` ${plural(report.facts, "fact")};` : "",
      ` worst relative error ${formatError(report.worst_rel)}, absolute ${formatError(report.worst_abs)}.`,
    ),
    report.histogram ? distributionFigure(report.histogram) : null,
    ...tensorTable(report),
    ...factTable(report),
    ...missingList(report.not_compared),
    report.notes.length ? bullets(report.notes) : null,
  );
}

/** The tensors that were compared. What is cut off a list of both is said once, here. */
function tensorTable({ rows, file }) {
  const { items, rest } = splitRest(rows);
  const tensors = items.filter((row) => !row.is_fact);
  if (!tensors.length && !rest) return [];
  const list = rest ? [...tensors, { rest }] : tensors;
  return listTable(list, comparisonColumns(), `${file} in DST_ROOT`);
}

/** Names, lists and other facts: they are no tensors, and are equal or not. */
function factTable({ rows, file }) {
  const facts = splitRest(rows).items.filter((row) => row.is_fact);
  if (!facts.length) return [];
  return [
    element("h4", {}, "Names, lists and other facts"),
    ...listTable(facts, factColumns(), `${file} in DST_ROOT`),
  ];
}

function factColumns() {
  return [
    { title: "fact", cell: tensorCell, kind: "wide" },
    { title: "verdict", cell: verdictCell, kind: "conclusion" },
  ];
}

/** What TF1 has not either: it leaves nothing open. The rest stands on top of the module. */
function missingList(list) {
  const { items, rest } = splitRest(list);
  const missing = items.filter((entry) => entry.leaves_open === false);
  if (!missing.length) return [];
  const texts = missing.map((entry) => entry.text);
  return [note("Not there to be compared:"), bullets(rest ? [...texts, { rest }] : texts)];
}

function mapList(list, change) {
  const { items, rest } = splitRest(list);
  return rest ? [...items.map(change), { rest }] : items.map(change);
}

function distributionFigure(histogram) {
  return element(
    "figure",
    {},
    errorChart(histogram),
    element(
      "figcaption",
      {},
      "All elements of all tensors, by their distance in units in the last place. ",
      describeHistogram(histogram),
      ".",
    ),
  );
}

function comparisonColumns() {
  return [
    { title: "tensor", cell: tensorCell, kind: "wide" },
    { title: "type", cell: (row) => formatType(row), kind: "type" },
    { title: "distribution", cell: pictureCell, kind: "picture" },
    {
      title: "ULPs",
      cell: (row) => (row.max_ulps === null ? "" : formatUlps(row.max_ulps)),
      kind: "figure",
    },
    { title: "max abs", cell: (row) => formatError(row.max_abs), kind: "figure" },
    { title: "max rel", cell: (row) => formatError(row.max_rel), kind: "figure" },
    { title: "verdict", cell: verdictCell, kind: "conclusion" },
  ];
}

function tensorCell(row) {
  return [
    element("span", { class: "path" }, row.tensor),
    element("small", {}, `${row.case} · ${row.check}`),
    row.passed ? null : element("small", { class: "bad" }, explainDifference(row)),
  ];
}

function explainDifference(row) {
  if (row.problem) return row.problem;
  const where = row.where && row.where.length ? ` at [${row.where.join(", ")}]` : "";
  return `expected ${row.expected}, actual ${row.actual}${where}`;
}

function pictureCell(row) {
  return row.ulps_histogram && row.ulps_histogram.length ? sparkline(row.ulps_histogram, row.passed) : "";
}

function verdictCell(row) {
  if (!row.passed) return element("b", { class: "bad" }, "differs");
  if (row.is_fact) return "holds";
  const verdict = row.bit_equal ? "bit for bit" : "within tolerance";
  return row.conditions.length ? `${verdict}, ${row.conditions.join(", ")}` : verdict;
}
