// The MCP SDK's client of Enterprise-Managed Authorization, before an API instead of an MCP server.
import {
  applyMiddlewares, CrossAppAccessProvider, discoverAndRequestJwtAuthGrant, discoverOAuthServerInfo, exchangeJwtAuthGrant,
  withOAuth,
} from "@modelcontextprotocol/client";
import { answer } from "./lines.mjs";

await answer({
  /** Go from the API's address to its authorization server (RFC 9728, RFC 8414). */
  discover: ({ resource }) => discoverOAuthServerInfo(resource),

  /** Ask the IdP for an ID-JAG, with the secret in the body: the SDK knows no other way. */
  idJag: (options) => discoverAndRequestJwtAuthGrant(options),

  redeem: (options) => exchangeJwtAuthGrant(options),

  /** Call the API `times` times; the provider asks for an assertion, here the given one, when it needs a token. */
  async callApi({ resource, url, issuer, clientId, clientSecret, idJag, times = 1 }) {
    const asked = [];
    const provider = new CrossAppAccessProvider({
      clientId,
      clientSecret,
      expectedIssuer: issuer,
      assertion: ({ authorizationServerUrl, resourceUrl }) => {
        asked.push({ authorizationServerUrl, resourceUrl });
        return idJag;
      },
    });
    const fetchWithToken = applyMiddlewares(withOAuth(provider, resource))(fetch);
    const statuses = [];
    for (let count = 0; count < times; count += 1) statuses.push((await fetchWithToken(url)).status);
    return { statuses, asked, tokens: provider.tokens() };
  },
});
