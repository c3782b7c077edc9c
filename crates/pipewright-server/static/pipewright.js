"use strict";
// Every page works without this file; it makes live what would otherwise need a reload. The log's window is in log.js, the
// connection that tabs share in live.js.
const here = document.currentScript.dataset;

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

// Signing in leads back to the line: only the browser knows what stands behind the # of an address.
for (const field of document.querySelectorAll("[data-with-fragment]")) {
  if (location.hash && !field.value.includes("#")) field.value += location.hash;
}

// Moments are told in the reader's own time: in the tip of those that say how long ago they were, and where they stand
// themselves.
const exactly = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });
const briefly = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const daily = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
function localize(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const moment = new Date(time.dateTime);
    if (isNaN(moment)) continue;
    time.title = exactly.format(moment);
    if ("exact" in time.dataset) time.textContent = briefly.format(moment);
    if (/^\d{4}-\d\d-\d\d$/.test(time.textContent)) time.textContent = daily.format(moment);
  }
}

// Live parts: an element with data-live becomes what that address answers, every data-every milliseconds and whenever the
// account has news, while the page is looked at. An answer without data-live is the last one. Only what differs is
// touched, so that focus, scrolling, open menus and half-typed fields stay.
function live(element) {
  setTimeout(async () => {
    if (!element.isConnected) return;
    if (!document.hidden) element = await renewed(element);
    if (element?.dataset.live) live(element);
  }, Number(element.dataset.every) || 3000);
}

// The element as the server draws it now; null once there is none. One request an element at a time.
const asked = new WeakSet();
async function renewed(element) {
  if (asked.has(element)) return element;
  asked.add(element);
  try {
    const next = await fragment(element.dataset.live, element.id);
    if (next === null) return null;
    if (next && next.outerHTML !== element.outerHTML) {
      // A log has listeners and a window of its own: it is put in whole.
      if (next.querySelector("[data-lines]")) {
        element.replaceWith(next);
        element = next;
        boot(element);
      } else morph(element, next);
      if (element.dataset.title) dress(element);
    }
  } catch {
    lost(true);
  } finally {
    asked.delete(element);
  }
  return element;
}

// The tab says what its build is doing.
function dress({ dataset: { title, icon } }) {
  document.title = title;
  const link = document.querySelector("link[rel=icon]");
  if (icon && link.getAttribute("href") !== icon) link.setAttribute("href", icon);
}

// Makes an element like another one. Children with a data-key are told apart by it, others by their place.
function morph(old, next) {
  for (const { name } of [...old.attributes]) if (!next.hasAttribute(name) && !(name === "open" && old.localName === "details")) old.removeAttribute(name);
  for (const { name, value } of next.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  const keyed = new Map([...old.children].filter((child) => child.dataset.key).map((child) => [child.dataset.key, child]));
  let at = old.firstChild;
  for (const wanted of [...next.childNodes]) {
    const key = wanted.dataset?.key;
    const have = key ? keyed.get(key) : at;
    if (!have || have.nodeName !== wanted.nodeName || have.dataset?.key !== key) {
      old.insertBefore(wanted, at);
      continue;
    }
    if (have === at) at = at.nextSibling;
    else old.insertBefore(have, at);
    if (have.nodeType === Node.ELEMENT_NODE) morph(have, wanted);
    else if (have.data !== wanted.data) have.data = wanted.data;
  }
  while (at) {
    const gone = at;
    at = at.nextSibling;
    gone.remove();
  }
}

// The element that an address answers, by its id where the answer is a whole page; nothing while the server has trouble,
// null once there is none.
async function fragment(address, id) {
  const response = await fetch(address, { headers: { "x-fragment": "1" } });
  if (response.status === 401) signedOut();
  if (!response.ok) {
    if (response.status < 500) return null;
    throw new Error(`${response.status}`);
  }
  lost(false);
  const text = await response.text();
  const isWhole = /^\s*<!doctype/i.test(text);
  const holder = isWhole ? new DOMParser().parseFromString(text, "text/html") : Object.assign(document.createElement("template"), { innerHTML: text }).content;
  const element = isWhole ? holder.getElementById(id) : holder.firstElementChild;
  if (element) localize(element);
  return element && document.adoptNode(element);
}

// What is shown may be out of date: said until the server answers again.
let isLost = false;
function lost(now) {
  if (now === isLost) return;
  isLost = now;
  document.getElementById("lost").hidden = !now;
  if (!now) again();
}
function signedOut() {
  const note = document.getElementById("lost");
  note.querySelector("[data-lost]").hidden = true;
  note.querySelector("[data-signed-out]").hidden = false;
  note.hidden = false;
}

// Every live part is drawn anew, soon: news often come in bursts.
let soon = 0;
function again() {
  clearTimeout(soon);
  soon = setTimeout(() => {
    if (!document.hidden) for (const element of document.querySelectorAll("[data-live]")) renewed(element);
  }, 150);
}

// The connection that all tabs share. A tab that is not looked at wants nothing.
const shared = {
  wanted: new Map(),
  send: null,
  want(key, from, hear) {
    this.wanted.set(key, { from, hear });
    this.update();
  },
  unwant(key) {
    if (this.wanted.delete(key)) this.update();
  },
  update() {
    const wants = document.hidden ? [] : [...this.wanted].map(([key, { from }]) => [key, typeof from === "function" ? from() : from]);
    if (this.send || wants.length) (this.send ??= connect())(wants);
  },
  hear(message) {
    if (message.name === "lost") lost(true);
    else if (message.name === "connected") lost(false);
    else this.wanted.get(message.key)?.hear(message);
  },
};
function connect() {
  const hear = (message) => shared.hear(message);
  if (typeof SharedWorker !== "undefined") {
    const worker = new SharedWorker(`${here.worker}?to=${encodeURIComponent(here.stream)}`, "pipewright");
    worker.port.onmessage = ({ data }) => hear(data);
    addEventListener("pagehide", () => worker.port.postMessage("leave"));
    addEventListener("pageshow", (event) => { if (event.persisted) shared.update(); });
    setInterval(() => { if (!document.hidden) shared.update(); }, 30000);
    return (wants) => worker.port.postMessage(wants);
  }
  let hub = null, last = [];
  const script = document.createElement("script");
  script.src = here.worker;
  script.addEventListener("load", () => {
    hub = new Hub(here.stream);
    hub.wants("this", last, hear);
  });
  document.head.append(script);
  return (wants) => {
    last = wants;
    hub?.wants("this", wants, hear);
  };
}
document.addEventListener("visibilitychange", () => {
  shared.update();
  if (!document.hidden) again();
});

// A part that another tab may change, as when Bitbucket's consent ends in a tab of its own: it is read again when this tab
// is looked at again, and when another tab shows the same page. The morph leaves what a person is typing alone.
const fresh = document.querySelector("[data-refresh]");
if (fresh) {
  const anew = async () => {
    try {
      const next = await fragment(location.href, fresh.id);
      if (next) morph(fresh, next);
    } catch { /* The server is away; the next look asks again. */ }
  };
  const tabs = new BroadcastChannel("pages");
  tabs.addEventListener("message", (event) => { if (event.data === location.pathname) anew(); });
  tabs.postMessage(location.pathname);
  addEventListener("focus", anew);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) anew(); });
}

// Parts that follow what is typed: data-follows names the fields of the form, data-from draws the part for their values. A
// part with an id may stand anywhere in the page that data-from answers.
let typed = 0;
document.addEventListener("input", (event) => {
  const form = event.target.form;
  const part = form && (form.querySelector("[data-follows]") ?? document.querySelector(`[data-follows][data-form="${form.id}"]`));
  const names = part?.dataset.follows.split(" ");
  if (!names?.includes(event.target.name)) return;
  const mine = ++typed;
  setTimeout(async () => {
    if (mine !== typed) return;
    const query = new URLSearchParams(names.map((name) => [name, form.elements[name].value]));
    const next = await fragment(`${part.dataset.from}?${query}`, part.id).catch(() => undefined);
    // Whoever typed on meanwhile waits for a newer answer.
    if (next && mine === typed) part.replaceWith(next);
  }, 150);
});

// Keys. "/" jumps, "?" tells the keys; the log has more of its own, in log.js.
const isTyping = () => /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName) || document.activeElement?.isContentEditable;
function onKey(key, act) {
  document.addEventListener("keydown", (event) => {
    if (event.key !== key || event.ctrlKey || event.metaKey || event.altKey || isTyping() || document.querySelector("dialog[open]")) return;
    if (act() !== false) event.preventDefault();
  });
}
const jump = document.getElementById("jump"), keys = document.getElementById("keys");
if (jump) {
  const field = jump.querySelector("input"), found = jump.querySelector("[data-found]");
  const open = () => {
    jump.showModal();
    field.select();
    look();
  };
  let mine = 0;
  const look = async () => {
    const number = ++mine;
    const next = await fragment(`${found.dataset.from}?q=${encodeURIComponent(field.value)}`, found.id).catch(() => undefined);
    if (next && number === mine) found.replaceChildren(...next.childNodes);
    choose(0);
  };
  const links = () => [...found.querySelectorAll("a")];
  const choose = (index) => links().forEach((link, at) => link.toggleAttribute("data-chosen", at === index));
  field.addEventListener("input", look);
  jump.addEventListener("keydown", (event) => {
    const all = links(), at = all.findIndex((link) => link.hasAttribute("data-chosen"));
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (all.length) choose((at + (event.key === "ArrowDown" ? 1 : -1) + all.length) % all.length);
      found.querySelector("[data-chosen]")?.scrollIntoView({ block: "nearest" });
    } else if (event.key === "Enter" && event.target === field && all[at]) {
      event.preventDefault();
      location.assign(all[at].href);
    }
  });
  for (const link of document.querySelectorAll("[data-jump]")) link.addEventListener("click", (event) => {
    event.preventDefault();
    open();
  });
  onKey("/", open);
}
if (keys) onKey("?", () => keys.showModal());
for (const dialog of document.querySelectorAll("dialog")) dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });

// In a drawing that is larger than its card, the step that is looked at is in view.
function center(flow) {
  const step = flow.querySelector(".step[aria-current]");
  if (!step || (flow.scrollWidth <= flow.clientWidth && flow.scrollHeight <= flow.clientHeight)) return;
  const [outer, inner] = [flow.getBoundingClientRect(), step.getBoundingClientRect()];
  flow.scrollLeft += inner.left - outer.left - (outer.width - inner.width) / 2;
  flow.scrollTop += inner.top - outer.top - (outer.height - inner.height) / 2;
}

// The entry of a rail that is wider than a phone is in view.
function showRail() {
  const rail = document.querySelector(".rail"), entry = rail?.querySelector("[aria-current]");
  if (!entry || rail.scrollWidth <= rail.clientWidth) return;
  rail.scrollLeft += entry.getBoundingClientRect().left - rail.getBoundingClientRect().left - (rail.clientWidth - entry.offsetWidth) / 2;
}
addEventListener("resize", showRail, { passive: true });

function boot(root) {
  localize(root);
  for (const flow of root.querySelectorAll(".flow")) center(flow);
  for (const box of root.querySelectorAll(".logs[data-lines]")) viewer(box);
}
document.addEventListener("DOMContentLoaded", () => {
  boot(document);
  showRail();
  const parts = [...document.querySelectorAll("[data-live]")];
  parts.forEach(live);
  if (parts.length && here.account) shared.want(`news:${here.account}`, 0, again);
});

// A page that waits for work of the server looks again until it is done; without scripts it asks the browser to.
if (document.querySelector("[data-awaits]")) setTimeout(() => location.reload(), 1000);
