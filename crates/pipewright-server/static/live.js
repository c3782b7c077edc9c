"use strict";
// One connection to the server for every tab of this browser. As a shared worker it serves all tabs; where a browser has no
// shared workers, a page loads this file itself and serves only itself. Over HTTP/1.1 a browser opens six connections to
// a host, so a connection a tab would let six tabs block the seventh.

class Hub {
  constructor(address) {
    this.address = address;
    this.tabs = new Map();
    this.next = new Map(); // Of each log: the line it goes on from.
    this.ended = new Set();
    this.source = null;
    this.open = "";
    this.failures = 0;
  }

  // What a tab wants to hear of: [key, from] pairs. Keys are `log:ACCOUNT:ATTEMPT` and `news:ACCOUNT`.
  wants(tab, wants, tell) {
    const before = this.tabs.get(tab)?.wants ?? new Map();
    this.tabs.set(tab, { wants: new Map(wants), tell, heard: Date.now() });
    for (const [key, from] of wants) {
      if (before.has(key)) continue;
      if (this.ended.has(key)) tell({ name: "end", key });
      else if (this.next.has(key)) tell({ name: "lines", key, data: { first: from, total: this.next.get(key), lines: [] } });
    }
    this.plan(20);
  }

  leaves(tab) {
    if (this.tabs.delete(tab)) this.plan(20);
  }

  tell(message, key) {
    for (const tab of this.tabs.values()) if (!key || tab.wants.has(key)) tab.tell(message);
  }

  plan(wait) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.connect(), wait);
  }

  connect() {
    const wanted = new Map();
    for (const { wants } of this.tabs.values()) {
      for (const [key, from] of wants) {
        if (!this.ended.has(key)) wanted.set(key, Math.min(wanted.get(key) ?? Infinity, from));
      }
    }
    const open = [...wanted.keys()].sort().join(" ");
    if (open === this.open && this.source) return;
    this.source?.close();
    this.source = null;
    this.open = open;
    for (const key of this.next.keys()) if (!wanted.has(key)) this.next.delete(key);
    if (!wanted.size) return;
    const on = new URLSearchParams([...wanted].map(([key, from]) => ["on", key.startsWith("log:") ? `${key}:${this.next.get(key) ?? from}` : key]));
    const source = new EventSource(`${this.address}?${on}`);
    this.source = source;
    source.addEventListener("open", () => {
      this.failures = 0;
      this.tell({ name: "connected" });
    });
    source.addEventListener("lines", ({ data }) => {
      const part = JSON.parse(data), key = part.on;
      this.next.set(key, part.first + part.lines.length - (part.open ? 1 : 0));
      this.tell({ name: "lines", key, data: part }, key);
    });
    source.addEventListener("end", ({ data }) => {
      const { on: key } = JSON.parse(data);
      this.ended.add(key);
      this.tell({ name: "end", key }, key);
    });
    source.addEventListener("news", ({ data }) => {
      const part = JSON.parse(data);
      this.tell({ name: "news", key: part.on, data: part }, part.on);
    });
    source.addEventListener("error", () => {
      if (this.source !== source) return;
      source.close();
      this.source = null;
      this.failures++;
      // The first failure may be the server's own end of a long answer: only a second one in a row is told.
      if (this.failures > 1) this.tell({ name: "lost" });
      this.plan(Math.min(500 * 2 ** (this.failures - 1), 10000));
    });
  }

  // A tab that went without a word is forgotten.
  sweep() {
    const gone = Date.now() - 90000;
    for (const [tab, { heard }] of this.tabs) if (heard < gone) this.leaves(tab);
  }
}

if (typeof SharedWorkerGlobalScope !== "undefined" && self instanceof SharedWorkerGlobalScope) {
  const hub = new Hub(new URLSearchParams(location.search).get("to"));
  addEventListener("connect", ({ ports: [port] }) => {
    port.addEventListener("message", ({ data }) => {
      if (data === "leave") hub.leaves(port);
      else hub.wants(port, data, (message) => port.postMessage(message));
    });
    port.start();
  });
  setInterval(() => hub.sweep(), 30000);
} else {
  globalThis.Hub = Hub;
}
