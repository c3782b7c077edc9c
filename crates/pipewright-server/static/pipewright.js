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

// Signing in leads back to the line: only the browser knows what stands behind the # of an address.
for (const field of document.querySelectorAll("[data-with-fragment]")) {
  if (location.hash && !field.value.includes("#")) field.value += location.hash;
}

// Live parts: an element with data-live becomes what that address answers, every data-every milliseconds, while the page
// is looked at. An answer without data-live is the last one. Only what differs is touched, so that focus, scrolling, open
// menus and half-typed fields stay.
function live(element) {
  setTimeout(async () => {
    if (!element.isConnected) return;
    if (document.hidden) return live(element);
    try {
      const next = await fragment(element.dataset.live);
      if (next === null) return;
      if (next && next.outerHTML !== element.outerHTML) {
        // A log has listeners and a window of its own: it is put in whole.
        if (next.querySelector("[data-lines]")) {
          element.replaceWith(next);
          element = next;
          boot(element);
        } else morph(element, next);
      }
    } catch { /* The server is away; it is asked again. */ }
    if (element.dataset.live) live(element);
  }, Number(element.dataset.every) || 3000);
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

// The element that an address answers; nothing while the server has trouble, null once there is none.
async function fragment(address) {
  const response = await fetch(address, { headers: { "x-fragment": "1" } });
  if (!response.ok) return response.status < 500 ? null : undefined;
  const holder = document.createElement("template");
  holder.innerHTML = await response.text();
  return holder.content.firstElementChild;
}

// The log: of however many lines, only those around the view are in the page. Lines come with the page, from the live
// tail, and in chunks when they are scrolled to.
function viewer(box) {
  const CHUNK = 200, AROUND = 80, KEPT = 20000;
  const list = box.querySelector("ol"), button = box.querySelector("[data-follow]");
  const here = box.dataset.here, lines = new Map(), asked = new Set();
  let total = Number(box.dataset.total), hit = Number(box.dataset.hit) || 0, from = 0, to = 0, follow = false, planned = false;
  for (const item of list.children) lines.set(Number(item.id.slice(1)) - 1, item.lastElementChild.outerHTML);
  for (const link of box.querySelectorAll(".more")) link.remove();
  const row = list.firstElementChild?.getBoundingClientRect().height || 20;
  const top = () => list.getBoundingClientRect().top + 8;

  const item = (n) => `<li id="L${n + 1}"${n + 1 === hit ? ' class="hit"' : ""}><a href="${here}&amp;line=${n + 1}#L${n + 1}">${n + 1}</a>${lines.get(n) ?? "<span> </span>"}</li>`;
  const items = (a, b) => { let html = ""; for (let n = a; n < b; n++) html += item(n); return html; };

  function draw(changed = []) {
    planned = false;
    const first = Math.floor(-top() / row), seen = Math.ceil(innerHeight / row);
    const a = Math.max(0, Math.min(first - AROUND, total - seen)), b = Math.min(total, Math.max(first, 0) + seen + AROUND);
    if (a >= to || b <= from) list.innerHTML = items(a, b);
    else {
      for (let n = from; n < Math.min(a, to); n++) list.firstElementChild.remove();
      for (let n = to; n > Math.max(b, from); n--) list.lastElementChild.remove();
      if (a < from) list.insertAdjacentHTML("afterbegin", items(a, from));
      if (b > to) list.insertAdjacentHTML("beforeend", items(to, b));
    }
    const old = [from, to];
    [from, to] = [a, b];
    for (const n of changed) if (n >= Math.max(a, old[0]) && n < Math.min(b, old[1])) list.children[n - a].outerHTML = item(n);
    list.style.paddingTop = `${8 + a * row}px`;
    list.style.paddingBottom = `${8 + (total - b) * row}px`;
    for (let chunk = Math.floor(a / CHUNK); chunk * CHUNK < b; chunk++) {
      for (let n = Math.max(a, chunk * CHUNK); n < Math.min(b, (chunk + 1) * CHUNK); n++) {
        if (!lines.has(n)) { load(chunk); break; }
      }
    }
    if (lines.size > KEPT) for (const n of lines.keys()) if (n < a - CHUNK || n > b + CHUNK) lines.delete(n);
  }
  const plan = () => { if (!planned) { planned = true; requestAnimationFrame(() => { if (list.isConnected) draw(); }); } };

  async function load(chunk) {
    if (asked.has(chunk)) return;
    asked.add(chunk);
    try {
      const response = await fetch(`${box.dataset.lines}?from=${chunk * CHUNK}&count=${CHUNK}`);
      if (response.ok) take(await response.json());
    } catch { /* Asked again when it is next in view. */ }
    asked.delete(chunk);
  }

  function take(part) {
    const changed = [];
    part.lines.forEach(([html, command], index) => {
      lines.set(part.first + index, `<span${command ? ' class="cmd"' : ""}>${html}</span>`);
      changed.push(part.first + index);
    });
    total = Math.max(total, part.total);
    draw(changed);
    if (follow) bottom();
  }

  const bottom = () => scrollTo(0, top() + scrollY + total * row - innerHeight + 80);
  function setFollow(on) {
    follow = on;
    button.setAttribute("aria-pressed", on);
    if (on) bottom();
  }
  function show(n) {
    scrollTo(0, top() + scrollY + (n - 1) * row - innerHeight / 3);
    draw();
  }
  function mark(n) {
    const before = hit;
    hit = n;
    draw([before - 1, n - 1]);
  }

  addEventListener("scroll", plan, { passive: true });
  addEventListener("resize", plan, { passive: true });
  // Whoever scrolls up wants to read, not to follow.
  addEventListener("wheel", (event) => { if (follow && event.deltaY < 0) setFollow(false); }, { passive: true });
  addEventListener("touchmove", () => { if (follow) setFollow(false); }, { passive: true });
  addEventListener("keydown", (event) => { if (follow && ["ArrowUp", "PageUp", "Home"].includes(event.key)) setFollow(false); });
  button.addEventListener("click", () => setFollow(!follow));
  list.addEventListener("click", (event) => {
    const link = event.target.closest("li > a");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    history.replaceState(null, "", link.href);
    setFollow(false);
    mark(Number(link.textContent));
  });
  function anchor() {
    const found = /^#L(\d+)$/.exec(location.hash);
    if (!found || !list.isConnected) return;
    setFollow(false);
    mark(Math.min(Number(found[1]), total));
    show(hit);
  }
  addEventListener("hashchange", anchor);
  draw();
  if (hit) show(hit);
  anchor();

  if (!box.dataset.tail) return;
  button.hidden = false;
  if (!hit) setFollow(true);
  // The newest line may have grown since the page was made, so it is asked for again.
  const source = new EventSource(`${box.dataset.tail}?from=${Math.max(0, total - 1)}`);
  source.addEventListener("lines", (event) => {
    if (!box.isConnected) return source.close();
    take(JSON.parse(event.data));
  });
  source.addEventListener("end", () => {
    source.close();
    button.hidden = true;
    if (box.dataset.next) setTimeout(() => renew(box), 400);
  });
}

// A step has ended: if the visitor chose none, the one that runs now is shown.
async function renew(box) {
  const part = box.closest("#log");
  if (!part?.isConnected) return;
  const next = await fragment(box.dataset.next).catch(() => undefined);
  if (!next) return;
  part.replaceWith(next);
  boot(next);
  if (next.dataset.live) live(next);
}

// A part that another tab may change, as when Bitbucket's consent ends in a tab of its own: it is read again when this tab
// is looked at again, and when another tab shows the same page. The morph leaves what a person is typing alone.
const fresh = document.querySelector("[data-refresh]");
if (fresh) {
  const again = async () => {
    try {
      const response = await fetch(location.href);
      if (!response.ok) return;
      const next = new DOMParser().parseFromString(await response.text(), "text/html").getElementById(fresh.id);
      if (next) morph(fresh, next);
    } catch { /* The server is away; the next look asks again. */ }
  };
  const tabs = new BroadcastChannel("pages");
  tabs.addEventListener("message", (event) => { if (event.data === location.pathname) again(); });
  tabs.postMessage(location.pathname);
  addEventListener("focus", again);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) again(); });
}

// Parts that follow what is typed: data-follows names the fields of the form, data-from draws the part for their values.
let typed = 0;
document.addEventListener("input", (event) => {
  const form = event.target.form, names = form?.querySelector("[data-follows]")?.dataset.follows.split(" ");
  if (!names?.includes(event.target.name)) return;
  const mine = ++typed;
  setTimeout(async () => {
    if (mine !== typed) return;
    const part = form.querySelector("[data-follows]");
    const query = new URLSearchParams(names.map((name) => [name, form.elements[name].value]));
    const next = await fragment(`${part.dataset.from}?${query}`).catch(() => undefined);
    // Whoever typed on meanwhile waits for a newer answer.
    if (next && mine === typed) part.replaceWith(next);
  }, 150);
});

// "/" leads to the search.
document.addEventListener("keydown", (event) => {
  const field = document.querySelector("[role=search] input:not([type=hidden])");
  if (event.key !== "/" || !field || event.ctrlKey || event.metaKey || /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName)) return;
  event.preventDefault();
  field.focus();
});

// In a drawing that is larger than its card, the step that is looked at is in view.
function center(flow) {
  const step = flow.querySelector(".step[aria-current]");
  if (!step || (flow.scrollWidth <= flow.clientWidth && flow.scrollHeight <= flow.clientHeight)) return;
  const [outer, inner] = [flow.getBoundingClientRect(), step.getBoundingClientRect()];
  flow.scrollLeft += inner.left - outer.left - (outer.width - inner.width) / 2;
  flow.scrollTop += inner.top - outer.top - (outer.height - inner.height) / 2;
}

function boot(root) {
  for (const flow of root.querySelectorAll(".flow")) center(flow);
  for (const box of root.querySelectorAll(".logs[data-lines]")) viewer(box);
}
boot(document);
for (const element of document.querySelectorAll("[data-live]")) live(element);
