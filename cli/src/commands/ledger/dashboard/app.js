// The server sends finished HTML for the parts of the page; this puts it in its place. A browser
// has six connections for one server, so a hidden page hears nothing.
"use strict";
(() => {
  const link = document.getElementById("link");
  const say = (text) => {
    if (link.textContent !== text) link.textContent = text;
  };
  const key = (element) => element.getAttribute("href") || element.textContent.trim();

  // Whoever is at a link or a button, or has scrolled a table, stays there.
  const put = (id, html) => {
    const part = document.getElementById(id);
    if (!part) return;
    const active = part.contains(document.activeElement) ? key(document.activeElement) : null;
    const scrolled = [...part.querySelectorAll(".scroll")].map((place) => place.scrollLeft);
    part.innerHTML = html;
    part.querySelectorAll(".scroll").forEach((place, n) => {
      place.scrollLeft = scrolled[n] || 0;
    });
    if (active !== null) {
      const focusable = [...part.querySelectorAll("a, button, [tabindex]")];
      focusable.find((element) => key(element) === active)?.focus();
    }
  };

  let source = null;
  const listen = () => {
    source = new EventSource(document.body.dataset.events);
    source.onopen = () => say("Live");
    source.onmessage = (event) => {
      for (const [id, html] of Object.entries(JSON.parse(event.data))) put(id, html);
    };
    source.onerror = () => {
      const ended = source.readyState === EventSource.CLOSED;
      say(ended ? "Stopped: start the dashboard again" : "Connection lost: trying again");
    };
  };
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      source?.close();
      source = null;
    } else if (!source) {
      listen();
    }
  });
  if (!document.hidden) listen();
})();
