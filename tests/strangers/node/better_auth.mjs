// better-auth as a company's OpenID Provider. Its users write the sign-in page: here a form of two fields.
import { createServer } from "node:http";
import { oauthProvider } from "@better-auth/oauth-provider";
import { betterAuth } from "better-auth";
import { memoryAdapter } from "better-auth/adapters/memory";
import { toNodeHandler } from "better-auth/node";
import { jwt } from "better-auth/plugins";
import { answer } from "./lines.mjs";

const SIGN_IN = "/sign-in";
const PAGE = `<form method="post"><input name="email"><input name="password" type="password"></form>`;

let auth, session;

/** Show the page, or send what was filled in to better-auth, with the signed query that it put into the address. */
async function signInPage(request, response) {
  if (request.method === "GET") {
    return response.writeHead(200, { "content-type": "text/html" }).end(PAGE);
  }
  const chunks = await request.toArray();
  const form = Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString()));
  const [, query] = request.url.split("?");
  const headers = { "content-type": "application/json", accept: "text/html", origin: new URL(auth.options.baseURL).origin };
  const answered = await auth.handler(
    new Request(`${auth.options.baseURL}/sign-in/email`, {
      method: "POST", headers, body: JSON.stringify({ ...form, oauth_query: query }),
    }),
  );
  const location = answered.headers.get("location") ?? (await answered.json()).url;
  response.writeHead(303, { location, "set-cookie": answered.headers.getSetCookie() }).end();
}

async function newProvider(issuer) {
  const tables = Object.fromEntries(
    ["user", "session", "account", "verification", "jwks", "oauthClient", "oauthResource", "oauthClientResource",
      "oauthRefreshToken", "oauthAccessToken", "oauthConsent"].map((name) => [name, []]),
  );
  auth = betterAuth({
    baseURL: issuer,
    secret: "of a test, which has the length that better-auth wants",
    database: memoryAdapter(tables),
    emailAndPassword: { enabled: true },
    plugins: [jwt(), oauthProvider({ loginPage: SIGN_IN, consentPage: "/consent" })],
    telemetry: { enabled: false },
  });
  await auth.$context;
}

await answer({
  /** Start a provider that knows one person; return its issuer, which has a path. */
  async start({ person }) {
    const server = createServer((request, response) => {
      if (request.url.startsWith(SIGN_IN)) return signInPage(request, response);
      return toNodeHandler(auth)(request, response);
    });
    await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
    await newProvider(`http://localhost:${server.address().port}/api/auth`);
    const { headers, response } = await auth.api.signUpEmail({ body: person, returnHeaders: true });
    session = { cookie: headers.getSetCookie().map((cookie) => cookie.split(";")[0]).join("; ") };
    const context = await auth.$context;
    await context.internalAdapter.updateUser(response.user.id, { emailVerified: true });
    return { issuer: auth.options.baseURL, subject: response.user.id };
  },

  /** Register an app; return its client identifier and secret. */
  register: (body) => auth.api.adminCreateOAuthClient({ headers: session, body: { ...body, skip_consent: true } }),
});
