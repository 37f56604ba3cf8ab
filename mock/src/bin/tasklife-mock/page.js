// Shows what has changed each second, without loading the page again, and lets a task end by hand.
"use strict";

async function refresh() {
  const answer = await fetch("/", { cache: "no-store" });
  if (!answer.ok) throw new Error(answer.statusText);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const [shown, fresh] = [document.querySelector("main"), page.querySelector("main")];
  if (shown.innerHTML !== fresh.innerHTML) shown.replaceWith(document.adoptNode(fresh));
}

// One after the other, and on after the mock was away for a while.
async function follow() {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    // Whoever selects a text wants to keep it.
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

follow();
