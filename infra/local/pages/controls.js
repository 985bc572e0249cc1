// Each button says which call it makes. What the page shows is fetched anew after each, and every few seconds.

const EVERY_MILLIS = 3_000;
const result = document.getElementById("result");

const nameOf = (button) => `${button?.dataset?.post} ${button?.dataset?.body}`;

/** Puts the present state in place of the shown one; the button that has the focus keeps it. */
async function refresh(focused = nameOf(document.activeElement)) {
  const response = await fetch("/_local");
  if (!response.ok) return;
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html").getElementById("live");
  document.getElementById("live").replaceWith(fresh);
  [...document.querySelectorAll("[data-post]")].find((button) => nameOf(button) === focused)?.focus();
}

async function post(path, body) {
  const headers = { "content-type": "application/json" };
  const response = await fetch(path, { method: "POST", headers, body });
  const text = JSON.stringify(await response.json(), null, 2);
  result.textContent = `POST ${path} ${body}\n${response.status} ${text}`;
  result.className = response.ok ? "" : "bad";
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-post]");
  if (!button) return;
  for (const other of document.querySelectorAll("[data-post]")) other.disabled = true;
  result.textContent = `POST ${button.dataset.post} …`;
  try {
    await post(button.dataset.post, button.dataset.body);
  } catch (error) {
    result.textContent = `서버가 답하지 않습니다: ${error.message}`;
    result.className = "bad";
  }
  // A server that is gone leaves the page as it was, to be tried again.
  await refresh(nameOf(button)).catch(() => {
    for (const other of document.querySelectorAll("[data-post]")) other.disabled = false;
  });
});

// It lies over the page.
result.title = "눌러서 닫기";
result.addEventListener("click", () => result.replaceChildren());

setInterval(() => {
  const working = document.querySelector("[data-post]:disabled");
  if (document.visibilityState === "visible" && !working) refresh().catch(() => {});
}, EVERY_MILLIS);
