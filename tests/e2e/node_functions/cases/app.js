"use strict";

const { setTimeout: wait } = require("node:timers/promises");

class NotEnoughError extends Error {
  constructor(message) {
    super(message);
    this.name = "NotEnoughError";
    this.left = 3;
  }
}
let calls = 0;

exports.echo = async (event) => event;
exports.nothing = async () => undefined;
exports.returns = (event) => event;
exports.callback = (event, _context, callback) => callback(null, { back: event });
exports.callbackLater = (event, _context, callback) => {
  setTimeout(() => callback(null, { later: event }), 20);
};
exports.callbackThenWork = (event, _context, callback) => {
  setTimeout(() => console.log("after the callback"), 20);
  callback(null, event);
};
exports.callbackAtOnce = (event, context, callback) => {
  context.callbackWaitsForEmptyEventLoop = false;
  setInterval(() => {}, 10_000);
  callback(null, event);
};
exports.callbackTwice = (event, _context, callback) => {
  callback(null, 1);
  callback(null, 2);
};
exports.callbackFails = (_event, _context, callback) => callback(new NotEnoughError("only 3"));
exports.callbackFailsWithText = (_event, _context, callback) => callback("just words");
exports.callbackNothing = (_event, _context, callback) => callback();
exports.done = (event, context) => context.done(null, event);
exports.doneFails = (_event, context) => context.done(new TypeError("not that"));
exports.succeed = (event, context) => context.succeed({ yes: event });
exports.fail = (_event, context) => context.fail(new RangeError("too far"));
exports.failWithNothing = (_event, context) => context.fail();
exports.failWithObject = (_event, context) => context.fail({ toString: () => "an object" });
exports.throws = () => {
  throw new NotEnoughError("thrown");
};
exports.throwsText = () => {
  throw "words";
};
exports.rejects = async () => {
  throw new Error("first\n  second é😀\x7f");
};
exports.rejectsNull = () => Promise.reject(null);
exports.rejectsNumber = () => Promise.reject(42);
exports.rejectsCause = async () => {
  throw new Error("outer", { cause: new Error("inner") });
};
exports.never = () => new Promise(() => {});
exports.circular = async () => {
  const value = {};
  value.self = value;
  return value;
};
exports.big = async () => 10n;
exports.kinds = async () => ({
  date: new Date(0),
  nan: NaN,
  undefined: undefined,
  list: [undefined, null, () => {}],
  map: new Map([[1, 2]]),
  bytes: Buffer.from("hi"),
  lone: "\ud800",
  text: "é😀\u2028",
  own: { toJSON: () => "by itself" },
});
exports.thenable = () => ({ then: (resolve) => setTimeout(() => resolve("thenable"), 5) });
exports.sized = async (size) => "x".repeat(size - 2);
exports.length = async (event) => event.data.length;
exports.counter = async () => ++calls;
exports.context = async (_event, context) => ({ ...context, remaining: undefined, kind: typeof context.done });
exports.keys = async (_event, context) => Object.keys(context);
exports.remaining = async (_event, context) => {
  const left = context.getRemainingTimeInMillis();
  return left > 0 && left <= 10_000 && Number.isInteger(left);
};
exports.clientContext = async (_event, context) => [context.clientContext ?? null, context.identity ?? null];
exports.variables = async (names) => names.map((name) => process.env[name] ?? null);
exports.ours = async () => Object.keys(process.env).filter((name) => name.startsWith("LOCKGATE_"));
exports.trace = async () => process.env._X_AMZN_TRACE_ID.split("-")[0];
exports.logs = async (event) => {
  console.trace("a trace");
  console.debug("a %s of %d", "format", 2, { deep: { er: [1, { x: 1 }] } });
  console.info(event);
  console.log("two\nlines");
  console.warn(new NotEnoughError("as a warning").message);
  console.error("failed", new NotEnoughError("in the log").message);
  console.fatal("the end");
  console.log();
  return "logged";
};
exports.logsErrors = async () => {
  const error = new NotEnoughError("in the log");
  error.stack = "NotEnoughError: in the log\n    at somewhere";
  console.error(error);
  console.error("with", error, 1);
  const circular = { name: "circle" };
  circular.self = circular;
  console.info(circular);
  console.info(12n);
  return null;
};
exports.prints = async () => {
  process.stdout.write("written\n");
  process.stderr.write("to stderr\n");
  return null;
};
exports.uncaught = (_event, _context, _callback) => {
  setTimeout(() => {
    throw new NotEnoughError("uncaught");
  }, 5);
};
exports.unhandled = async () => {
  Promise.reject(new Error("nobody looked"));
  await wait(1000);
};
exports.exits = async (code) => process.exit(code);
exports.nested = { inner: { handler: async () => "nested" } };
exports.notAFunction = 7;
exports.afterwards = async (event) => {
  if (event === "arm") setTimeout(() => (calls += 100), 5);
  else await wait(20);
  return calls;
};
exports.stream = globalThis.awslambda.streamifyResponse(async (event, stream, context) => {
  stream.setContentType("text/plain");
  stream.write(`for ${event} `);
  await wait(5);
  stream.end(`from ${context.functionName}`);
});
exports.streamFails = globalThis.awslambda.streamifyResponse(async () => {
  throw new NotEnoughError("no stream");
});
exports.streamUnfinished = globalThis.awslambda.streamifyResponse(async (_event, stream) => {
  stream.write("half");
});
