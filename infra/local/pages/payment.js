// Where Toss's window sends the browser back to: confirms the payment, or lets go of the order.

import { Refused, call, element, when, won } from "/_local/session.js";

const asked = new URLSearchParams(location.search);
const status = document.getElementById("status");
const receipt = document.getElementById("receipt");

function tell(text, kind = "") {
  status.textContent = text;
  status.className = kind;
}

function show(order) {
  const rows = [
    ["주문번호", order.id],
    ["상품", order.lines.map((line) => line.title).join(", ")],
    ["금액", won(order.total)],
    ["결제수단", order.settlement?.method ?? "-"],
    ["결제 시각", order.paidAt ? when(order.paidAt) : "-"],
  ];
  const cells = ([name, value]) => element("tr", {}, element("td", { textContent: name }), element("td", { textContent: value }));
  const made = rows.map(cells);
  if (order.settlement?.receiptUrl) {
    const link = element("a", { href: order.settlement.receiptUrl, textContent: "영수증 보기" });
    made.push(element("tr", {}, element("td", { textContent: "영수증" }), element("td", {}, link)));
  }
  receipt.tBodies[0].replaceChildren(...made);
  receipt.hidden = false;
}

async function confirm() {
  const body = { paymentKey: asked.get("paymentKey"), orderId: asked.get("orderId"), amount: Number(asked.get("amount")) };
  // Loading this page again must not be another payment.
  const headers = { "idempotency-key": `confirm-${body.paymentKey}` };
  for (;;) {
    const answer = await call("POST", "/v1/payments/confirm", body, headers);
    if (answer.status !== 202) {
      tell("결제가 완료되었습니다.", "good");
      return show(answer.body);
    }
    tell("결제 결과를 아직 알 수 없습니다. 잠시 뒤 다시 확인합니다…");
    await new Promise((resolve) => setTimeout(resolve, Math.max(1, answer.retryAfter) * 1000));
  }
}

async function fail() {
  // Toss leaves the order out when the buyer closed the window.
  const orderId = asked.get("orderId") ?? sessionStorage.getItem("devloop.order");
  const code = asked.get("code") ?? "PAY_PROCESS_ABORTED";
  const message = asked.get("message") ?? undefined;
  await call("POST", "/v1/payments/fail", { orderId, code, message });
  tell(`${message ?? "결제하지 않았습니다."} (${code}) 자리는 다시 판매됩니다.`);
}

try {
  await (location.pathname === "/pay/success" ? confirm() : fail());
} catch (error) {
  if (!(error instanceof Refused)) throw error;
  tell(`${error.message} (${error.problem.code ?? error.status})`, "bad");
}
