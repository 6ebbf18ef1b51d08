// Shows all that is known of a module: its details are unpacked when it is opened.

/** Unpacks the details of a row: see `Module.details` in document.py. */
async function unpackDetails(row) {
  const packed = byId("packed").textContent.slice(row.at, row.at + row.length);
  const bytes = Uint8Array.from(atob(packed), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).json();
}

/** The parts of an opened module; `models` is the address of the tree of SavedModels. */
function moduleParts(details, labels, models) {
  const { record, report } = details;
  return [
    element("p", { class: "gist" }, chip(details.outcome, labels), gistOf(details)),
    details.problems.length ? element("div", { class: "notice" }, bullets(details.problems)) : null,
    details.error ? errorSection(details) : null,
    listLength(details.not_compared) ? notComparedSection(details.not_compared) : null,
    details.folder ? useSection(details, models) : null,
    warningsSection(details),
    record ? signaturesSection(record) : null,
    report ? comparisonSection(report) : null,
    record ? variablesSection(record) : null,
    record && record.dropped.length ? droppedSection(record.dropped) : null,
    record ? contentsSection(record) : null,
    section("The conversion", factsOf(details)),
  ];
}

/** The warnings, but for those that say again what stands above. */
function warningsSection({ warnings, not_compared: open }) {
  const { items, rest } = splitRest(warnings);
  const isSaid = (text) => listLength(open) && text.startsWith("Not compared with the original:");
  const others = items.filter((text) => !isSaid(text));
  return others.length ? section("Warnings", bullets(rest ? [...others, { rest }] : others)) : null;
}

function listLength(list) {
  return list ? fullLength(list) : 0;
}

/** Why the module is not known to be equal, where nothing is known to differ. */
function notComparedSection(list) {
  return section(
    "Why it was not compared in full",
    bullets(mapList(list, (entry) => [entry.text, entry.remedy].filter(Boolean).join(". "))),
  );
}

/** Where the SavedModel is, and how it is used. */
function useSection(details, models) {
  const place = `${models}/${encode(details.folder)}`;
  const links = [
    models ? element("a", { href: `${place}/` }, "Open its folder") : null,
    models && details.card ? element("a", { href: `${place}/${encode(details.card)}` }, "Model card") : null,
  ];
  return section(
    "Use it",
    copyable(element("span", { class: "path" }, details.destination), "the path of the SavedModel"),
    links.some(Boolean) ? element("p", { class: "links" }, links) : null,
    isWhole(details.usage)
      ? copyable(element("pre", { tabindex: "0" }, details.usage.join("\n")), "the lines of Python")
      : null,
  );
}

/** Whether lines of Python are there, and nothing of them was cut to keep the page small. */
function isWhole(lines) {
  return (
    Boolean(lines && lines.length) &&
    lines.every((line) => typeof line === "string" && !line.endsWith("…"))
  );
}

/** The few facts that most users look for. */
function gistOf(details) {
  const sizes = [details.source_bytes, details.destination_bytes].filter(Boolean).map(formatBytes);
  const facts = [
    details.explanation,
    details.attempts ? formatSeconds(details.seconds) : "",
    sizes.join(" → "),
    details.variable_count === null ? "" : plural(details.variable_count, "variable"),
    details.parity ? describeVerdict(details.parity.verdict) : "",
  ];
  return facts.filter(Boolean).join(" · ");
}

function describeVerdict(verdict) {
  if (verdict === "equal") return "proven equal to the original";
  return verdict === "differs" ? "differs from the original" : "not compared in full";
}

function chip(outcome, labels) {
  return element(
    "span",
    { class: "chip" },
    element("span", { class: `dot fill-${outcome}` }),
    labels[outcome],
  );
}

function errorSection(details) {
  const { error } = details;
  return section(
    "Why it was not converted",
    element("p", { class: "message" }, code(error.kind), " ", error.message),
    error.node ? element("p", {}, "At node ", code(error.node)) : null,
    error.remedy
      ? element("p", { class: "remedy" }, element("b", {}, "What to do: "), error.remedy)
      : null,
    error.details
      ? element(
          "details",
          {},
          element("summary", {}, "Details"),
          element("pre", { tabindex: "0" }, error.details),
        )
      : null,
  );
}

function variablesSection(record) {
  const unknown = record.variables_without_size;
  const facts = [
    `${formatNumber(record.trainable_count)} trainable`,
    formatBytes(record.variable_bytes) + (unknown ? ` without ${unknown} of unknown size` : ""),
    record.regularization_losses
      ? plural(record.regularization_losses, "regularization loss", "es")
      : "",
  ];
  const title = `Variables: ${formatNumber(record.variable_count)}`;
  if (!record.variable_count) return section(title);
  return section(
    title,
    element("p", { class: "facts-line" }, facts.filter(Boolean).join(" · ")),
    ...listTable(
      record.variables,
      [
        {
          title: "name",
          cell: (variable) => element("span", { class: "path" }, variable.name),
          kind: "wide",
        },
        { title: "type", cell: formatType, kind: "type" },
        { title: "size", cell: (variable) => formatBytes(variable.bytes), kind: "figure" },
        {
          title: "trainable",
          cell: (variable) => (variable.trainable ? "yes" : "no"),
          kind: "labeled",
        },
      ],
      "conversion.json",
    ),
  );
}

function droppedSection(dropped) {
  return section(
    "Left out",
    ...listTable(
      dropped,
      [
        { title: "what", cell: (item) => item.what },
        { title: "name", cell: (item) => element("span", { class: "path" }, item.name) },
        { title: "why", cell: (item) => item.why, kind: "wide" },
      ],
      "conversion.json",
    ),
  );
}

function contentsSection(record) {
  const variants = mapList(
    record.graph_variants,
    (variant) =>
      `${formatTags(variant.tags)}: ${variant.role}${variant.why ? `, ${variant.why}` : ""}`,
  );
  const tables = mapList(record.tables, (table) => `${table.node} (${table.op})`);
  const attachments = mapList(
    record.attachments,
    (attachment) =>
      `${attachment.key} of ${formatTags(attachment.tags)}, ${formatBytes(attachment.size_bytes)}`,
  );
  const parts = [
    ["Graph variants", variants],
    ["Tables", tables],
    ["Assets", record.assets],
    ["Attachments", attachments],
  ];
  return section(
    "Contents",
    parts
      .filter(([, list]) => list.length)
      .map(([title, list]) => [
        element("h4", {}, `${title}: ${formatNumber(fullLength(list))}`),
        bullets(list),
      ]),
  );
}

const FORMATS = { tf1_hub: "TF1 Hub module", tf1_saved_model: "TF1 SavedModel" };

/** The format of the module, and the archive that held it. */
function describeForm({ format, archive }) {
  const name = FORMATS[format] || format;
  return archive ? `${name} in the archive ${archive}` : name;
}

function factsOf(details) {
  const path = (text) => (text ? element("span", { class: "path" }, text) : "");
  return definitions([
    ["took", details.attempts ? formatSeconds(details.seconds) : ""],
    ["attempts", details.attempts > 1 ? formatNumber(details.attempts) : ""],
    ["began", formatTime(details.started)],
    ["outcome noted", formatTime(details.finished)],
    ["worker", details.worker],
    ["run", details.run],
    ["time limit", details.limit_secs ? formatSeconds(details.limit_secs) : ""],
    ["memory when stopped", details.memory_bytes ? formatBytes(details.memory_bytes) : ""],
    ["form", describeForm(details)],
    ["TF1 module", formatBytes(details.source_bytes)],
    ["SavedModel", formatBytes(details.destination_bytes)],
    ["converter", details.converter],
    ["TensorFlow", details.tensorflow],
    ["source", path(details.source)],
    ["destination", path(details.destination)],
    ["SHA-256 of the source", path(details.source_digest)],
  ]);
}
