/*! Homing storefront snippet. Copy it into your shop, then:
 *
 *   homing.load({key: "YOUR_WRITE_KEY", url: "https://YOUR-API-URL"});
 *   homing.page();
 *   homing.track("Product Viewed", {product_id: "p-1", name: "Teapot", price: "39.00", currency: "EUR"});
 *   homing.cart("cart-7", [{product_id: "p-1", name: "Teapot", price: "39.00", quantity: 1}], "EUR");
 *   homing.identify("customer-42", {email: "ana@example.com", first_name: "Ana"});
 *   homing.subscribe("marketing", "Yes, send me ideas and offers.");   // with the words that stood at the box
 *   homing.reset();                                                    // on log-out
 *
 * With {persist: false} nothing is kept in the browser until homing.allow() is called (a cookie banner's "yes").
 * No cookies, no dependencies. Events are kept and sent again when the network fails; each has an id, so none counts twice.
 */
(function (global) {
  "use strict";

  var BATCH = 20, WAIT = 1000, MAX_WAIT = 60000, MAX_KEPT = 500, BEACON_BYTES = 60000;
  var settings = null, queue = [], timer = null, wait = WAIT, sending = null, memory = {};

  function stored(name, value) {
    var key = "homing." + name;
    try {
      if (!settings.persist) throw 0;
      if (value === undefined) return global.localStorage.getItem(key);
      if (value === null) global.localStorage.removeItem(key);
      else global.localStorage.setItem(key, value);
    } catch (refused) { // private windows, blocked storage, no consent yet
      if (value === undefined) return memory[key] || null;
      memory[key] = value;
    }
    return value;
  }

  function id() {
    if (global.crypto && global.crypto.randomUUID) return global.crypto.randomUUID();
    return "h-" + Date.now().toString(36) + "-" + Math.random().toString(36).slice(2) + Math.random().toString(36).slice(2);
  }

  function anonymousId() {
    return stored("anonymous") || stored("anonymous", id());
  }

  function zone() {
    try { return Intl.DateTimeFormat().resolvedOptions().timeZone; } catch (unknown) { return undefined; }
  }

  function context() {
    var place = global.location || {}, page = global.document || {};
    return {
      library: {name: "homing-snippet", version: "1"},
      locale: global.navigator && global.navigator.language,
      timezone: zone(),
      page: {path: place.pathname, title: page.title, url: (place.origin || "") + (place.pathname || "")}
    };
  }

  function add(message) {
    if (!settings) throw new Error("homing.load({key, url}) comes first");
    message.messageId = id();
    message.timestamp = new Date().toISOString();
    message.anonymousId = anonymousId();
    if (message.userId === undefined) message.userId = stored("user") || undefined;
    message.context = context();
    queue.push(message);
    if (queue.length > MAX_KEPT) queue.shift();
    if (queue.length >= BATCH) flush(); else later();
  }

  function later() {
    if (!timer) timer = setTimeout(function () { timer = null; flush(); }, wait);
  }

  function body(messages) {
    return JSON.stringify({writeKey: settings.key, sentAt: new Date().toISOString(), batch: messages});
  }

  function flush() {
    if (sending || !queue.length) return sending || Promise.resolve();
    var messages = queue.slice(0, BATCH);
    // text/plain is sent without asking first (no preflight); the server reads JSON whatever the type says.
    sending = global.fetch(settings.url + "/v1/batch", {
      method: "POST", body: body(messages), keepalive: true, credentials: "omit",
      headers: {"Content-Type": "text/plain;charset=UTF-8"}
    }).then(function (answer) {
      if (answer.status >= 500 || answer.status === 429) throw new Error("again");
      // Stored, or refused for good: the answer says which and why.
      queue = queue.filter(function (message) { return messages.indexOf(message) < 0; });
      wait = WAIT;
    }).catch(function () {
      wait = Math.min(wait * 2, MAX_WAIT);
    }).then(function () {
      sending = null;
      if (queue.length) later();
    });
    return sending;
  }

  function leave() {
    if (!settings || !queue.length) return;
    var part = queue.slice(0, BATCH), text = body(part), navigator = global.navigator;
    if (navigator && navigator.sendBeacon && text.length < BEACON_BYTES && navigator.sendBeacon(settings.url + "/v1/batch", text)) {
      queue = queue.slice(part.length);
    }
    // What is left goes with the next page. A message that was on its way already is known by its id.
    if (queue.length) stored("queue", JSON.stringify(JSON.parse(stored("queue") || "[]").concat(queue).slice(-MAX_KEPT)));
    queue = [];
  }

  function take() {
    var kept = stored("queue");
    if (kept) {
      stored("queue", null);
      try { queue = JSON.parse(kept).concat(queue); } catch (broken) { /* not ours */ }
    }
    if (queue.length) later();
  }

  var homing = {
    load: function (given) {
      settings = {key: given.key, url: String(given.url).replace(/\/+$/, ""), persist: given.persist !== false};
      take();
      if (global.addEventListener) {
        global.addEventListener("pagehide", leave);
        global.addEventListener("online", flush);
        if (global.document && global.document.addEventListener) {
          global.document.addEventListener("visibilitychange", function () {
            if (global.document.visibilityState === "hidden") flush();
          });
        }
      }
      return homing;
    },
    allow: function () {
      settings.persist = true;
      Object.keys(memory).forEach(function (key) {
        if (memory[key] !== null) stored(key.slice(7), memory[key]);
      });
    },
    identify: function (userId, traits) {
      if (userId && typeof userId === "object") { traits = userId; userId = undefined; }
      if (userId) stored("user", String(userId));
      // The zone says when it is night for them, and nothing is mailed.
      traits = Object.assign({timezone: zone()}, traits);
      add({type: "identify", userId: userId ? String(userId) : undefined, traits: traits});
    },
    track: function (event, properties) { add({type: "track", event: event, properties: properties || {}}); },
    page: function (name, properties) { add({type: "page", name: name, properties: properties || {}}); },
    cart: function (cartId, products, currency) {
      homing.track("Cart Updated", {cart_id: cartId, products: products || [], currency: currency});
    },
    subscribe: function (topic, wording) {
      homing.track("Subscribed", {topic: topic || "marketing", wording: wording, source: "storefront"});
    },
    unsubscribe: function (topic) {
      homing.track("Unsubscribed", {topic: topic || "marketing", source: "storefront"});
    },
    reset: function () {
      flush();
      stored("user", null);
      stored("anonymous", null);
    },
    flush: flush
  };

  global.homing = homing;
})(typeof window === "undefined" ? globalThis : window);
