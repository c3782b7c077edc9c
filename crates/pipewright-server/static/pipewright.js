"use strict";
// Every page works without this file; it makes live what would otherwise need a reload.

// Copy buttons: data-copy holds the text, or the id of the element that holds it.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  event.preventDefault();
  const from = document.getElementById(button.dataset.copy);
  const text = from ? from.value ?? from.textContent.trim() : button.dataset.copy;
  const label = button.dataset.label ?? (button.dataset.label = button.textContent);
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    // Without HTTPS browsers give no clipboard; selecting the text is the next best thing.
    if (from) getSelection().selectAllChildren(from);
    button.textContent = "Press Ctrl+C";
  }
  setTimeout(() => { button.textContent = label; }, 2000);
});

// Menus close when something else is clicked, or with Escape.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// Forms that ask first.
document.addEventListener("submit", (event) => {
  const question = event.submitter?.dataset.confirm ?? event.target.dataset.confirm;
  if (question && !confirm(question)) event.preventDefault();
});

// Live parts: an element with data-live is replaced by what that address answers, every data-every milliseconds, while
// the page is looked at. An answer without data-live is the last one.
function live(element) {
  setTimeout(async () => {
    if (!element.isConnected) return;
    if (document.hidden) return live(element);
    try {
      const response = await fetch(element.dataset.live, { headers: { "x-fragment": "1" } });
      if (response.ok) {
        const fresh = document.createElement("template");
        fresh.innerHTML = await response.text();
        const next = fresh.content.firstElementChild;
        if (!next) return;
        if (next.outerHTML !== element.outerHTML && !element.contains(document.activeElement)) {
          element.replaceWith(next);
          element = next;
        }
      } else if (response.status < 500) return;
    } catch { /* The server is away; it is asked again. */ }
    if (element.dataset.live) live(element);
  }, Number(element.dataset.every) || 3000);
}
for (const element of document.querySelectorAll("[data-live]")) live(element);
