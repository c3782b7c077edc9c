"use strict";
// The log: of however many lines, only those around the view are in the page. Lines come with the page, from the live tail,
// and in chunks when they are scrolled to. Places in the list are counted in rows, which are the lines that no fold hides.
//
// Browsers cap how high an element may be, so a long log's list is lower than its content: where it is scrolled far, the place
// is taken as a share of the whole; where it is scrolled a little, rows move by their own height, and what drifts apart by
// that is put right by moving list and view together, which nobody sees.
const HIGHEST = 6e6, CHUNK = 200, AROUND = 80, KEPT = 20000, DRIFT = 20000, ROOM = 30000;

function viewer(box) {
  const outer = box.querySelector(".lines"), list = outer.querySelector("ol"), button = box.querySelector("[data-follow]");
  const self = box.dataset.here, lines = new Map(), asked = new Set(), folds = new Set(), shut = new Set();
  let total = Number(box.dataset.total), hit = Number(box.dataset.hit) || 0, follow = false, planned = false;
  let from = 0, to = 0, top = 0, row = 20, height = 0, last = { edge: 0, first: 0 };
  let commands = [], times = [], matches = null, ended = !box.dataset.tail;

  for (const item of list.children) lines.set(Number(item.id.slice(1)) - 1, { html: item.lastElementChild.innerHTML, command: item.classList.contains("c"), given: true });
  for (const link of box.querySelectorAll(".more")) link.remove();
  row = list.firstElementChild?.getBoundingClientRect().height || 20;
  box.classList.add("windowed");

  // Rows and lines. Folds are few, so they are walked.
  const hidden = () => commands.filter(({ line }) => shut.has(line)).map(({ line, end }) => [line + 1, Math.max(line + 1, end ?? total)]);
  let gaps = [];
  const rows = () => total - gaps.reduce((sum, [a, b]) => sum + b - a, 0);
  const lineOf = (at) => {
    for (const [a, b] of gaps) if (at >= a) at += b - a;
    return at;
  };
  const rowOf = (line) => {
    let at = line;
    for (const [a, b] of gaps) {
      if (line >= b) at -= b - a;
      else if (line >= a) return at - (line - a) - 1;
    }
    return at;
  };

  // When a line came: the newest moment noted at or before it.
  function timeOf(line) {
    let low = 0, high = times.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (times[middle][0] <= line) low = middle + 1;
      else high = middle;
    }
    return times[low - 1]?.[1];
  }
  function note(more) {
    if (!more?.length) return;
    const known = new Map(times);
    for (const [line, micros] of more) known.set(line, micros);
    times = [...known].sort(([a], [b]) => a - b);
  }
  const clock = (micros) => {
    const at = new Date(micros / 1000), two = (number) => String(number).padStart(2, "0");
    return `<time title="${at.toLocaleString()}">${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, "0")}</time>`;
  };
  const lasted = (micros) => {
    const seconds = micros / 1e6;
    if (seconds < 1) return `${Math.round(micros / 1000)} ms`;
    if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
    const minutes = Math.floor(seconds / 60);
    return minutes < 60 ? `${minutes} m ${String(Math.floor(seconds % 60)).padStart(2, "0")} s` : `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} m`;
  };

  function item(at) {
    const n = lineOf(at), line = lines.get(n), number = n + 1, command = line?.command && commands.find((one) => one.line === n);
    const time = timeOf(n), kinds = [line?.command && "c", number === hit && "hit", matches?.set.has(n) && "match"].filter(Boolean).join(" ");
    let more = "";
    if (command) {
      const count = (command.end ?? total) - n - 1, isShut = shut.has(n), begun = command.start ?? timeOf(n), over = command.stop;
      const told = [isShut && `${count} line${count === 1 ? "" : "s"}`, begun && over && lasted(Math.max(0, over - begun))].filter(Boolean).join(" · ");
      more = `${count > 0 ? `<button type="button" class="fold" tabindex="-1" data-fold="${n}" aria-expanded="${!isShut}" aria-label="${isShut ? "Unfold" : "Fold"} this command"></button>` : ""}<span class="took">${told}</span>`;
    }
    return `<li id="L${number}"${kinds ? ` class="${kinds}"` : ""}><a href="${self}&amp;line=${number}#L${number}" tabindex="-1" aria-label="Line ${number}">${number}</a>${time ? clock(time) : "<time></time>"}<span${line?.command ? ' class="cmd"' : ""}>${line?.html || " "}</span>${more}</li>`;
  }
  const items = (a, b) => { let html = ""; for (let at = a; at < b; at++) html += item(at); return html; };

  // Where the top of the window is in the list, in pixels; negative while the page above it is seen.
  const above = () => -outer.getBoundingClientRect().top;
  const seen = () => Math.ceil(innerHeight / row);
  const share = (at) => {
    const count = rows();
    return count * row <= HIGHEST ? at * row : at / count * height;
  };
  function stretch() {
    height = Math.min(rows() * row, HIGHEST);
    if (to >= rows() && list.firstElementChild) height = top + list.offsetHeight;
    outer.style.height = `${height + 16}px`;
  }
  const put = () => { list.style.top = `${top + 8}px`; };

  // The row that is first in view: of those that are drawn, by their place.
  function firstInView() {
    const wanted = above() - top - 8, children = list.children;
    let low = 0, high = children.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (children[middle].offsetTop + children[middle].offsetHeight <= wanted) low = middle + 1;
      else high = middle;
    }
    return from + low;
  }

  // Draws the rows around one, with that one so many pixels below the top of the window.
  function place(at, below) {
    const count = rows();
    at = Math.max(0, Math.min(at, count - 1));
    from = Math.max(0, at - AROUND);
    to = Math.min(count, at + seen() + AROUND);
    list.innerHTML = items(from, to);
    const child = list.children[at - from];
    top = from === 0 ? 0 : above() + below - 8 - child.offsetTop;
    put();
    stretch();
    settle();
    const off = child ? top + 8 + child.offsetTop - above() - below : 0;
    if (from === 0 && Math.abs(off) > 1) scrollBy(0, off);
  }

  // Moves list and view together to where the list should stand: at its share of the whole, but never so near an end that
  // the rows beyond it could not be scrolled to.
  function settle() {
    const count = rows(), own = list.offsetHeight, isWhole = count * row <= HIGHEST && !box.classList.contains("wrapped");
    const over = Math.min(from * row, ROOM), under = Math.min((count - to) * row, ROOM);
    const right = isWhole ? from * row : Math.max(over, Math.min(share(from), height - own - under));
    const shift = right - top;
    const isOff = isWhole || from === 0 || Math.abs(shift) > DRIFT || top < 0 || (to < count && top + own + 200 > height);
    if (!isOff || Math.abs(shift) < 0.5) return;
    top = right;
    put();
    stretch();
    scrollBy(0, shift);
  }

  function draw(changed = []) {
    planned = false;
    if (!list.isConnected) return;
    const count = rows(), edge = above();
    height = Math.min(count * row, HIGHEST);
    if (!count) return;
    const bottom = top + list.offsetHeight;
    if (!list.firstElementChild || from >= count || edge > bottom + 8 || edge + innerHeight < top) {
      if (edge + innerHeight < 0 && from === 0 && list.firstElementChild) return;
      const whole = count * row <= HIGHEST, moved = edge - last.edge;
      // A few windows further, faster than they could be drawn, is still a little: rows move by their own height.
      const at = !whole && Math.abs(moved) < 20 * innerHeight ? last.first + Math.round(moved / row) : whole ? Math.floor(Math.max(0, edge) / row) : Math.round(Math.min(1, Math.max(0, edge) / Math.max(1, height - innerHeight)) * (count - seen()));
      place(at, whole ? at * row + 8 - edge : Math.max(0, -edge) + 8);
    } else {
      const first = firstInView(), a = Math.max(0, first - AROUND), b = Math.min(count, first + seen() + AROUND);
      const old = [from, to];
      // What is added or taken above the view moves nothing that is seen.
      const before = list.offsetHeight;
      for (; from < Math.min(a, to); from++) list.firstElementChild.remove();
      if (a < from) {
        list.insertAdjacentHTML("afterbegin", items(a, from));
        from = a;
      }
      top -= list.offsetHeight - before;
      if (from === 0 && Math.abs(top) < 0.5) top = 0;
      for (; to > Math.max(b, from); to--) list.lastElementChild.remove();
      if (b > to) {
        list.insertAdjacentHTML("beforeend", items(to, b));
        to = b;
      }
      for (const n of changed) {
        const at = rowOf(n);
        if (lineOf(at) === n && at >= Math.max(from, old[0]) && at < Math.min(to, old[1])) list.children[at - from].outerHTML = item(at);
      }
      put();
      stretch();
      settle();
    }
    last = { edge: above(), first: firstInView() };
    fetchSeen();
  }
  function fetchSeen() {
    for (let at = from; at < to; at++) {
      const n = lineOf(at);
      // Lines that came with the page have no times.
      if (!lines.has(n) || (lines.get(n).given && box.classList.contains("timed"))) load(Math.floor(n / CHUNK));
    }
    if (lines.size > KEPT) {
      const [a, b] = [lineOf(from) - CHUNK, lineOf(to) + CHUNK];
      for (const n of lines.keys()) if (n < a || n > b) lines.delete(n);
    }
  }
  const plan = () => { if (!planned) { planned = true; requestAnimationFrame(() => draw()); } };
  const redraw = () => {
    const first = firstInView(), below = list.children[first - from] ? top + 8 + list.children[first - from].offsetTop - above() : 0;
    const n = lineOf(first);
    gaps = hidden();
    place(rowOf(n), below);
    fetchSeen();
  };

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
    note(part.times);
    part.lines.forEach(([html, command], index) => {
      const n = part.first + index;
      lines.set(n, { html, command });
      changed.push(n);
      if (command && n > (commands.at(-1)?.line ?? -1)) {
        const last = commands.at(-1), start = timeOf(n);
        if (last) Object.assign(last, { end: n, stop: start });
        commands.push({ line: n, start });
        if (last) changed.push(last.line);
      }
    });
    total = Math.max(total, part.total);
    gaps = hidden();
    draw(changed);
    if (follow) bottom();
  }

  function bottom() {
    for (let turn = 0; turn < 3; turn++) {
      scrollTo(0, outer.getBoundingClientRect().top + scrollY + outer.offsetHeight - innerHeight + 64);
      draw();
    }
  }
  function setFollow(on) {
    follow = on;
    button.setAttribute("aria-pressed", on);
    if (on) bottom();
  }
  function show(n) {
    for (const { line, end } of commands) if (shut.has(line) && n - 1 > line && n - 1 < (end ?? total)) shut.delete(line);
    gaps = hidden();
    const at = rowOf(n - 1), third = Math.round(innerHeight / 3);
    scrollTo(0, outer.getBoundingClientRect().top + scrollY + share(at) - third);
    place(at, third);
    fetchSeen();
  }
  function mark(n) {
    const before = hit;
    hit = n;
    draw([before - 1, n - 1]);
  }

  // Commands: folding and how long each took.
  async function readCommands() {
    try {
      const response = await fetch(box.dataset.commands);
      if (!response.ok) return;
      const found = await response.json();
      commands = found.commands.map(([line, start], index) => ({
        line, start,
        end: found.commands[index + 1]?.[0],
        stop: found.commands[index + 1]?.[1] ?? (index + 1 === found.commands.length ? found.end : undefined),
      }));
      fold.hidden = commands.length < 2;
      redraw();
    } catch { /* Folding is then not offered. */ }
  }
  const toggle = (n) => {
    if (!shut.delete(n)) shut.add(n);
    redraw();
  };
  const fold = box.querySelector("[data-fold-all]");
  fold.addEventListener("click", () => {
    const all = shut.size < commands.length;
    shut.clear();
    if (all) for (const { line } of commands) shut.add(line);
    fold.setAttribute("aria-pressed", all);
    redraw();
  });

  // How lines are shown is kept for the next log.
  function choice(name) {
    const control = box.querySelector(`[data-choice=${name}]`), key = `pipewright-log-${name}`;
    const set = (on) => {
      box.classList.toggle(name, on);
      control.setAttribute("aria-pressed", on);
      try { localStorage.setItem(key, on ? "1" : ""); } catch { /* Kept for this page only. */ }
    };
    control.hidden = false;
    control.addEventListener("click", () => {
      set(!box.classList.contains(name));
      redraw();
      if (follow) bottom();
    });
    let before = false;
    try { before = !!localStorage.getItem(key); } catch { /* As above. */ }
    if (before) set(true);
    return () => control.click();
  }
  const [wrap, stamp] = [choice("wrapped"), choice("timed")];

  // Finding: how many lines have it, and from one to the next, around the end.
  const finder = box.querySelector(".find"), field = finder.elements.find, count = finder.querySelector("[data-count]");
  async function look() {
    const text = field.value.trim();
    if (!text) {
      matches = null;
      count.textContent = "";
      finder.classList.remove("found");
      return redraw();
    }
    const response = await fetch(`${box.dataset.matches}?find=${encodeURIComponent(text)}`).catch(() => undefined);
    if (!response?.ok || text !== field.value.trim()) return;
    const found = await response.json();
    matches = { text, all: found.lines, set: new Set(found.lines), count: found.count, at: -1 };
    finder.classList.toggle("found", found.count > 0);
    const first = firstInView();
    const n = lineOf(first);
    matches.at = Math.max(0, found.lines.findIndex((line) => line >= n)) - 1;
    redraw();
    step(1);
  }
  function step(by) {
    if (!matches) return false;
    const { all } = matches;
    if (!all.length) {
      count.textContent = "not found";
      return true;
    }
    matches.at = (matches.at + by + all.length) % all.length;
    count.textContent = `${matches.at + 1} of ${matches.count}`;
    setFollow(false);
    mark(all[matches.at] + 1);
    show(all[matches.at] + 1);
    return true;
  }
  finder.addEventListener("submit", (event) => {
    event.preventDefault();
    const by = event.submitter?.value === "previous" ? -1 : 1;
    if (matches?.text === field.value.trim()) step(by);
    else look();
  });
  field.addEventListener("search", () => { if (!field.value) look(); });

  addEventListener("scroll", plan, { passive: true });
  addEventListener("resize", () => { if (box.classList.contains("wrapped") && list.isConnected) redraw(); else plan(); }, { passive: true });
  // Whoever scrolls up wants to read, not to follow.
  addEventListener("wheel", (event) => { if (follow && event.deltaY < 0) setFollow(false); }, { passive: true });
  addEventListener("touchmove", () => { if (follow) setFollow(false); }, { passive: true });
  addEventListener("keydown", (event) => { if (follow && ["ArrowUp", "PageUp", "Home"].includes(event.key)) setFollow(false); });
  button.addEventListener("click", () => setFollow(!follow));
  list.addEventListener("click", (event) => {
    const folding = event.target.closest("[data-fold]");
    if (folding) return toggle(Number(folding.dataset.fold));
    const link = event.target.closest("li > a");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    history.replaceState(null, "", link.href);
    setFollow(false);
    mark(Number(link.textContent));
  });
  const alive = (act) => () => (box.isConnected ? act() : false);
  onKey("w", alive(wrap));
  onKey("t", alive(stamp));
  onKey("f", alive(() => { if (!button.hidden) setFollow(!follow); }));
  onKey("n", alive(() => step(1)));
  onKey("p", alive(() => step(-1)));
  onKey("s", alive(() => field.focus()));
  function anchor() {
    const found = /^#L(\d+)$/.exec(location.hash);
    if (!found || !list.isConnected) return;
    setFollow(false);
    mark(Math.max(1, Math.min(Number(found[1]), total)));
    show(hit);
  }
  addEventListener("hashchange", anchor);
  // The page comes with the beginning, the end, or what lies around a line.
  const given = [...lines.keys()];
  from = given[0] ?? 0;
  to = (given.at(-1) ?? -1) + 1;
  top = from * row;
  height = Math.min(total * row, HIGHEST);
  if (total * row > HIGHEST) top = share(from);
  put();
  stretch();
  draw();
  if (hit) show(hit);
  anchor();
  readCommands();
  if (field.value) look();

  if (ended) return;
  button.hidden = false;
  if (!hit) setFollow(true);
  const key = box.dataset.tail;
  // The newest line may have grown since the page was made, so it is asked for again.
  shared.want(key, () => Math.max(0, total - 1), ({ name, data }) => {
    if (!box.isConnected) return shared.unwant(key);
    if (name === "lines") return take(data);
    if (name !== "end") return;
    shared.unwant(key);
    ended = true;
    button.hidden = true;
    readCommands();
    if (box.dataset.next) setTimeout(() => renew(box), 400);
  });
}

// A step has ended: if the visitor chose none, the one that runs now is shown.
async function renew(box) {
  const part = box.closest("#log");
  if (!part?.isConnected) return;
  const next = await fragment(box.dataset.next, part.id).catch(() => undefined);
  if (!next) return;
  part.replaceWith(next);
  boot(next);
  if (next.dataset.live) live(next);
}
