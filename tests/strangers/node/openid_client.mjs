// openid-client as an app: `discover` chooses the authorization server that the other commands ask.
import * as oidc from "openid-client";
import { answer } from "./lines.mjs";

const METHODS = { client_secret_basic: oidc.ClientSecretBasic, client_secret_post: oidc.ClientSecretPost };
let config, checks;

await answer({
  async discover({ issuer, clientId, secret, method, algorithm }) {
    const options = { algorithm, execute: [oidc.allowInsecureRequests] };
    const authentication = method && METHODS[method](secret); // undefined: its own default
    config = await oidc.discovery(new URL(issuer), clientId, secret, authentication, options);
    return config.serverMetadata();
  },

  async authorizationUrl({ redirectUri, scope, ...more }) {
    const pkceCodeVerifier = oidc.randomPKCECodeVerifier();
    checks = { pkceCodeVerifier, expectedState: oidc.randomState(), expectedNonce: oidc.randomNonce() };
    return oidc.buildAuthorizationUrl(config, {
      redirect_uri: redirectUri,
      scope,
      state: checks.expectedState,
      nonce: checks.expectedNonce,
      code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: "S256",
      ...more,
    });
  },

  async callback({ url }) {
    const tokens = await oidc.authorizationCodeGrant(config, new URL(url), checks);
    return { ...tokens, claims: tokens.claims() };
  },

  async refresh({ refreshToken }) {
    const tokens = await oidc.refreshTokenGrant(config, refreshToken);
    return { ...tokens, claims: tokens.claims() };
  },

  userinfo: ({ accessToken, subject }) => oidc.fetchUserInfo(config, accessToken, subject),
  grant: ({ type, ...form }) => oidc.genericGrantRequest(config, type, form),
  introspect: ({ token }) => oidc.tokenIntrospection(config, token),
  revoke: ({ token }) => oidc.tokenRevocation(config, token),
  signOutUrl: (parameters) => oidc.buildEndSessionUrl(config, parameters),

  async callApi({ accessToken, url }) {
    const response = await oidc.fetchProtectedResource(config, accessToken, new URL(url), "GET");
    return { status: response.status, body: await response.json() };
  },
});
