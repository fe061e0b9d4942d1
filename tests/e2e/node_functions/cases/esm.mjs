import { readFileSync } from "node:fs";

const here = import.meta.url;
const size = await new Promise((resolve) => setImmediate(() => resolve(readFileSync(new URL(here)).length)));

export const handler = async () => [here.split("/").at(-1), size > 0];
export default { handler: async () => "default" };
