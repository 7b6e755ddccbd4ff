// Loaded before every script here: `*.localhost` is this machine (RFC 6761 section 6.3), and no other name is looked up.
import dns from "node:dns";

const HERE = /^(localhost|.*\.localhost|127\.[0-9.]+|::1)$/;
const lookup = dns.lookup;

dns.lookup = (name, ...rest) => {
  if (!HERE.test(name)) {
    throw new Error(`a stranger looked up ${name}`);
  }
  return lookup("127.0.0.1", ...rest);
};
