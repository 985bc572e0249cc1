// The demo shop: log in, look, order. Paying happens in Toss's window.

import { Refused, call, element, keep, session, when, won } from "/_local/session.js";

const byId = (id) => document.getElementById(id);
const places = await (await fetch("/_local/places")).json();
const clock = await (await fetch("/_local/clock")).json();

const STATES = {
  PENDING: "결제 대기", CONFIRMING: "승인 중", AWAITING_DEPOSIT: "입금 대기", PAID: "결제 완료", CANCELED: "취소됨", EXPIRED: "시간 만료", FAILED: "실패",
};

function tell(text, bad = false) {
  byId("message").textContent = text;
  byId("message").className = bad ? "bad" : "good";
}

async function trying(work) {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    tell(`${error.message} (${error.problem.code ?? error.status})`, true);
    await show();
  }
}

/** Opens the payment window, as Toss's browser library would. */
function pay(order) {
  const { clientKey, customerKey, orderName, successUrl, failUrl, virtualAccountHours } = order.payment;
  if (!places.tossIsSandbox) {
    tell("TOSS_BASE_URL이 가리키는 토스의 결제창은 여기서 열 수 없습니다.", true);
    return;
  }
  sessionStorage.setItem("devloop.order", order.id);
  const facts = { clientKey, customerKey, orderId: order.id, orderName, amount: order.total, successUrl, failUrl };
  if (virtualAccountHours) facts.validHours = virtualAccountHours;
  location.assign(`${places.toss}/window?${new URLSearchParams(facts)}`);
}

async function buy(project) {
  if (!session()) return tell("먼저 로그인해 주세요.", true);
  const { body: order } = await call("POST", "/v1/orders", { productIds: [project.id], expectedTotal: project.price }, {
    "idempotency-key": crypto.randomUUID(),
  });
  if (order.state === "PAID") {
    tell(`신청했습니다: ${project.title}`);
    return show();
  }
  pay(order);
}

async function projectCard(project, owned) {
  const { body: seats } = await call("GET", `/v1/pwts/${project.id}/seats`);
  const early = project.salesFrom && new Date(project.salesFrom) > new Date(clock.now);
  const verb = project.price === 0 ? "신청" : "구매";
  const label = owned ? `${verb}함` : early ? "판매 전" : seats.available === 0 ? "매진" : `${verb}하기`;
  const button = element("button", { type: "button", textContent: label });
  button.disabled = owned || early || seats.available === 0;
  button.addEventListener("click", () => trying(() => buy(project)));
  const opens = early ? `${when(project.salesFrom)}에 열림 · ` : "";
  return element(
    "div",
    { className: "card" },
    element(
      "div",
      {},
      element("h3", { textContent: project.title }),
      element("p", { className: "soft", textContent: `${project.tutor.username} · ${opens}${when(project.deadline)} 마감` }),
      element("p", { className: "soft", textContent: `남은 자리 ${seats.available} / ${seats.total} · 결제 중 ${seats.held} · 판매 ${seats.sold}` }),
    ),
    element("div", { className: "side" }, element("p", { className: "price", textContent: won(project.price) }), button),
  );
}

function orderCard(order) {
  const side = element("div", { className: "side" }, element("p", { className: "price", textContent: won(order.total) }));
  if (order.state === "PENDING" && order.payment) {
    const button = element("button", { type: "button", textContent: "이어서 결제" });
    button.addEventListener("click", () => pay(order));
    side.append(button);
  }
  const title = order.lines.map((line) => line.title).join(", ");
  return element(
    "div",
    { className: "card" },
    element(
      "div",
      {},
      element("h3", { textContent: title }),
      element("p", { className: "soft", textContent: `${STATES[order.state] ?? order.state} · ${when(order.createdAt)}` }),
      element("p", { className: "soft mono", textContent: order.id }),
    ),
    side,
  );
}

const cards = (made, none) => (made.length ? made : [element("p", { className: "soft", textContent: none })]);

async function show() {
  const known = session();
  byId("log-in").hidden = Boolean(known);
  byId("signed-in").hidden = !known;
  byId("orders-section").hidden = !known;
  byId("who").textContent = known?.email ?? "";
  const { body } = await call("GET", "/v1/pwts?limit=20");
  const owned = known ? (await call("GET", "/v1/users/me/purchases?limit=100")).body.items.map((item) => item.productId) : [];
  const made = await Promise.all(body.items.map((project) => projectCard(project, owned.includes(project.id))));
  byId("projects").replaceChildren(...cards(made, "판매 중인 프로젝트가 없습니다."));
  if (known) {
    const { body: orders } = await call("GET", "/v1/orders?limit=10");
    byId("orders").replaceChildren(...cards(orders.items.map(orderCard), "아직 주문이 없습니다."));
  }
}

byId("accounts").append(...places.accounts.map((account) => element("option", { value: account.email })));
const first = places.accounts.find((account) => account.role === "USER");
if (first) {
  byId("email").value = first.email;
  byId("password").value = first.password;
}

byId("log-in").addEventListener("submit", (event) => {
  event.preventDefault();
  trying(async () => {
    const email = byId("email").value;
    const { body } = await call("POST", "/v1/auth/login", { email, password: byId("password").value });
    keep({ email, ...body });
    tell("");
    await show();
  });
});

byId("log-out").addEventListener("click", () =>
  trying(async () => {
    const { refreshToken } = session();
    keep(null);
    await call("POST", "/v1/auth/logout", { refreshToken });
    await show();
  }),
);

await trying(show);
