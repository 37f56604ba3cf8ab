// Updates the page every second without reloading it, and handles the buttons that end a task.
"use strict";

async function refresh() {
  const answer = await fetch("/", { cache: "no-store" });
  if (!answer.ok) throw new Error(answer.statusText);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const [shown, fresh] = [document.querySelector("main"), page.querySelector("main")];
  if (shown.innerHTML !== fresh.innerHTML) shown.replaceWith(document.adoptNode(fresh));
}

// Fetches one update at a time, and continues after the mock was unreachable.
async function poll() {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    // An update would clear the user's text selection.
    if (document.hidden || !getSelection().isCollapsed) continue;
    const failed = await refresh().then(() => false, () => true);
    document.body.classList.toggle("away", failed);
  }
}

document.addEventListener("click", async ({ target }) => {
  const { task, event } = target.dataset ?? {};
  if (!task) return;
  target.disabled = true;
  await fetch(`/_mock/tasks/${task}`, { method: "POST", body: JSON.stringify({ event }) })
    .then(refresh)
    .catch(() => document.body.classList.add("away"));
});

poll();
