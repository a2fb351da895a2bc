// Clocks that run, news of the connection, answers to what was asked. Everything works without this, only less well.

// The server's clock minus this machine's, in milliseconds: moments come from the server, and clocks differ.
let skew = Date.parse(document.documentElement.dataset.now) - Date.now();
const now = () => Date.now() + skew;

const moments = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const exactMoments = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

function duration(seconds) {
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

const secondsTo = (moment) => Math.ceil((moment - now()) / 1000);

const clocks = {
  at: (moment) => moments.format(moment),
  exactly: (moment) => exactMoments.format(moment),
  since: (moment) => `for ${duration(Math.max(0, Math.floor((now() - moment) / 1000)))}`,
  until: (moment) => {
    const seconds = secondsTo(moment);
    return seconds > 0 ? `in ${duration(seconds)}` : "now";
  },
  about: (moment) => {
    const seconds = secondsTo(moment);
    return seconds > 0 ? `in about ${duration(seconds)}` : "at any moment";
  },
};

function showTimes() {
  for (const time of document.querySelectorAll("time[data-clock]")) {
    const text = clocks[time.dataset.clock](Date.parse(time.dateTime));
    if (time.textContent !== text) time.textContent = text;
  }
}

// --- The stream of changes -------------------------------------------------------------------------------------------

// Twice the server's sign of life and a little: a connection can be lost without anybody noticing.
const SILENCE = 11_000;
const stream = { connection: null, heardAt: 0, isLost: false };

function tellConnection(isLost) {
  if (stream.isLost === isLost) return;
  stream.isLost = isLost;
  const banner = document.getElementById("connection");
  banner.textContent = isLost ? "The connection is lost. What you see may be out of date; trying again…" : "";
  banner.hidden = !isLost;
}

function heard() {
  stream.heardAt = performance.now();
  tellConnection(false);
}

function listenForSilence() {
  const isSilent = stream.connection && performance.now() - stream.heardAt > SILENCE;
  if (!isSilent || document.hidden) return;
  tellConnection(true);
  stream.heardAt = performance.now(); // for the next attempt, which begins now
  stream.connection.reader?.cancel();
}

document.addEventListener("htmx:sse:after:connection", (event) => {
  stream.connection = event.detail.connection;
  heard();
});
document.addEventListener("htmx:sse:before:message", heard);
document.addEventListener("beat", (event) => {
  skew = Date.parse(event.detail.data) - Date.now();
});
document.addEventListener("htmx:sse:error", () => tellConnection(true));
document.addEventListener("htmx:sse:close", () => {
  stream.connection = null;
});
// A tab that comes back reads on by itself: until then nothing is lost.
document.addEventListener("visibilitychange", () => {
  stream.heardAt = performance.now();
});
window.addEventListener("offline", () => tellConnection(Boolean(document.getElementById("stream"))));
window.addEventListener("online", () => stream.connection?.reader?.cancel());

// --- What was asked --------------------------------------------------------------------------------------------------

function notice(text) {
  const place = document.getElementById("notice");
  place.textContent = text;
  place.hidden = !text;
  if (text) place.scrollIntoView({ block: "nearest" });
}

const isStream = (element) => element?.id === "stream";

// The form in which somebody pressed a button: a button that cannot be pressed meanwhile loses the focus.
let asking = null;

document.addEventListener("htmx:before:request", (event) => {
  const source = event.detail.ctx.sourceElement;
  if (isStream(source)) return;
  asking = source?.contains(document.activeElement) ? source : null;
  notice("");
});
document.addEventListener("htmx:finally:request", (event) => {
  const source = event.detail.ctx.sourceElement;
  if (source !== asking || isStream(source)) return;
  asking = null;
  // After htmx has let the button be pressed again.
  setTimeout(() => {
    if (document.activeElement === document.body) source?.querySelector("button")?.focus();
  });
});
document.addEventListener("htmx:after:request", (event) => {
  const { sourceElement: source, response } = event.detail.ctx;
  if (isStream(source)) {
    if (!response || response.status >= 400) tellConnection(true);
    return;
  }
  if (!source?.hasAttribute("hx-post") || !response || response.status >= 400) return;
  const note = source.querySelector("textarea[name=note]");
  if (note) note.value = "";
  // A session that has closed has no stream to show what comes of it.
  if (response.status === 204 && !document.getElementById("stream")) location.reload();
});
document.addEventListener("htmx:response:error", (event) => {
  const { sourceElement: source, text } = event.detail.ctx;
  if (isStream(source)) return;
  try {
    notice(JSON.parse(text).detail);
  } catch {
    notice("The server did not take that. Try again in a moment.");
  }
});
document.addEventListener("htmx:error", (event) => {
  if (isStream(event.detail.ctx?.sourceElement)) tellConnection(true);
  else if (event.detail.ctx) notice("The server cannot be reached. Nothing was changed; try again in a moment.");
});

// A question stays in front until it is answered: a popover alone lets the focus go on behind it.
document.addEventListener("focusin", (event) => {
  const question = document.querySelector("[role=dialog]:popover-open");
  if (question && !question.contains(event.target)) question.querySelector("button").focus();
});

showTimes();
setInterval(() => {
  showTimes();
  listenForSilence();
}, 500);
document.addEventListener("htmx:after:swap", showTimes);
