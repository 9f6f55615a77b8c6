// Fills the clipboard by a button. Without this script the buttons are not there,
// and what they copy can be marked.
for (const button of document.querySelectorAll("button[data-copy]")) {
  const from = document.getElementById(button.dataset.copy);
  const name = button.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    let done = true;
    try {
      await navigator.clipboard.writeText(from.textContent);
    } catch {
      // Not on https or localhost: mark it, and ask in the old way.
      getSelection().selectAllChildren(from);
      done = document.execCommand("copy");
    }
    button.textContent = done ? "Copied" : "Marked: copy it";
    setTimeout(() => { button.textContent = name; }, 2000);
  });
}
