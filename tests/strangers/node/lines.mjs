// A script answers each line of JSON on its standard input, a command and its options, with a line on its standard output.
import { createInterface } from "node:readline";

console.log = console.info = console.error; // what libraries say is no answer

export async function answer(commands) {
  for await (const line of createInterface({ input: process.stdin })) {
    const { command, ...options } = JSON.parse(line);
    let said;
    try {
      said = { result: (await commands[command](options)) ?? null };
    } catch (error) {
      said = { error: inWords(error) };
    }
    process.stdout.write(`${JSON.stringify(said)}\n`);
  }
  process.exit();
}

function inWords(error) {
  const { name, message, code, cause, body, error: oauthError, error_description: description } = error;
  const parts = [name, code, message, oauthError, description];
  if (body) parts.push(JSON.stringify(body)); // of better-auth
  if (cause) parts.push(cause instanceof Error ? inWords(cause) : JSON.stringify(cause));
  return parts.filter(Boolean).join(": ");
}
