// Talks to the API as the account that is logged in.

const KEPT = "devloop.session";

export const session = () => JSON.parse(localStorage.getItem(KEPT) ?? "null");

export const keep = (value) => (value ? localStorage.setItem(KEPT, JSON.stringify(value)) : localStorage.removeItem(KEPT));

/** What the API refused: its problem document. */
export class Refused extends Error {
  constructor(status, problem, retryAfter) {
    super(problem.detail ?? `${status}`);
    Object.assign(this, { status, problem, retryAfter });
  }
}

async function send(method, path, body, headers, token) {
  const response = await fetch(path, {
    method,
    headers: {
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...(token ? { authorization: `Bearer ${token}` } : {}),
      ...headers,
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await response.text();
  return { response, json: text ? JSON.parse(text) : null };
}

/** Calls the API; an access token that has ended is refreshed once. */
export async function call(method, path, body, headers = {}) {
  const known = session();
  let { response, json } = await send(method, path, body, headers, known?.accessToken);
  if (response.status === 401 && known && !path.startsWith("/v1/auth/")) {
    const refreshed = await send("POST", "/v1/auth/refresh", { refreshToken: known.refreshToken }, {});
    if (refreshed.response.ok) {
      keep({ ...known, ...refreshed.json });
      ({ response, json } = await send(method, path, body, headers, refreshed.json.accessToken));
    } else {
      keep(null);
    }
  }
  const retryAfter = Number(response.headers.get("retry-after") ?? 0);
  if (!response.ok) throw new Refused(response.status, json ?? {}, retryAfter);
  return { status: response.status, body: json, retryAfter };
}

export const won = (amount) => (amount === 0 ? "무료" : `${amount.toLocaleString("ko-KR")}원`);

export const when = (time) => new Date(time).toLocaleString("ko-KR", { dateStyle: "medium", timeStyle: "short" });

export function element(name, attributes = {}, ...children) {
  const made = Object.assign(document.createElement(name), attributes);
  made.append(...children);
  return made;
}
