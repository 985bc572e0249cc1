// Moves the clock, runs the workers and sends dead letters back.

const result = document.getElementById("result");

async function post(path, body) {
  const headers = { "content-type": "application/json" };
  const response = await fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
  const answer = await response.json();
  sessionStorage.setItem("devloop.result", JSON.stringify(answer, null, 2));
  location.reload();
}

result.textContent = sessionStorage.getItem("devloop.result") ?? "";
sessionStorage.removeItem("devloop.result");

for (const button of document.querySelectorAll("[data-advance]")) {
  button.addEventListener("click", () => post("/_local/clock", { advanceSeconds: Number(button.dataset.advance) }));
}
for (const button of document.querySelectorAll("[data-redrive]")) {
  button.addEventListener("click", () => post("/_local/queues/redrive", { queue: button.dataset.redrive }));
}
document.getElementById("sweep").addEventListener("click", () => post("/_local/sweep", {}));
