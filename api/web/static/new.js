// What the forms that start sessions do while somebody fills them in. Everything works without this, only less well.

// --- Photos ----------------------------------------------------------------------------------------------------------

// They are sent as soon as they are chosen or dropped, so that each is looked at before anything is started.

const field = document.getElementById("photo-field");
const input = document.getElementById("photos");
const errors = document.getElementById("photos-error");
const news = document.getElementById("photos-news");
const kept = document.getElementById("photos-kept");
const form = field.closest("form");

// One after the other, in the order in which they were chosen: it is also that of the prompt.
const sending = { last: Promise.resolve(), waiting: 0, refused: 0 };

function tell(name, detail) {
  sending.refused += 1;
  const line = document.createElement("p");
  line.textContent = `${name}: ${detail}`;
  errors.append(line);
  input.setAttribute("aria-invalid", "true");
  input.setAttribute("aria-describedby", "photos-hint photos-error");
}

// In place of the box that leaves a picture out where nothing can take it from the page.
function withRemoval(item) {
  const kept = item.querySelector("input");
  const name = item.querySelector("bdi");
  kept.type = "hidden";
  name.id = `name-of-${kept.value.split(":")[0]}`;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "quiet";
  button.textContent = "Remove";
  button.setAttribute("aria-describedby", name.id);
  button.addEventListener("click", () => {
    news.textContent = `${name.textContent} is removed.`;
    item.remove();
    input.focus();
    changed();
  });
  item.append(button);
}

const changed = () => input.dispatchEvent(new Event("input", { bubbles: true }));

async function send(file) {
  if (file.size > Number(field.dataset.mostBytes)) {
    tell(file.name, "The picture is larger than 20 MB. Scale it down and add it again.");
    return;
  }
  const body = new FormData();
  body.append("photos", file);
  let response;
  try {
    response = await fetch(field.dataset.upload, { method: "POST", body, headers: { "HX-Request": "true" } });
  } catch {
    tell(file.name, "It could not be sent. Check the connection and add it again.");
    return;
  }
  if (!response.ok) {
    const problem = await response.json().catch(() => null);
    tell(file.name, problem?.detail ?? "The server did not take it. Add it again in a moment.");
    return;
  }
  const template = document.createElement("template");
  template.innerHTML = await response.text();
  const item = template.content.querySelector("li");
  const id = item.querySelector("input").value.split(":")[0];
  kept.querySelector(`input[value^="${id}:"]`)?.closest("li").remove();
  withRemoval(item);
  kept.append(item);
}

function take(files) {
  errors.replaceChildren();
  input.removeAttribute("aria-invalid");
  sending.refused = 0;
  for (const file of files) {
    sending.waiting += 1;
    sending.last = sending.last.then(async () => {
      news.textContent = `Sending ${file.name}…`;
      await send(file);
      sending.waiting -= 1;
      if (sending.waiting) return;
      news.textContent = kept.children.length === 1 ? "1 picture is used." : `${kept.children.length} pictures are used.`;
      changed();
    });
  }
}

input.addEventListener("change", () => {
  if (!input.files.length) return;
  take([...input.files]);
  input.value = "";
});

// Anywhere on the page: dropped beside the field, the browser would show the picture in place of the page, and what
// was typed would be gone.
const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
for (const name of ["dragenter", "dragover"]) {
  document.addEventListener(name, (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    field.classList.add("over");
  });
}
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) field.classList.remove("over");
});
document.addEventListener("drop", (event) => {
  if (!holdsFiles(event)) return;
  event.preventDefault();
  field.classList.remove("over");
  take([...event.dataTransfer.files]);
});

// Nobody is to pay for pictures without a photo that they believe to be used: as without scripts, the first try tells.
form.addEventListener("submit", async (event) => {
  if (!sending.waiting && !sending.refused) return;
  event.preventDefault();
  await sending.last;
  if (!sending.refused) {
    form.requestSubmit(event.submitter);
    return;
  }
  sending.refused = 0;
  news.textContent = "Nothing was started yet. Start again to go on without what was refused.";
  input.focus();
});

for (const item of kept.children) withRemoval(item);

// --- The cost --------------------------------------------------------------------------------------------------------

// It is good to know and holds nobody up: no notice jumps into view while somebody types.
for (const estimate of document.querySelectorAll(".estimate")) {
  for (const name of ["htmx:error", "htmx:response:error"]) {
    estimate.addEventListener(name, (event) => {
      event.stopPropagation();
      estimate.textContent = "The cost cannot be told now.";
    });
  }
}
