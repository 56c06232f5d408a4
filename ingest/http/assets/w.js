/* The Pro widget: tells which pages are read, and keeps nothing but an opt-out.
 *
 * docs/widget.md says what it sends and when. The server takes comments out and writes the paths of
 * its configuration in for __EVENTS__ and __PIXEL__.
 */
(() => {
  "use strict";
  const queued = window.beacon;
  if (queued && queued.optOut && !queued.q) return; // another tag on this page is at work

  // A module has no currentScript.
  const script = document.currentScript || document.querySelector("script[data-site][src]");
  const data = script.dataset;
  if (!data.site) throw Error("beacon: the script's tag has no data-site");
  const base = new URL(data.endpoint || new URL(script.src).origin, location.href);
  const at = (path) => base.href.replace(/\/+$/, "") + path;
  const byItself = data.auto !== "false";
  const withHash = "hash" in data && data.hash !== "false";
  const OPTED_OUT = "beacon.optout";
  const VISIBLE = "visible";
  const PAGEVIEW = "pageview";

  // -- opting out, on this site ------------------------------------------------------------------

  let quiet = false; // for browsers that keep nothing

  const optedOut = () => {
    try {
      return quiet || localStorage.getItem(OPTED_OUT) === "1";
    } catch {
      return quiet;
    }
  };

  const choose = async (out) => {
    let kept = false;
    quiet = out;
    try {
      if (out) localStorage.setItem(OPTED_OUT, "1");
      else localStorage.removeItem(OPTED_OUT);
      kept = out;
    } catch {}
    try {
      const url = at(`/opt-${out ? "out" : "in"}?site=${encodeURIComponent(data.site)}`);
      const answer = await fetch(url, { method: "POST", credentials: "include", keepalive: true });
      if (!answer.ok) throw Error("beacon: the server answered " + answer.status);
    } catch (error) {
      if (!kept) throw error;
    }
  };

  // -- sending: each ping by the first way that is open -------------------------------------------

  let open = 0; // the first way that the page's policy lets through, as far as is known
  let unsure = []; // sent by sendBeacon just now: it says true even when the policy blocks it

  const attempt = (ping, way) => {
    const fields = { ...ping.fields, age: Math.max(0, Date.now() - ping.made) };
    if (!optedOut()) ways[Math.max(way, open)](ping, fields, JSON.stringify(fields));
  };

  const ways = [
    // Text: a type of its own would need a preflight, after which sendBeacon fails without a word.
    (ping, fields, body) => {
      if (!navigator.sendBeacon || !navigator.sendBeacon(at(__EVENTS__), body)) {
        attempt(ping, 1);
        return;
      }
      unsure.push(ping);
      setTimeout(() => (unsure = unsure.filter((other) => other !== ping)), 2000);
    },
    (ping, fields, body) => {
      const how = { method: "POST", body, credentials: "include", keepalive: true };
      fetch(at(__EVENTS__), how).catch(() => attempt(ping, 2));
    },
    (ping, fields) => {
      const query = new URLSearchParams(fields);
      query.delete("props"); // for JSON only
      for (const long of ["r", "t"]) if (`${query}`.length > 7000) query.delete(long);
      new Image().src = at(`${__PIXEL__}?${query}`);
    },
  ];

  document.addEventListener("securitypolicyviolation", (violation) => {
    if (violation.disposition === "report" || violation.effectiveDirective !== "connect-src") return;
    if (!violation.blockedURI.startsWith(base.origin)) return;
    open = unsure.length ? 1 : 2;
    const again = unsure;
    unsure = [];
    for (const ping of again) attempt(ping, 1);
  });

  // -- the page view -----------------------------------------------------------------------------

  let page; // its random number
  let path; // its own address, by which a new one is told
  let address; // the one that is reported
  let title; // as it was then
  let engaged = 0; // milliseconds in sight, not yet reported
  let since = null; // in sight since then; null when hidden
  let left = false; // `leave` was sent in this hidden period

  const uuid = () =>
    // Not crypto.randomUUID: plain HTTP has none.
    "10000000-1000-4000-8000-100000000000".replace(/[018]/g, (digit) =>
      (digit ^ (crypto.getRandomValues(new Uint8Array(1))[0] & (15 >> (digit / 4)))).toString(16),
    );

  const here = () => {
    if (!withHash) return location.href.split("#")[0];
    // The server cuts fragments off: what is to be seen of one must stand in the path.
    const [inner, query] = location.hash.replace(/^#!?\/?/, "").split("?");
    const outer = location.pathname;
    const whole = inner ? `${outer.replace(/\/$/, "")}/${inner}` : outer;
    const search = location.search + (query ? (location.search ? "&" : "?") + query : "");
    return location.origin + whole + search;
  };

  const look = () => {
    const now = performance.now();
    if (since !== null) engaged += now - since;
    since = document.visibilityState === VISIBLE ? now : null;
  };

  const send = (name, more) => {
    look();
    const fields = {
      s: data.site,
      e: name,
      id: uuid(),
      p: page,
      w: "pro",
      u: address.slice(0, 4096),
      t: document.title,
      lang: navigator.language,
      tz: Intl.DateTimeFormat().resolvedOptions().timeZone,
      sw: screen.width,
      sh: screen.height,
      vw: innerWidth || "", // 0 in a tab never shown
      vh: innerHeight || "",
      d: name === PAGEVIEW ? "" : Math.min(Math.round(engaged) / 1000, 86400),
      ...more,
    };
    engaged = 0;
    for (const field in fields) if (fields[field] === "") delete fields[field];
    attempt({ fields, made: Date.now() }, 0);
  };

  const begin = () => {
    look();
    engaged = 0;
    page = uuid().replace(/-/g, "");
    path = here();
    address = data.url
      ? Object.assign(document.createElement("a"), { href: data.url }).href
      : path;
  };

  const view = (referrer, more) => {
    begin();
    send(PAGEVIEW, { r: referrer.slice(0, 4096), ...more });
    title = document.title;
  };

  const moved = () => {
    if (here() === path) return;
    // Routers set the title after the address: an unchanged one is the previous page's.
    view(address, document.title === title ? { t: "" } : {});
  };

  // -- what it listens to ------------------------------------------------------------------------

  const leave = () => {
    if (left) return;
    left = true;
    send("leave");
  };

  let timer;
  const heartbeat = () => {
    const seconds = parseFloat(data.heartbeat || 60);
    clearInterval(timer);
    if (seconds > 0 && document.visibilityState === VISIBLE)
      timer = setInterval(() => send("heartbeat"), Math.max(seconds, 1) * 1000);
  };

  const copied = () => {
    const { value, selectionStart, selectionEnd } = document.activeElement || {};
    const inField = selectionEnd > selectionStart;
    const text = inField ? value.slice(selectionStart, selectionEnd) : `${getSelection()}`;
    if (text) send("copy", { n: [...text].length });
  };

  const watch = () => {
    for (const name of ["pushState", "replaceState"]) {
      const original = history[name];
      history[name] = function () {
        const result = original.apply(this, arguments);
        moved();
        return result;
      };
    }
    addEventListener("popstate", moved);
    addEventListener("hashchange", moved);
    addEventListener("pageshow", (event) => {
      if (!event.persisted) return;
      left = false;
      view("");
    });
    addEventListener("pagehide", leave);
    document.addEventListener("visibilitychange", () => {
      heartbeat();
      if (document.visibilityState === VISIBLE) left = false;
      else leave();
    });
    document.addEventListener("copy", copied, true);
    heartbeat();
  };

  // -- the start ---------------------------------------------------------------------------------

  let waiting = []; // calls from before the page view
  for (const given of (queued && queued.q) || []) {
    const [out, kept] = given;
    if (typeof out === "boolean") kept(choose(out));
    else waiting.push(given);
  }

  const call = (name, props) => {
    const pairs = Object.entries(props || {}).filter((pair) => pair[1] != null);
    const strings = Object.fromEntries(pairs.map(([key, value]) => [key, `${value}`]));
    const more = pairs.length ? { props: strings } : {};
    if (name === PAGEVIEW) view(here() === path ? document.referrer : address, more);
    else send(name, more);
  };

  const beacon = (window.beacon = (...given) => {
    if (waiting) waiting.push(given);
    else call(...given);
  });
  beacon.optOut = () => choose(true);
  beacon.optIn = () => choose(false);

  const start = () => {
    document.addEventListener("visibilitychange", look);
    begin();
    if (byItself) {
      watch();
      view(document.referrer);
    }
    const calls = waiting;
    waiting = null;
    for (const given of calls) call(...given);
  };

  if (document.prerendering) document.addEventListener("prerenderingchange", start, { once: true });
  else start();
})();
