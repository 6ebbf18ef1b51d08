// Shows all that is known of a module: its details are unpacked when it is opened.

// Of a module with more signatures only that of the module itself is open.
const MOST_OPEN_CARDS = 2;

/** Unpacks the details of a row: see `Module.details` in document.py. */
async function unpackDetails(row) {
  const packed = byId("packed").textContent.slice(row.at, row.at + row.length);
  const bytes = Uint8Array.from(atob(packed), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).json();
}

/** The parts of an opened module. */
function moduleParts(details, labels) {
  const { record, report } = details;
  return [
    element("p", { class: "gist" }, chip(details.outcome, labels), gistOf(details)),
    details.problems.length ? element("div", { class: "notice" }, bullets(details.problems)) : null,
    details.error ? errorSection(details) : null,
    details.warnings.length ? section("Warnings", bullets(details.warnings)) : null,
    record ? signaturesSection(record) : null,
    report ? comparisonSection(report) : null,
    record ? variablesSection(record) : null,
    record && record.dropped.length ? droppedSection(record.dropped) : null,
    record ? contentsSection(record) : null,
    section("The conversion", factsOf(details)),
  ];
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
  if (verdict === "equal") return "equal to the original";
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

function signaturesSection(record) {
  const { items, rest } = splitRest(record.callables);
  return section(
    `Signatures: ${formatNumber(fullLength(record.callables))}`,
    items.map((part) => signatureCard(part, record.root, items.length <= MOST_OPEN_CARDS)),
    rest ? note(`${formatNumber(rest)} more are not in this page: conversion.json has all.`) : null,
  );
}

function signatureCard(part, root, isOpen) {
  const values = [
    ...sideRows("in", part.inputs),
    ...sideRows("optional", part.hparams),
    ...sideRows("out", part.outputs),
  ];
  const rest = [part.inputs, part.hparams, part.outputs].reduce(
    (sum, list) => sum + splitRest(list).rest,
    0,
  );
  const facts = [
    part.tags.length ? `graph variant ${formatTags(part.tags)}` : "",
    trainingOf(part),
    plural(part.variables, "variable"),
    part.update_ops ? plural(part.update_ops, "update op") : "",
    part.return_endpoints ? "all outputs with return_endpoints=True" : "",
  ];
  const isRoot = part.name === root;
  return element(
    "details",
    { class: "card", open: isOpen || isRoot },
    element(
      "summary",
      {},
      code(callOf(part)),
      isRoot ? element("span", { class: "tag" }, "also obj(…)") : null,
    ),
    part.name === part.signature ? null : element("p", {}, "TF1 signature ", code(part.signature)),
    element("p", { class: "facts-line" }, facts.filter(Boolean).join(" · ")),
    ...listTable(
      rest ? [...values, { rest }] : values,
      [
        { title: "", cell: (value) => value.side, kind: "side" },
        {
          title: "name",
          cell: (value) => element("span", { class: "path" }, value.name),
          kind: "wide",
        },
        { title: "type", cell: formatType, kind: "type" },
      ],
      "conversion.json",
    ),
  );
}

function trainingOf(part) {
  if (part.always_trains) return "every call is a training call";
  return part.training_tags ? `trains as ${formatTags(part.training_tags)}` : "no training mode";
}

function sideRows(side, list) {
  return splitRest(list).items.map((value) => ({ ...value, side }));
}

/** How a callable is called: `obj.tokens({input_ids, input_mask}, training=False)`. */
function callOf(part) {
  const names = splitRest(part.inputs).items.map((value) => value.name);
  const inputs = fullLength(part.inputs) > 1 ? [`{${names.join(", ")}}`] : names;
  if (part.training_tags) inputs.push("training=False");
  return `obj.${part.name}(${inputs.join(", ")})`;
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
