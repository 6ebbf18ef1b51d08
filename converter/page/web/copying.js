// Copies text: what a reader sees is what they get.

/** A text with a button that copies it; `name` says in a few words what it is. */
function copyable(shown, name) {
  shown.setAttribute("data-copied", "");
  return element("div", { class: "copyable copied" }, shown, copyButton(name));
}

function copyButton(name) {
  return element(
    "button",
    { type: "button", class: "copy" },
    "Copy",
    element("span", { class: "hidden" }, ` ${name}`),
  );
}

async function copyFrom(button) {
  const source = button.closest(".copied").querySelector("[data-copied]");
  const isCopied = await writeToClipboard(source);
  say(isCopied ? "Copied." : "It could not be copied; it is selected.");
  if (!isCopied) return;
  button.firstChild.data = "Copied";
  setTimeout(() => {
    button.firstChild.data = "Copy";
  }, 1500);
}

/** A browser may allow that to no file of the disk; then the text is at least selected. */
async function writeToClipboard(source) {
  try {
    await navigator.clipboard.writeText(source.textContent);
    return true;
  } catch {
    getSelection().selectAllChildren(source);
    return document.execCommand("copy");
  }
}

/** Tells users of a screen reader. */
function say(text) {
  byId("said").textContent = text;
}

for (const button of document.querySelectorAll("button.copy")) button.hidden = false;
document.addEventListener("click", (event) => {
  const button = event.target.closest("button.copy");
  if (button) copyFrom(button);
});
