// What programs in JavaScript see in a JSON-RPC message: one body in base64 on each line of the input, one JSON object with
// what each reader sees on each line of the output, null where it cannot read the body.
//
// assigned: as after a copy by assignment, which takes "__proto__" for what its name says.

import { readFileSync } from "node:fs";

const NAMED_BY = {
  "tools/call": (params) => [params?.name],
  "prompts/get": (params) => [params?.name],
  "resources/read": (params) => [params?.uri],
  "resources/subscribe": (params) => [params?.uri],
  "resources/unsubscribe": (params) => [params?.uri],
  "tasks/get": (params) => [params?.taskId],
  "tasks/result": (params) => [params?.taskId],
  "tasks/update": (params) => [params?.taskId],
  "tasks/cancel": (params) => [params?.taskId],
  "completion/complete": (params) => [params?.ref?.type === "ref/prompt" ? params.ref.name : params?.ref?.uri],
  "subscriptions/listen": (params) => interests(params?.notifications),
};

function interests(notifications) {
  const isWanted = (flag) => flag !== undefined && flag !== null && flag !== false;
  return [
    ...(isWanted(notifications?.toolsListChanged) ? ["tools/list"] : []),
    ...(isWanted(notifications?.promptsListChanged) ? ["prompts/list"] : []),
    ...(isWanted(notifications?.resourcesListChanged) ? ["resources/list"] : []),
    ...[notifications?.resourceSubscriptions ?? []].flat(),
    ...[notifications?.taskIds ?? []].flat(),
  ];
}

function seen(message) {
  return (Array.isArray(message) ? message : [message]).map((operation) => {
    const method = operation?.method ?? "";
    const named = Object.hasOwn(NAMED_BY, method) ? NAMED_BY[method](operation.params) : [];
    return [method, named];
  });
}

function assigned(value) {
  if (Array.isArray(value)) return value.map(assigned);
  if (value === null || typeof value !== "object") return value;
  const copy = {};
  for (const name of Object.keys(value)) copy[name] = assigned(value[name]);
  return copy;
}

function parsed(line) {
  try {
    // As Request.json() reads a body: a byte order mark goes, broken UTF-8 is replaced.
    return { message: JSON.parse(new TextDecoder().decode(Buffer.from(line, "base64"))) };
  } catch {
    return undefined;
  }
}

const lines = readFileSync(0, "utf8").split("\n").filter((line) => line !== "");
const answers = lines.map((line) => {
  const read = parsed(line);
  const views = read ? { node: seen(read.message), node_assigned: seen(assigned(read.message)) } : { node: null, node_assigned: null };
  return JSON.stringify(views);
});
process.stdout.write(answers.join("\n") + "\n");
