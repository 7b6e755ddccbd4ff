// node-oidc-provider as a company's IdP: its own sign-in pages, and a token exchange for ID-JAGs registered in it.
import { createServer } from "node:http";
import { exportJWK, generateKeyPair, importJWK, SignJWT } from "jose";
import Provider, { errors } from "oidc-provider";
import { answer } from "./lines.mjs";

const TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
const ID_JAG = "urn:ietf:params:oauth:token-type:id-jag";
const ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token";
const PARAMETERS = [
  "requested_token_type", "subject_token", "subject_token_type", "audience", "resource", "scope",
];

const METADATA = { grant_types: ["authorization_code", "refresh_token", TOKEN_EXCHANGE] };

let issuer, options, keys;
let handle = (request, response) => response.writeHead(503).end();
const server = createServer((request, response) => handle(request, response));

async function newKeys() {
  keys = [];
  for (const alg of new Set(["RS256", ...options.clients.map((client) => client.id_token_signed_response_alg)])) {
    const { privateKey } = await generateKeyPair(alg, { extractable: true });
    keys.push({ ...(await exportJWK(privateKey)), alg, use: "sig", kid: crypto.randomUUID() });
  }
}

function start() {
  const provider = new Provider(issuer, {
    clients: options.clients.map((client) => ({ ...METADATA, ...client })),
    jwks: { keys },
    cookies: { keys: ["of a test"] },
    claims: { openid: ["sub"], profile: ["name"], email: ["email", "email_verified"] },
    findAccount: (context, id) => ({ accountId: id, claims: () => ({ sub: id, ...options.people[id] }) }),
    rotateRefreshToken: true,
    ...options.configuration,
  });
  provider.registerGrantType(TOKEN_EXCHANGE, (context) => exchange(provider, context), PARAMETERS);
  handle = provider.callback();
}

/** RFC 8693 section 2.1, as ID-JAG -04 section 4.3 profiles it: for one audience, whose client identifier is known. */
async function exchange(provider, context) {
  const { client, params } = context.oidc;
  const { audience, resource, clientIdThere } = options.policy;
  if (params.requested_token_type !== ID_JAG || params.subject_token_type !== ID_TOKEN) {
    throw new errors.InvalidRequest("an ID token for an ID-JAG is all that is exchanged");
  }
  if (params.audience !== audience) throw new errors.InvalidTarget("the audience is unknown");
  let claims;
  try {
    claims = (await provider.IdToken.validate(params.subject_token, client)).payload;
  } catch (error) {
    throw new errors.InvalidGrant(`the subject token is not good: ${error.message}`);
  }
  const person = options.people[claims.sub];
  const algorithm = client.idTokenSignedResponseAlg;
  const jwk = keys.find((key) => key.alg === algorithm);
  const idJag = await new SignJWT({
    client_id: clientIdThere, resource, scope: params.scope, jti: crypto.randomUUID(),
    email: person.email, email_verified: person.email_verified, auth_time: claims.auth_time,
  })
    .setProtectedHeader({ alg: algorithm, typ: "oauth-id-jag+jwt", kid: jwk.kid })
    .setIssuer(issuer).setSubject(claims.sub).setAudience(audience).setIssuedAt().setExpirationTime("5m")
    .sign(await importJWK(jwk, algorithm));
  context.body = {
    access_token: idJag, issued_token_type: ID_JAG, token_type: "N_A", expires_in: 300, scope: params.scope,
  };
}

await answer({
  /** Start the provider with these options and new keys, on the port of the first start; return its issuer. */
  async start(wanted) {
    options = wanted;
    if (!server.listening) {
      await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
      issuer = `http://localhost:${server.address().port}`;
    }
    await newKeys();
    start();
    return issuer;
  },

  /** Let a new key of each algorithm take the place of the old ones. */
  async rotateKeys() {
    await newKeys();
    start();
  },
});
