// Shows the signatures of a module, each as a call in Python.

// Of a module with more signatures only that of the module itself is open.
const MOST_OPEN_CARDS = 2;

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
    { class: "card", open: isOpen || isRoot, "data-part": `call-${part.name}` },
    element(
      "summary",
      {},
      code(callOf(part)),
      isRoot ? element("span", { class: "tag" }, "also obj(…)") : null,
    ),
    part.name === part.signature ? null : element("p", {}, "TF1 signature ", code(part.signature)),
    element(
      "p",
      { class: "facts-line" },
      facts.filter(Boolean).join(" · "),
      " ",
      partLink(`call-${part.name}`, `the signature ${part.name}`),
    ),
    ...listTable(
      rest ? [...values, { rest }] : values,
      [
        { title: "direction", cell: (value) => value.side, kind: "side" },
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

/** How a callable is called: `obj.tokens({"input_ids": …, "input_mask": …}, training=False)`. */
function callOf(part) {
  const { items, rest } = splitRest(part.inputs);
  const named = items.map((value) => `${JSON.stringify(value.name)}: …`);
  if (rest) named.push("…");
  const single = items.map((value) => value.name);
  const inputs = fullLength(part.inputs) > 1 ? [`{${named.join(", ")}}`] : single;
  if (part.training_tags) inputs.push("training=False");
  return `obj.${part.name}(${inputs.join(", ")})`;
}
