// oauth4webapi as a client that knows nothing but an API's address, and as a resource server that verifies its tokens.
import * as oauth from "oauth4webapi";
import { answer } from "./lines.mjs";

const insecure = { [oauth.allowInsecureRequests]: true }; // plain http, on this machine
const METHODS = {
  client_secret_basic: oauth.ClientSecretBasic,
  client_secret_post: oauth.ClientSecretPost,
};
let server, client, authentication;

await answer({
  async findApi({ resource }) {
    const url = new URL(resource);
    return oauth.processResourceDiscoveryResponse(url, await oauth.resourceDiscoveryRequest(url, insecure));
  },

  async findServer({ issuer, algorithm }) {
    const url = new URL(issuer);
    server = await oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, { algorithm, ...insecure }));
    return server;
  },

  async authenticate({ clientId, method, secret }) {
    client = { client_id: clientId };
    authentication = METHODS[method](secret);
  },

  async authenticateWithKey({ clientId, algorithm }) {
    const { privateKey, publicKey } = await oauth.generateKeyPair(algorithm, { extractable: true });
    client = { client_id: clientId };
    authentication = oauth.PrivateKeyJwt({ key: privateKey, kid: "stranger" });
    const jwk = await crypto.subtle.exportKey("jwk", publicKey);
    return { ...jwk, kid: "stranger", alg: algorithm, use: "sig" };
  },

  async grant({ type, ...form }) {
    const response = await oauth.genericTokenEndpointRequest(server, client, authentication, type, form, insecure);
    const recognizedTokenTypes = { n_a: () => {} };
    return oauth.processGenericTokenEndpointResponse(server, client, response, { recognizedTokenTypes });
  },

  async introspect({ token }) {
    const response = await oauth.introspectionRequest(server, client, authentication, token, insecure);
    return oauth.processIntrospectionResponse(server, client, response);
  },

  async revoke({ token }) {
    return oauth.processRevocationResponse(
      await oauth.revocationRequest(server, client, authentication, token, insecure),
    );
  },

  async callApi({ accessToken, url }) {
    const response = await oauth.protectedResourceRequest(
      accessToken, "GET", new URL(url), undefined, undefined, insecure,
    );
    return { status: response.status, body: await response.json() };
  },

  async challengeOf({ accessToken, url }) {
    try {
      await oauth.protectedResourceRequest(accessToken, "GET", new URL(url), undefined, undefined, insecure);
    } catch (error) {
      return { status: error.status, challenges: error.cause };
    }
  },

  async verifyAccessToken({ accessToken, audience }) {
    const request = new Request(audience, { headers: { authorization: `Bearer ${accessToken}` } });
    return oauth.validateJwtAccessToken(server, request, audience, insecure);
  },
});
