export const handler = async () => null;
await Promise.reject(new RangeError("at start"));
